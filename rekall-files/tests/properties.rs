//! What holds for any text: it is read, nothing of it is lost or taken twice, and lines are where they are said to be.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::prelude::*;
use rekall_files::{Document, FileKind, Language, parse};

/// The kinds whose sections have their text as it is written.
const VERBATIM: &[FileKind] = &[
    FileKind::Markdown,
    FileKind::Org,
    FileKind::ReStructuredText,
    FileKind::AsciiDoc,
    FileKind::Source(Language::Rust),
    FileKind::Source(Language::Python),
    FileKind::Source(Language::Cpp),
    FileKind::Source(Language::Shell),
    FileKind::Source(Language::Ruby),
    FileKind::PlainText,
];

/// What gives lines a meaning in some kind. `W` becomes a word that occurs once.
const PIECES: &[&str] = &[
    "W",
    "W W",
    "# W",
    "## W",
    "### W ##",
    "#",
    "* W",
    "** W",
    "= W",
    "== W",
    "===",
    "---",
    "----",
    "====",
    "~~~~",
    "```",
    "~~~",
    "- W",
    "- # W",
    "> W",
    "> # W",
    "1. W",
    "    W",
    "\t# W",
    "<div>",
    "</div>",
    "<!-- W",
    "-->",
    "<pre>",
    "</pre>",
    "| W | W |",
    "|---|---|",
    "fn W() {",
    "}",
    "/// W",
    "// W",
    "#[W]",
    "/* W",
    "*/",
    "class W:",
    "def W(a):",
    "\"\"\"",
    "\"W",
    "'W'",
    "int W(void)",
    "W() {",
    "=begin",
    "=end",
    ".. W",
    "::",
    "é W 漢字",
    "\u{a0}W",
    "",
    "",
    "",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..30).prop_map(|lines| {
        let mut text = String::new();
        let mut words = 0;
        for line in lines {
            for (number, part) in line.split('W').enumerate() {
                if number > 0 {
                    words += 1;
                    text += &format!("w{words}w");
                }
                text += part;
            }
            text.push('\n');
        }
        text
    })
}

fn kind() -> impl Strategy<Value = FileKind> {
    prop::sample::select(VERBATIM)
}

/// The words of a text, which are `w`, a number and `w`.
fn words(text: &str) -> Vec<&str> {
    let parts = text.split(|character: char| !character.is_ascii_alphanumeric());
    parts.filter(|part| part.len() > 2 && part.starts_with('w') && part.ends_with('w')).collect()
}

/// The text behind front matter, where there is any. What stands in it is not text: the document has it as metadata, and comments nowhere.
fn body<'a>(document: &Document, text: &'a str) -> &'a str {
    if document.metadata.is_empty() || !text.starts_with("---") {
        return text;
    }
    let ends = text.match_indices('\n').map(|(at, _)| &text[at + 1..]);
    let rest = ends.into_iter().find(|rest| rest.lines().next() == Some("---"));
    rest.and_then(|rest| rest.split_once('\n')).map_or("", |(_, body)| body)
}

fn check_lines(document: &Document, text: &str) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut last = 0;
    for section in &document.sections {
        prop_assert!(section.line > last, "{section:?} in {text:?}");
        prop_assert!(section.text_line >= section.line);
        last = section.line;
        if section.text.is_empty() {
            continue;
        }
        for (number, line) in section.text.split('\n').enumerate() {
            last = section.text_line + number;
            prop_assert_eq!(line.trim_end(), lines[last - 1].trim_end(), "{:?} in {:?}", section, text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_lost_or_taken_twice(text in text(), kind in kind()) {
        let document = parse(kind, "file.x", &text).unwrap();
        check_lines(&document, &text)?;
        let mut in_texts: HashMap<&str, usize> = HashMap::new();
        for word in document.sections.iter().flat_map(|section| words(&section.text)) {
            *in_texts.entry(word).or_default() += 1;
        }
        let is_code = matches!(kind, FileKind::Source(_));
        let in_headings = |word: &str| {
            !is_code && document.sections.iter().flat_map(|section| &section.headings).any(|title| words(title).contains(&word))
        };
        for word in words(body(&document, &text)) {
            let times = in_texts.get(word).copied().unwrap_or(0) + usize::from(in_headings(word));
            prop_assert_eq!(times, 1, "{} in {:?}", word, document.sections);
        }
    }

    #[test]
    fn every_section_has_a_title(text in text(), kind in kind()) {
        for section in parse(kind, " ", &text).unwrap().sections {
            prop_assert!(!section.title.trim().is_empty() && !section.title.contains('\n'), "{:?}", section.title);
        }
    }

    #[test]
    fn any_text_is_read(text in "(\\PC|[\n\t #=*`<>|_\\[\\]:~+.-]){0,120}", kind in kind()) {
        let document = parse(kind, "file.x", &text).unwrap();
        check_lines(&document, &text)?;
    }

    #[test]
    fn any_front_matter_is_read(inner in "(\\PC|[\n :\\[\\]{}&*!|>'\"#,-]){0,80}", mark in "(---|\\+\\+\\+)") {
        let text = format!("{mark}\n{inner}\n{mark}\n\n# w1w\nw2w\n");
        let document = parse(FileKind::Markdown, "file.md", &text).unwrap();
        check_lines(&document, &text)?;
        prop_assert!(document.sections.iter().any(|section| section.text.contains("w2w")));
    }
}
