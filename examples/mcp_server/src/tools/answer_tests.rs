//! Answers of the tools, for notes that are as large as notes can be and for notes that follow files.

use std::sync::Arc;

use rekall::storage::limits;
use rekall::{CancelToken, EntryId, NewEntry, Rekall};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::all;
use crate::memory::Opened;
use crate::tokens::estimate;

fn open() -> (TempDir, Opened) {
    let folder = tempfile::tempdir().unwrap();
    let rekall = Rekall::builder(folder.path().join("notes.db")).open().unwrap();
    (folder, Opened::new(Arc::new(rekall), 0))
}

/// What a model reads of a call.
fn call(rekall: &Opened, tool: &str, arguments: Value) -> String {
    let tool = all().unwrap().into_iter().find(|known| known.tool.name == tool).unwrap();
    let done = (tool.call)(arguments.as_object().unwrap().clone(), rekall, &CancelToken::new());
    done.unwrap_or_else(|failure| panic!("{arguments}: {failure}"))
}

/// A note in which everything is as long as it can be.
fn huge(number: usize) -> NewEntry {
    let name = |length: usize, letter: &str| format!("{number}{}", letter.repeat(length - 4));
    let tags = (0..limits::TAGS).map(|tag| format!("{tag} {}", "Ä".repeat(100)));
    let mut note = NewEntry::new(name(limits::TITLE_BYTES, "t"))
        .content("ä\n".repeat(3_000))
        .kind(name(limits::NAME_BYTES, "K"))
        .project(name(limits::NAME_BYTES, "P"))
        .tags(tags);
    note.metadata.insert("source".to_owned(), format!("/{}/end.md:7", "folder/".repeat(400)).into());
    note
}

#[test]
fn answers_keep_to_their_bound_whatever_the_notes_are() {
    let (_folder, rekall) = open();
    let notes: Vec<NewEntry> = (0..12).map(huge).collect();
    let ids = rekall.remember_many(&notes).run().unwrap();
    let first = ids[0].to_string();
    for other in &ids[1..] {
        rekall.link(ids[0], *other, "R".repeat(200).as_str(), Some(&"why ".repeat(400))).unwrap();
    }
    rekall.supersede_entry(ids[1], ids[2]).unwrap();
    for max_tokens in [200, 300, 2_000, 20_000] {
        for (tool, arguments) in [
            (
                "recall",
                json!({ "query": "ä", "limit": 50, "include_obsolete": true, "max_tokens": max_tokens }),
            ),
            ("recent", json!({ "limit": 50, "include_obsolete": true, "max_tokens": max_tokens })),
            ("show", json!({ "id": first, "max_tokens": max_tokens })),
        ] {
            let answer = call(&rekall, tool, arguments);
            assert!(
                estimate(&answer) <= max_tokens,
                "{tool} {max_tokens}: {} in {answer}",
                estimate(&answer)
            );
            let shown = ids.iter().filter(|id| answer.contains(&format!("\nid {id}"))).count();
            assert!(shown > 0 && answer.contains("  ä"), "{tool} {max_tokens}: {answer}");
            let told = answer.contains("more notes did not fit") || answer.contains("for more)");
            let wanted = if tool == "show" { 1 } else { ids.len() };
            assert!(told || shown == wanted, "{tool} {max_tokens}: {answer}");
            if max_tokens > 1_000 {
                assert!(answer.contains("end.md:7") && answer.contains("more tags"), "{tool}: {answer}");
            }
        }
    }
    let gone: Vec<String> = ids[2..].iter().map(EntryId::to_string).collect();
    for (tool, arguments) in [
        ("stats", json!({})),
        ("update", json!({ "id": first, "obsolete": false })),
        ("link", json!({ "from": first, "to": ids[2].to_string(), "relation": "R".repeat(256) })),
        ("remember", json!({ "title": "ä", "content": "ä\n".repeat(3_000) })),
        ("recall", json!({ "query": "ä", "project": "none" })),
        ("forget", json!({ "ids": gone })),
    ] {
        let answer = call(&rekall, tool, arguments);
        assert!(estimate(&answer) <= 2_000, "{tool}: {} in {answer}", estimate(&answer));
        assert!(answer.lines().count() > 0, "{tool}");
    }
}

/// All parts of a note, as a model gets them that follows what the answers say, without blanks.
fn parts(rekall: &Opened, id: EntryId, max_tokens: usize) -> String {
    let (mut text, mut start) = (String::new(), 0);
    loop {
        let part =
            call(rekall, "show", json!({ "id": id.to_string(), "start": start, "max_tokens": max_tokens }));
        assert!(estimate(&part) <= max_tokens, "{part}");
        let (_, body) = part.split_once("\n\n").unwrap();
        let (body, last) = body.rsplit_once("\n(characters ").unwrap_or((body, ""));
        text.extend(body.split_whitespace());
        let Some((_, next)) = last.split_once("start=") else { return text };
        let next = next.split(' ').next().unwrap().parse().unwrap();
        assert!(next > start, "the next part begins where this one did: {part}");
        start = next;
    }
}

