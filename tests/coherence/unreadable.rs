//! A file that holds entries which cannot be read: the others are found and embedded, and those are named.

use std::sync::Arc;

use crate::common::WordModel;
use rekall::{Degraded, EntryId, Filter, Mode, NewEntry, Recalled, Rekall};

const UNREADABLE: [usize; 3] = [0, 5, 6];

fn notes(folder: &tempfile::TempDir) -> (Rekall, Vec<EntryId>) {
    let path = folder.path().join("a.db");
    let memory = Rekall::builder(&path).embedder(Arc::new(WordModel::new(16))).open().unwrap();
    let notes: Vec<NewEntry> =
        (0..30).map(|number| NewEntry::new(format!("note {}", "more ".repeat(number)))).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    spoil(&memory, UNREADABLE.map(|at| ids[at]));
    (memory, ids)
}

/// Gives entries metadata that cannot be read.
fn spoil(memory: &Rekall, ids: impl IntoIterator<Item = EntryId>) {
    let raw = rusqlite::Connection::open(memory.path()).unwrap();
    let deep = format!("{{\"k\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    for id in ids {
        let row = (&deep, id.to_string());
        assert_eq!(raw.execute("UPDATE entry SET metadata = ?1 WHERE ulid = ?2", row).unwrap(), 1);
    }
}

/// The entries that a search names as unreadable.
fn named(found: &Recalled) -> Vec<EntryId> {
    let named = found.degraded.iter().find_map(|why| match why {
        Degraded::Unreadable { ids } => {
            assert!(ids.iter().all(|id| why.to_string().contains(&id.to_string())), "{why}");
            Some(ids.clone())
        }
        _ => None,
    });
    named.unwrap_or_default()
}

#[test]
fn searches_give_as_many_hits_as_there_are_and_name_what_they_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, ids) = notes(&folder);
    let bad = UNREADABLE.map(|at| ids[at]);
    for mode in [Mode::Text, Mode::Semantic, Mode::Hybrid] {
        for limit in [1, 2, 5, 27, 28, 100] {
            let found = memory.recall("note").mode(mode).limit(limit).run().unwrap();
            assert_eq!(found.len(), limit.min(27), "{mode:?} {limit}");
            assert!(found.iter().all(|hit| !bad.contains(&hit.entry.id)));
            let named = named(&found);
            assert!(named.iter().all(|id| bad.contains(id)));
            // The shortest note is the best hit either way, and cannot be read.
            assert!(named.contains(&bad[0]), "{mode:?} {limit}: {:?}", found.degraded);
            assert!(limit < 27 || named == bad);
        }
    }
    for limit in [1, 27, 100] {
        let found = memory.similar_to(ids[1]).limit(limit).threshold(-1.0).run().unwrap();
        assert_eq!(found.len(), limit.min(26));
        assert!(limit < 26 || named(&found) == bad);
    }
    // What their metadata holds nobody knows.
    let filter = Filter::new().metadata("k", 1);
    let found = memory.recall("note").filter(filter).run().unwrap();
    assert!(found.is_empty());
    assert_eq!(named(&found), bad);

    memory.repair().run().unwrap();
    let found = memory.recall("note").limit(100).run().unwrap();
    assert_eq!((found.len(), named(&found)), (30, Vec::new()));
}

#[test]
fn vectors_are_made_for_what_can_be_read_and_the_rest_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let silent = Rekall::builder(&path).without_model().open().unwrap();
    let notes: Vec<NewEntry> = (0..30).map(|number| NewEntry::new(format!("note {number}"))).collect();
    let ids = silent.remember_many(&notes).run().unwrap();
    let bad = UNREADABLE.map(|at| ids[at]);
    spoil(&silent, bad);
    let memory = Rekall::builder(&path).embedder(Arc::new(WordModel::new(16))).open().unwrap();
    for embedded in [27, 0] {
        let done = memory.embed_pending().run().unwrap();
        assert_eq!((done.entries, done.unreadable.as_slice()), (embedded, bad.as_slice()));
    }
    memory.repair().run().unwrap();
    let done = memory.embed_pending().run().unwrap();
    assert_eq!((done.entries, done.unreadable.as_slice()), (3, [].as_slice()));
}

/// More of them than a change of model embeds in the transaction that switches.
#[test]
fn a_change_of_model_does_not_wait_for_entries_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let memory = Rekall::builder(&path).embedder(Arc::new(WordModel::new(16))).open().unwrap();
    let notes: Vec<NewEntry> = (0..300).map(|number| NewEntry::new(format!("note {number}"))).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    let bad = &ids[20..220];
    spoil(&memory, bad.iter().copied());
    let done = memory.reembed_with_embedder(Arc::new(WordModel::named("other words", 16))).run().unwrap();
    assert_eq!((done.entries, done.unreadable.as_slice()), (100, bad));
    let found = memory.recall("note 1").mode(Mode::Semantic).limit(300).run().unwrap();
    assert_eq!(found.len(), 100);
    assert!(found.degraded.contains(&Degraded::Pending { count: 200, reason: None }), "{:?}", found.degraded);
    memory.repair().run().unwrap();
    assert_eq!(memory.embed_pending().run().unwrap().entries, 200);
    assert!(memory.check().run().unwrap().is_clean());
}
