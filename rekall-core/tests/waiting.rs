//! Nobody waits for another writer longer than the time-out, be it a thread or a connection of another program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::time::Duration;

use rekall_core::{Error, SqliteStore, Store, StoreOptions};
use upkeep_common::*;

fn impatient() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.busy_timeout = Duration::from_millis(1);
    options
}

#[test]
fn a_second_writer_is_told_busy() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), &impatient()).unwrap();
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(1), 1)]).unwrap();
    assert!(matches!(store.write().map(drop), Err(Error::Busy { .. })), "the same thread");
    assert!(matches!(store.compact(), Err(Error::Busy { .. })));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| store.write().map(drop));
        assert!(matches!(other.join().unwrap(), Err(Error::Busy { .. })), "another thread");
    });
    store.release_memory();
    tx.commit().unwrap();
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(2), 2)]).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 2);
}

#[test]
fn a_longest_time_out_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = StoreOptions::default();
    options.busy_timeout = Duration::MAX;
    let store = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
    store.write().unwrap().commit().unwrap();
}
