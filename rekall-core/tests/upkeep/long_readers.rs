//! A reader that holds its view keeps the log from being begun anew.

use rekall_core::{SqliteStore, Store};

use crate::upkeep_common::*;

const BOUND: u64 = 64 << 20;

/// One mebibyte more in the log.
fn grow(store: &SqliteStore) {
    let tx = store.write().unwrap();
    let sql = "UPDATE bulk SET bytes = randomblob(1048576)";
    sqlite(&*tx).execute_batch(sql).unwrap();
    tx.commit().unwrap();
}

#[test]
fn a_long_reader_is_told_of_at_each_doubling_and_the_log_is_bounded_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 3);
    let tx = store.write().unwrap();
    let sql = "CREATE TABLE bulk (bytes BLOB); INSERT INTO bulk VALUES (randomblob(1048576));";
    sqlite(&*tx).execute_batch(sql).unwrap();
    tx.commit().unwrap();
    let log = || std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len();
    for _ in 0..150 {
        grow(&store);
        assert_eq!(store.take_held_log(), None, "nobody reads");
    }
    assert!(log() <= BOUND, "{}", log());

    let reader = store.read().unwrap();
    let told: Vec<u64> = (0..150)
        .filter_map(|_| {
            grow(&store);
            store.take_held_log()
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0] > BOUND && told[0] < BOUND + (8 << 20), "{told:?}");
    assert!(told[1] > 2 * told[0] && told[1] < 2 * told[0] + (8 << 20), "{told:?}");
    assert_eq!(reader.count_entries().unwrap(), 3);
    drop(reader);
    grow(&store);
    grow(&store);
    assert_eq!(store.take_held_log(), None);
    assert!(log() <= BOUND, "the log is short again: {}", log());
}
