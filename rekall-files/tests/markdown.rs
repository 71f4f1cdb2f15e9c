//! Markdown as its authors mean it: which lines are headings, what of them is a title, and front matter.
#![allow(clippy::unwrap_used)]

use rekall_files::{Document, FileKind, Problem, decode, parse};
use serde_json::json;

fn document(text: &str) -> Document {
    parse(FileKind::Markdown, "note.md", text).unwrap()
}

/// Each section's headings, joined, its text and its line.
fn sections(text: &str) -> Vec<(String, String, usize)> {
    let sections = document(text).sections.into_iter();
    sections.map(|section| (section.headings.join(" / "), section.text, section.line)).collect()
}

fn section(headings: &str, text: &str, line: usize) -> (String, String, usize) {
    (headings.to_owned(), text.to_owned(), line)
}

fn titles(text: &str) -> Vec<String> {
    document(text).sections.into_iter().filter_map(|section| section.headings.last().cloned()).collect()
}

#[test]
fn headings_of_both_forms_nest() {
    let text = "Before.\n\nPlan\n====\n\nAll of it.\n\n## Next ##\n\n### Deep\nx\n\n# Other\n";
    assert_eq!(
        sections(text),
        [
            section("", "Before.", 1),
            section("Plan", "All of it.", 3),
            section("Plan / Next / Deep", "x", 10),
            section("Other", "", 13),
        ]
    );
}

#[test]
fn a_heading_over_headings_is_a_section_only_with_text() {
    assert_eq!(sections("# A\n## B\n"), [section("A / B", "", 2)]);
    assert_eq!(sections("## A\n# B\n"), [section("A", "", 1), section("B", "", 2)]);
    assert_eq!(sections(" \n\n"), []);
}

#[test]
fn a_byte_order_mark_hides_no_heading_and_no_front_matter() {
    for bytes in ["\u{FEFF}# Plan\nx".as_bytes(), "\u{FEFF}---\ntitle: Plan\n---\nx".as_bytes()] {
        let decoded = decode(bytes).unwrap();
        assert_eq!(document(&decoded.text).title, "Plan");
    }
}

