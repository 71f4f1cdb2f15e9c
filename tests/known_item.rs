//! What the sample notes hold is found: `evaluate --known-item` on them, with the built-in model.

#![cfg(feature = "bundled-model")]
#![allow(clippy::unwrap_used, dead_code, reason = "parts of an example")]

#[path = "../examples/evaluate/judged.rs"]
mod judged;
#[path = "../examples/evaluate/known_item/mod.rs"]
mod known_item;
#[path = "../examples/evaluate/memory.rs"]
mod memory;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use known_item::{measure, read_notes};
use rekall::{ModelSource, NewEntry, Precision, Rekall};
use serde_json::Value;

/// The test of the first notes of the sample.
fn results(notes: usize, seed: u64) -> Value {
    let mut sample = read_notes(Path::new("examples/data/notes.jsonl"), None).unwrap();
    sample.truncate(notes);
    let model = memory::Model { source: ModelSource::default(), precision: Precision::F32 };
    measure(&sample, &model, seed).unwrap().to_json(&model)
}

/// That of the whole sample.
static RESULTS: LazyLock<Value> = LazyLock::new(|| results(usize::MAX, 1));

fn number(row: &Value, column: &str) -> u64 {
    row[column].as_u64().unwrap()
}

#[test]
fn nearly_all_that_an_exact_search_finds_first_a_hybrid_search_finds_first() {
    let rows = RESULTS["found_first"].as_array().unwrap();
    assert!(rows.len() >= 14, "{rows:#?}");
    let mut failed = Vec::new();
    for row in rows {
        let (text, hybrid) = (number(row, "text"), number(row, "hybrid"));
        let best = number(row, "scan").max(number(row, "phrase"));
        let copied = row["kind"].as_str().unwrap().starts_with("copied");
        let enough = if copied { hybrid * 40 >= number(row, "of") * 36 } else { hybrid * 100 >= best * 95 };
        if !enough || hybrid * 40 + number(row, "of") < text * 40 {
            failed.push(serde_json::to_string_pretty(row).unwrap());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_part_of_a_joined_note_is_found_and_shown() {
    let joined = &RESULTS["joined"];
    let hybrid = &joined["hybrid"];
    assert!(number(hybrid, "median_rank_joined") <= 5, "{joined:#}");
    // A title that does not even tell the notes apart does not tell their parts apart.
    let possible = number(hybrid, "right_note_first_of_its_twenty");
    assert!(possible > 50 && number(hybrid, "right_part_shown") * 10 >= possible * 8, "{joined:#}");
}

#[test]
fn the_same_seed_asks_for_the_same_and_another_one_for_something_else() {
    let [first, again, other] = [1, 1, 2].map(|seed| results(80, seed));
    assert_eq!(first, again);
    assert_ne!(first["found_first"], other["found_first"]);
}

#[test]
fn notes_are_read_from_a_folder_from_lines_and_from_a_memory() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let titles = |name: &str, lang| -> Vec<String> {
        let notes = read_notes(&folder.path().join(name), lang).unwrap();
        notes.into_iter().map(|note| format!("{}: {}", note.title, note.content)).collect()
    };
    write("a.md", "before\n\n# One\nfirst\n\n## Two ##\nsecond\n");
    write("b.rst", "======\nThree\n======\n\nthird\n\nFour\n----\n\nfourth\n");
    write("c.txt", "fifth\n");
    write("d.png", "not text");
    fs::create_dir(folder.path().join(".hidden")).unwrap();
    write(".hidden/e.md", "# Six\nsixth");
    let expected = ["a: before", "One: first", "Two: second", "Three: third", "Four: fourth", "c: fifth"];
    assert_eq!(titles("", None), expected);

    write(
        "notes.jsonl",
        "{\"title\":\"un\",\"content\":\"deux\",\"lang\":\"fr\"}\n\n{\"title\":\"one\",\"tags\":[]}\n",
    );
    assert_eq!(titles("notes.jsonl", None), ["un: deux", "one: "]);
    assert_eq!(titles("notes.jsonl", Some("en")), ["one: "]);

    let rekall = Rekall::builder(folder.path().join("knowledge.db")).without_model().open().unwrap();
    rekall.remember(NewEntry::new("kept").content("in a memory")).unwrap();
    // It is open, and something of it may be in the write-ahead log only.
    assert_eq!(titles("knowledge.db", None), ["kept: in a memory"]);
}
