//! Entries from JSON, and the page that describes them.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;

use crate::common::{Memory, WordModel, memory_with};
use rekall::upkeep::{JsonlImportReport, OnDuplicate};
use rekall::{Error, ErrorKind, Filter, Mode, Rekall, Status};

const PAGE: &str = include_str!("../../docs/jsonl.md");

fn memory() -> Memory {
    memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))))
}

fn import(memory: &Rekall, lines: &str) -> Result<JsonlImportReport, Error> {
    memory.import_jsonl(&mut Cursor::new(lines)).run()
}

/// The page's code of one language.
fn examples(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(fence.as_str()).skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect()
}

/// The keys in the first column of the tables behind a heading.
fn keys(heading: &str) -> BTreeSet<String> {
    let (_, section) = PAGE.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn every_example_of_the_page_is_read() {
    let (lines, arrays) = (examples("jsonl"), examples("json"));
    assert_eq!((lines.len(), arrays.len()), (2, 1));
    let memory = memory();
    assert_eq!(import(&memory, lines[0]).unwrap().added, 3);
    let backup = memory.recall("disque").mode(Mode::Text).run().unwrap()[0].entry.clone();
    assert_eq!(
        (backup.project.as_deref(), &backup.tags[..]),
        (Some("site"), &["backup".into(), "disque".into()][..])
    );
    let deployed = &memory.recall("失败").mode(Mode::Text).run().unwrap()[0].entry;
    assert_eq!((deployed.created_at, deployed.updated_at), (1_719_792_000_000, 1_719_792_000_000));
    assert_eq!(memory.stats().unwrap().store.pending, 3);
    assert_eq!(memory.embed_pending().run().unwrap().entries, 3);
    let ids = memory.remember_json(arrays[0]).run().unwrap();
    let replaced = memory.get(ids[1]).unwrap();
    assert_eq!((replaced.status, replaced.superseded_by), (Status::Obsolete, Some(ids[0])));
    assert_eq!(memory.links(ids[0]).unwrap()[0].target, ids[1]);
    assert_eq!(memory.stats().unwrap().store.pending, 0, "remembered with vectors");
    assert_eq!(import(&self::memory(), lines[1]).unwrap().added, 1);
    assert!(memory.check().run().unwrap().problems.is_empty());
}

#[test]
fn the_keys_of_the_page_are_those_of_the_parser_and_of_an_export() {
    let plain = keys("## Plain lines");
    let accepted = |key: &str| {
        let rest = if key == "title" { String::new() } else { format!(",{}:null", serde_json::json!(key)) };
        memory().remember_json(&format!("{{\"title\":\"t\"{rest}}}")).run().is_ok()
    };
    assert!(plain.len() == 19 && plain.iter().all(|key| accepted(key)), "{plain:?}");
    assert!(!accepted("vectors") && !accepted("pending") && !accepted("quarantine") && !accepted("other"));
    // What is stored is written with keys of the page only.
    let memory = memory();
    let ids = memory.remember_json(examples("json")[0]).run().unwrap();
    for id in &ids {
        let entry = serde_json::to_value(memory.get(*id).unwrap()).unwrap();
        assert!(entry.as_object().unwrap().keys().all(|key| plain.contains(key)), "{entry}");
    }
    let mut out = Vec::new();
    memory.export_jsonl(&mut out).run().unwrap();
    let exported: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_export = keys("## Exports");
    assert!(exported[0].as_object().unwrap().keys().all(|key| of_export.contains(key)), "{}", exported[0]);
    let all = exported[1..].iter().flat_map(|line| line.as_object().unwrap().keys());
    let beyond: BTreeSet<&String> = all.filter(|key| !plain.contains(*key)).collect();
    assert_eq!(beyond.into_iter().collect::<Vec<_>>(), ["vectors"]);
    assert!(of_export.contains("vectors"));
}

#[test]
fn what_an_entry_is_written_as_brings_it_back() {
    let (from, to) = (memory(), memory());
    let ids = from.remember_json(examples("json")[0]).run().unwrap();
    let entries: Vec<_> = from.get_many(&ids).unwrap().into_iter().flatten().collect();
    let json = serde_json::to_string(&entries).unwrap();
    assert_eq!(to.remember_json(&json).run().unwrap(), ids);
    assert_eq!(to.get_many(&ids).unwrap().into_iter().flatten().collect::<Vec<_>>(), entries);
    let error = to.remember_json(&json).run().unwrap_err();
    assert!(matches!(error, Error::Operation { number: 0, .. }) && error.kind() == ErrorKind::InvalidInput);
    // By lines it may be skipped, replaced or refused.
    let lines: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let lines = lines.join("\n\n").replace("Disk full", "Disk very full");
    assert_eq!(import(&to, &lines).unwrap().skipped, 2);
    assert_eq!(
        to.import_jsonl(&mut Cursor::new(&lines)).on_duplicate(OnDuplicate::Replace).run().unwrap().replaced,
        2
    );
    assert_eq!(to.get(ids[0]).unwrap().title, "Disk very full at night");
}

#[test]
fn a_plain_file_is_read_whole_or_not_at_all() {
    let memory = memory();
    for (lines, said) in [
        ("", "line 1: expected"),
        ("\n \n", "nothing"),
        ("hello", "line 1: expected {\"format\""),
        ("[1]", "line 1"),
        ("{\"title\":\"a\"}\n{\"title\":\"\"}", "line 2: expected an entry, got title is empty"),
        ("{\"title\":\"a\"}\n\n{\"titel\":\"b\"}", "line 3"),
        ("{\"title\":\"a\\u0000\"}", "NUL"),
        ("{\"title\":\"a\",\"vectors\":[]}", "vectors"),
        ("{\"title\":\"a\",\"superseded_by\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}", "reference"),
        ("{\"format\":\"other\",\"version\":1}", "other"),
        ("{\"title\":\"a\"}\n{\"format\":\"rekall\",\"version\":1}", "line 2"),
    ] {
        let error = import(&memory, lines).unwrap_err();
        assert!(
            error.kind() == ErrorKind::InvalidInput && error.to_string().contains(said),
            "{lines}: {error}"
        );
    }
    let long = "x".repeat(5000);
    assert!(import(&memory, &format!("{{\"title\":\"{long}\"}}")).is_err());
    assert_eq!(memory.count(Filter::new().any_status()).unwrap(), 0);
    let with_mark = "\u{feff}\n{\"title\":\"a\"}\r\n\r\n{\"title\":\"b\"}\r\n";
    assert_eq!(import(&memory, with_mark).unwrap().added, 2);
    let ids: Vec<_> = memory.list(Filter::new(), None, 10).unwrap().into_iter().map(|e| e.id).collect();
    assert!(ids[0] < ids[1]);
}

#[test]
fn json_that_cannot_be_read_stores_nothing() {
    let memory = memory();
    for (json, said) in [
        ("nonsense", "expected an entry in JSON"),
        ("[{\"title\":\"a\"},{\"title\":3}]", "entry 1 of the array"),
        (
            "[{\"title\":\"a\"},{\"title\":\"b\",\"superseded_by\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}]",
            "no entry has",
        ),
        (
            "{\"title\":\"b\",\"links\":[{\"target\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"relation\":\" \"}]}",
            "relation",
        ),
        (
            "{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"title\":\"b\",\"superseded_by\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}",
            "another entry",
        ),
    ] {
        let error = memory.remember_json(json).run().unwrap_err();
        assert!(error.to_string().contains(said), "{json}: {error}");
    }
    assert_eq!(memory.count(Filter::new().any_status()).unwrap(), 0);
    assert!(memory.remember_json("[]").run().unwrap().is_empty());
}