#[test]
fn dashes_underline_paragraphs_only() {
    for text in [
        "- item\n---\nx",
        "> quote\n---\nx",
        "| a | b |\n|---|---|\n| c | d |\n---\nx",
        "<div>\n---\nx\n</div>",
        "```\ncode\n```\n---\nx",
        "* * *\n---\nx",
        "    code\n---\nx",
    ] {
        assert_eq!(titles(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(titles("Plan\n---\nx"), ["Plan"]);
    assert_eq!(titles("> quote\n\nPlan\n---\nx"), ["Plan"]);
}

#[test]
fn what_looks_like_a_heading_and_is_none() {
    for text in [
        "\t# comment",
        "    # comment",
        "text\n\n\t# comment\n",
        "<!-- # x -->",
        "<!--\n# x\n-->",
        "<pre>\n# x\n</pre>",
        "```sh\n# comment\n```",
        "~~~\n# a\n```\n# b\n~~~",
        "#hashtag",
        "####### seven",
        "\\# escaped",
        "- # in a list",
        "1. text\n\n   ## in a list",
        "> # quoted",
        "[^1]: note\n    # x",
    ] {
        assert_eq!(titles(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn underlined_headings_take_their_whole_paragraph() {
    assert_eq!(sections("A plan for\nthe summer\n===\nx"), [section("A plan for the summer", "x", 1)]);
    assert_eq!(sections("a\n\nB\nC\n---\nx"), [section("", "a", 1), section("B C", "x", 3)]);
}

#[test]
fn all_line_ends_are_line_ends() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["# A", "x", "", "B", "---", "y"].join(end);
        let decoded = decode(text.as_bytes()).unwrap();
        assert_eq!(sections(&decoded.text), [section("A", "x", 1), section("A / B", "y", 4)], "{end:?}");
    }
}

#[test]
fn titles_are_what_readers_see() {
    for (line, title) in [
        ("# Usage {#usage}", "Usage"),
        ("# Usage {#usage .wide key=value}", "Usage"),
        ("# The [manual](https://example.org) and [[Other note|more]]", "The manual and more"),
        ("# See [[Other note]]", "See Other note"),
        ("# *Very* __important__ `code` ~~old~~", "Very important code old"),
        ("# ![Logo](logo.png) Name", "Logo Name"),
        ("# Name <a id=\"name\"></a>", "Name"),
        ("# a &amp; b &copy; \\*c\\*", "a & b © *c*"),
        ("# C#", "C#"),
        ("# Closed ##", "Closed"),
        ("#\ttab", "tab"),
        ("#   many    spaces   ", "many spaces"),
        ("   # indented", "indented"),
        ("# `{#not-an-anchor}`", "{#not-an-anchor}"),
        ("# [ref][label]\n\n[label]: /url", "ref"),
    ] {
        assert_eq!(titles(&format!("{line}\nx")), [title], "{line}");
    }
}

#[test]
fn empty_headings_leave_no_mark_in_the_path() {
    assert_eq!(sections("#\n\nx\n## B\ny"), [section("", "x", 1), section("B", "y", 4)]);
    assert_eq!(document("#\n\nx").sections[0].title, "note");
}

#[test]
fn titles_of_sections_begin_with_the_documents_own() {
    let titles = |text: &str| -> Vec<String> {
        document(text).sections.into_iter().map(|section| section.title).collect()
    };
    assert_eq!(titles("a\n# B\nc\n## D\ne"), ["B", "B", "B > D"]);
    assert_eq!(titles("a\n# B\nc\n# D\ne"), ["note", "B", "D"]);
    assert_eq!(titles("---\ntitle: Trip\n---\na\n# B\nc"), ["Trip", "Trip > B"]);
    assert_eq!(titles("---\ntitle: Trip\n---\n# Trip\nc\n## D\ne"), ["Trip", "Trip > D"]);
}

#[test]
fn the_only_topmost_heading_names_the_document_if_it_comes_first() {
    assert_eq!(document("# A\n## B\n## C").title, "A");
    assert_eq!(document("## A\n### B").title, "A");
    assert_eq!(document("# A\n# B").title, "note");
    assert_eq!(document("## A\n# B").title, "note");
    assert_eq!(parse(FileKind::Markdown, " ", "x").unwrap().title, "\" \"");
}

#[test]
fn front_matter_is_sorted_into_fields_and_metadata() {
    let text = "---\ntitle: \"A: plan\"\ntags: [work, '#home', work]\nkeywords: a, b\naliases:\n  - The plan\n\
                date: 2024-05-01\nweight: 3\nparams: {draft: true, authors: [Ann, Bo]}\n---\n\n# Plan\nx\n";
    let document = document(text);
    assert_eq!(document.title, "A: plan");
    assert_eq!(document.tags, ["work", "home", "a", "b"]);
    assert_eq!(document.aliases, ["The plan"]);
    assert_eq!(document.date_ms, Some(1_714_521_600_000));
    let metadata = json!({ "weight": 3, "params": { "draft": true, "authors": ["Ann", "Bo"] } });
    assert_eq!(serde_json::Value::Object(document.metadata), metadata);
    assert_eq!((document.sections.len(), document.sections[0].line), (1, 12));
    assert_eq!(document.problems, []);
}

#[test]
fn front_matter_in_toml() {
    let document =
        document("+++\ntitle = \"Plan\"\ntags = [\"a\"]\ndate = 2024-05-01T10:00:00Z\nn = 1.5\n+++\nx");
    assert_eq!((document.title.as_str(), document.tags.as_slice()), ("Plan", ["a".to_owned()].as_slice()));
    assert_eq!(document.date_ms, Some(1_714_557_600_000));
    assert_eq!(serde_json::Value::Object(document.metadata), json!({ "n": 1.5 }));
    assert_eq!(document.sections[0].text_line, 7);
}

#[test]
fn values_that_do_not_fit_their_key_stay_in_the_metadata() {
    let document = document("---\ntitle: [a]\ndate: soon\ntags: {a: b}\n---\nx");
    assert_eq!((document.title.as_str(), document.date_ms), ("note", None));
    let metadata = json!({ "title": ["a"], "date": "soon", "tags": { "a": "b" } });
    assert_eq!(serde_json::Value::Object(document.metadata), metadata);
}

#[test]
fn front_matter_ends_with_dashes_or_dots_and_only_begins_a_text() {
    assert_eq!(document("---\ntitle: A\n...\nx").title, "A");
    assert_eq!(document("--- \ntitle: A\n---\t\nx").title, "A");
    assert_eq!(document("\n---\ntitle: A\n---\nx").title, "title: A");
    assert_eq!(sections("---\ntitle: A\n"), [section("", "---\ntitle: A", 1)]);
}

#[test]
fn two_thematic_breaks_are_no_front_matter() {
    assert_eq!(sections("---\n\nSome text.\n\n---\n\nx"), [section("", "---\n\nSome text.\n\n---\n\nx", 1)]);
}

#[test]
fn front_matter_with_an_error_is_text_and_named() {
    let document = document("---\ntitle: [a\ntags: b\n---\n# H\nx\n");
    let [Problem::FrontMatter { line, message }] = document.problems.as_slice() else {
        panic!("{:?}", document.problems)
    };
    assert!((2..=4).contains(line) && !message.is_empty() && !message.contains('\n'), "{line}: {message}");
    let texts: Vec<&str> = document.sections.iter().map(|section| section.text.as_str()).collect();
    assert_eq!(texts, ["---\ntitle: [a\ntags: b\n---", "x"]);
    assert_eq!(document.sections[1].headings, ["H"]);
}

#[test]
fn a_note_of_front_matter_alone_is_a_section() {
    let document = document("---\ntitle: A\ntags: [b]\n---\n");
    assert_eq!((document.sections.len(), document.sections[0].title.as_str()), (1, "A"));
}

#[test]
fn a_yaml_bomb_is_an_error() {
    let mut bomb = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let row = vec![format!("*a{}", level - 1); 10].join(",");
        bomb += &format!("a{level}: &a{level} [{row}]\n");
    }
    bomb += "---\nx";
    assert!(matches!(document(&bomb).problems.as_slice(), [Problem::FrontMatter { .. }]));
}
