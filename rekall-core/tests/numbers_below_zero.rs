//! Row numbers that another program gave, in files from before numbers below 0 were a scope's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions, TextQuery};
use rusqlite::Connection;
use upkeep_common::*;

/// The tables as version 4 made them: never to be changed.
const VERSION_4: &str = include_str!("data/file-version-4.sql");

#[test]
fn entries_that_another_program_numbered_below_zero_stay_in_the_memory_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN; {VERSION_4}
         PRAGMA application_id = {}; PRAGMA user_version = 4; COMMIT;
         INSERT INTO space (fingerprint, dimensions, state, created_at)
             VALUES ('{FINGERPRINT}', {DIMENSIONS}, 'active', 0);",
        0x524B_4C31
    ))
    .unwrap();
    for (row, number) in [(-1_i64, 1_u64), (-(1 << 32), 2), (7, 3)] {
        old.execute(
            "INSERT INTO entry (id, ulid, title, content, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 0, 0)",
            (row, id(number).to_string(), format!("Note {number}"), word(number)),
        )
        .unwrap();
    }
    drop(old);
    let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
    let found = |store: &dyn Store, number: u64| {
        let tx = store.read().unwrap();
        let hits = tx.search_words(&TextQuery::new(&word(number)), &Filter::new(), 10).unwrap();
        hits.len()
    };
    let ann = store.scopes().unwrap().open(&"ann".parse().unwrap()).unwrap();
    for number in 1..=3 {
        assert_eq!(store.get(id(number)).unwrap().title, format!("Note {number}"));
        assert_eq!((found(&store, number), found(&*ann, number)), (1, 0));
    }
    assert_eq!(ann.read().unwrap().count_entries().unwrap(), 0);
    let mut tx = ann.write().unwrap();
    tx.insert(&[Draft::new(&NewEntry::new("of Ann"))]).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 3);
    let report = store.upkeep().unwrap().check(&mut |_, _| {}, None).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}
