//! Each condition of a filter, in each mode, against the entries themselves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::common::engine::on_every_engine;
use crate::common::{Engine, Memory, WordModel};
use rekall::storage::WallClock;
use rekall::{Entry, EntryId, EntryPatch, Filter, Mode, NewEntry, Status};
use serde_json::json;

on_every_engine!(
    every_condition_lets_exactly_the_right_entries_pass,
    one_entry_of_many_is_found_at_any_depth
);

/// A clock that the test sets.
struct Hands(Arc<AtomicI64>);

impl WallClock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

const COUNT: usize = 60;

/// Entries that differ in every respect a filter looks at, made a second apart.
fn filled(engine: Engine) -> (Memory, Vec<EntryId>) {
    let time = Arc::new(AtomicI64::new(0));
    let hands = Hands(Arc::clone(&time));
    let memory =
        engine.memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).wall_clock(hands));
    let mut ids = Vec::new();
    for n in 0..COUNT {
        time.store(1_000_000 + 1_000 * n as i64, Ordering::Relaxed);
        let mut entry = NewEntry::new(format!("shared note{n}"))
            .kind(["bug", "pattern", "note"][n % 3])
            .memory_type(["episodic", "semantic"][n % 2])
            .metadata("lang", ["en", "fr"][n % 2])
            .metadata("count", (n % 4) as i64)
            .metadata("nested.key", json!({"list": [n % 2, true]}));
        if n % 5 != 0 {
            entry = entry.project(["shop", "it's \"quoted\"", "été"][n % 3]);
        }
        entry.tags = (0..4).filter(|tag| n % (tag + 2) == 0).map(|tag| format!("tag {tag}")).collect();
        ids.push(memory.remember(&entry).unwrap());
    }
    time.store(5_000_000, Ordering::Relaxed);
    for id in ids.iter().step_by(7) {
        memory.update(*id, &EntryPatch::new().status(Status::Obsolete)).unwrap();
    }
    (memory, ids)
}

fn every_condition_lets_exactly_the_right_entries_pass(engine: Engine) {
    let (memory, ids) = filled(engine);
    let entries: Vec<Entry> = ids.iter().map(|&id| memory.get(id).unwrap()).collect();
    let has = |entry: &Entry, tag: &str| entry.tags.iter().any(|own| own == tag);
    type Case<'a> = (&'a str, Filter, Box<dyn Fn(&Entry) -> bool + 'a>);
    let cases: Vec<Case<'_>> = vec![
        ("any status", Filter::new(), Box::new(|_| true)),
        ("kind", Filter::new().kind("bug"), Box::new(|entry| entry.kind == "bug")),
        ("kinds", Filter::new().kind("bug").kind("note"), Box::new(|entry| entry.kind != "pattern")),
        (
            "project",
            Filter::new().project("it's \"quoted\""),
            Box::new(|entry| entry.project.as_deref() == Some("it's \"quoted\"")),
        ),
        ("accent", Filter::new().project("été"), Box::new(|entry| entry.project.as_deref() == Some("été"))),
        (
            "any tag",
            Filter::new().tag_any("tag 1").tag_any("tag 3"),
            Box::new(|entry| has(entry, "tag 1") || has(entry, "tag 3")),
        ),
        (
            "all tags",
            Filter::new().tag_all("tag 0").tag_all("tag 1"),
            Box::new(|entry| has(entry, "tag 0") && has(entry, "tag 1")),
        ),
        (
            "memory type",
            Filter::new().memory_type("semantic"),
            Box::new(|entry| entry.memory_type == "semantic"),
        ),
        (
            "created",
            Filter::new().created_after(1_010_000).created_before(1_020_000),
            Box::new(|entry| (1_010_000..1_020_000).contains(&entry.created_at)),
        ),
        ("updated", Filter::new().updated_after(5_000_000), Box::new(|entry| entry.updated_at >= 5_000_000)),
        (
            "updated before",
            Filter::new().updated_before(5_000_000),
            Box::new(|entry| entry.updated_at < 5_000_000),
        ),
        (
            "metadata text",
            Filter::new().metadata("lang", "fr"),
            Box::new(|entry| entry.metadata["lang"] == "fr"),
        ),
        (
            "metadata number",
            Filter::new().metadata("count", 3),
            Box::new(|entry| entry.metadata["count"] == 3),
        ),
        ("metadata type", Filter::new().metadata("count", "3"), Box::new(|_| false)),
        (
            "metadata object",
            Filter::new().metadata("nested.key", json!({"list": [1, true]})),
            Box::new(|entry| entry.metadata["nested.key"]["list"][0] == 1),
        ),
        ("metadata absent", Filter::new().metadata("no such key", 1), Box::new(|_| false)),
        (
            "ids",
            Filter::new().ids([ids[3], ids[30], ids[42]]),
            Box::new(|entry| [ids[3], ids[30], ids[42]].contains(&entry.id)),
        ),
        ("no ids", Filter::new().ids([]), Box::new(|_| false)),
        (
            "together",
            Filter::new().kind("bug").metadata("lang", "en").tag_any("tag 0"),
            Box::new(|entry| entry.kind == "bug" && entry.metadata["lang"] == "en" && has(entry, "tag 0")),
        ),
    ];
    for (name, filter, passes) in &cases {
        for (status, filter) in [
            (None, filter.clone().any_status()),
            (Some(Status::Active), filter.clone()),
            (Some(Status::Obsolete), filter.clone().status(Status::Obsolete)),
        ] {
            let expected: BTreeSet<EntryId> = entries
                .iter()
                .filter(|entry| passes(entry) && status.is_none_or(|wanted| wanted == entry.status))
                .map(|entry| entry.id)
                .collect();
            for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
                let found =
                    memory.recall("shared").mode(mode).limit(COUNT).filter(filter.clone()).run().unwrap();
                let found: BTreeSet<EntryId> = found.iter().map(|hit| hit.entry.id).collect();
                assert_eq!(found, expected, "{name}, {status:?}, {mode:?}");
                if !expected.is_empty() {
                    let one =
                        memory.recall("shared").mode(mode).limit(1).filter(filter.clone()).run().unwrap();
                    assert_eq!(one.len(), 1, "{name}, {status:?}, {mode:?}: one is wanted and there");
                }
            }
        }
    }
}

fn one_entry_of_many_is_found_at_any_depth(engine: Engine) {
    let memory = engine.memory();
    let notes: Vec<NewEntry> = (0..5_000)
        .map(|n| {
            NewEntry::new(format!("common words note{n}")).project(if n == 4_321 { "rare" } else { "common" })
        })
        .collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
        let recall = memory.recall("common words note17").mode(mode).filter(Filter::new().project("rare"));
        let found = recall.limit(10).run().unwrap();
        assert_eq!(found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>(), [ids[4_321]], "{mode:?}");
    }
}