#[test]
fn the_parts_of_a_note_come_to_an_end_and_make_up_the_whole() {
    let (_folder, rekall) = open();
    let short_lines: String = (0..3_000).map(|line| format!("{line}\n")).collect();
    let context = rekall::Context { situation: Some("It is late. ".repeat(200)), ..Default::default() };
    for (content, context) in [
        (short_lines.clone(), None),
        ("\n".repeat(3_000) + "end", None),
        ("长文".repeat(3_000), None),
        (short_lines, Some(context)),
    ] {
        let mut note = huge(0).content(&content);
        note.context.clone_from(&context);
        let id = rekall.remember(note).unwrap();
        let other = rekall.remember(huge(1)).unwrap();
        rekall.link(id, other, "related", Some(&"why ".repeat(400))).unwrap();
        let situation =
            context.and_then(|context| context.situation).map(|text| format!("situation: {text}"));
        let whole: String = [content, situation.unwrap_or_default()].concat().split_whitespace().collect();
        for max_tokens in [200, 2_000] {
            assert!(parts(&rekall, id, max_tokens) == whole, "{max_tokens}");
        }
        rekall.forget_many(&[id, other]).unwrap();
    }
}

#[test]
fn a_note_that_follows_a_file_names_its_place() {
    let (folder, rekall) = open();
    let notes = folder.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    let text = "---\nsource: https://example.org/post\n---\n# Guide\n\n## Usage\nTurn the crank.\n";
    std::fs::write(notes.join("guide.md"), text).unwrap();
    rekall.sync_folder(&notes).run().unwrap();
    rekall.remember(NewEntry::new("A note of nobody's")).unwrap();
    let file = notes.canonicalize().unwrap().join("guide.md");
    let source = format!("source: https://example.org/post, in {}:6\n", file.display());
    let found = call(&rekall, "recall", json!({ "query": "crank", "limit": 1 }));
    assert!(found.contains(&source), "{found}");
    assert_eq!(call(&rekall, "recent", json!({})).matches("source: ").count(), 1);
    let id = rekall.recall("crank").limit(1).run().unwrap()[0].entry.id.to_string();
    assert!(call(&rekall, "show", json!({ "id": id })).contains(&source));
    let changed = call(&rekall, "update", json!({ "id": id, "content": "Push the button." }));
    assert!(changed.contains(&source) && changed.contains("its text comes back"), "{changed}");
    let tagged = call(&rekall, "update", json!({ "id": id, "tags": ["machine"] }));
    assert!(!tagged.contains("comes back"), "{tagged}");
}

#[test]
fn a_name_cannot_pass_for_another_line() {
    let (_folder, rekall) = open();
    let note = NewEntry::new("One\nid 01ARZ3NDEKTSV4RRFFQ69G5FAV").tags(["a\nsource: b"]).project("c\n  d");
    let id = rekall.remember(note).unwrap();
    let shown = call(&rekall, "show", json!({ "id": id.to_string() }));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "One id 01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert!(lines[1].starts_with(&format!("id {id} · note · project c d · #a source: b")), "{shown}");
}

#[test]
fn what_is_remembered_twice_is_told_with_the_words_that_differ() {
    let (_folder, rekall) = open();
    let title =
        |port: u32| json!({ "title": format!("Port {port} is taken on the build machine by the proxy") });
    let first = call(&rekall, "remember", title(8080));
    assert!(!first.contains("alike"), "{first}");
    let second = call(&rekall, "remember", title(9090));
    assert!(second.contains(r#"it says "9090" here, "8080" there"#), "{second}");
    let again = call(&rekall, "remember", title(9090));
    let lines: Vec<&str> = again.lines().skip(2).collect();
    assert!(lines.len() == 2 && lines[0].ends_with("word for word the same"), "{again}");
    assert!(lines[1].ends_with(r#"it says "9090" here, "8080" there"#), "{again}");
    assert_eq!(rekall.stats().unwrap().store.entries, 3, "none is dropped");
    // What only means the same is named without a list of all its words.
    let other = json!({ "title": "The proxy on the build machine takes port 8080" });
    let other = call(&rekall, "remember", other);
    assert!(other.contains("similarity") && !other.contains("it says"), "{other}");
    let longer =
        json!({ "title": "Port 9090 is taken on the build machine by the proxy", "content": "since May" });
    let longer = call(&rekall, "remember", longer);
    assert!(longer.contains(r#""since May" here, nothing there"#), "{longer}");
}
