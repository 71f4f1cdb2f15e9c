//! Transactions, and figures about a store.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Bench, vector};
use crate::{Draft, Error, NewEntry, Relation};

/// Before that by itself alone; a reader that began earlier goes on seeing what was.
pub fn a_writer_is_seen_when_it_commits(bench: &Bench) {
    let (reader, version) = (bench.read(), bench.store().data_version().unwrap());
    let mut writer = bench.store().write().unwrap();
    writer.insert(&[Draft::new(&NewEntry::new("a"))]).unwrap();
    assert_eq!((writer.count_entries().unwrap(), bench.read().count_entries().unwrap()), (1, 0));
    writer.commit().unwrap();
    assert_ne!(bench.store().data_version().unwrap(), version);
    assert_eq!((reader.count_entries().unwrap(), bench.read().count_entries().unwrap()), (0, 1));
    let mut writer = bench.store().write().unwrap();
    writer.delete_all().unwrap();
    drop(writer);
    assert_eq!(bench.read().count_entries().unwrap(), 1, "dropped is undone");
}

/// Entries, vectors, links and who waits.
pub fn figures_are_of_what_is_there(bench: &Bench) {
    let [a, b, _] = bench.remember(["a", "b", "c"]);
    bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        tx.insert_vectors(a.row, &[vector(&space, 0, &[1.0, 0.0]), vector(&space, 1, &[0.0, 1.0])])?;
        tx.link(a.id, b.id, &Relation::from("related"), None)?;
        tx.supersede(b.id, a.id)
    });
    let stats = bench.read().stats().unwrap();
    let shown = [stats.entries, stats.obsolete, stats.vectors, stats.pending, stats.links, stats.quarantined];
    assert_eq!(shown, [3, 1, 2, 2, 1, 0]);
    assert!(stats.file_bytes > 0 && stats.log_rows >= 3);
}

/// Reads and writes end with [`Error::Interrupted`].
pub fn a_flag_stops_a_transaction(bench: &Bench) {
    bench.insert(&vec![NewEntry::new("a"); 2_000]);
    let mut tx = bench.read();
    tx.stop_when(&Arc::new(AtomicBool::new(true))).unwrap();
    let stopped = tx.entries_after(0, usize::MAX >> 1);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{:?}", stopped.map(|found| found.len()));
    drop(tx);
    assert_eq!(bench.read().count_entries().unwrap(), 2_000, "the next one is none the worse");
}
