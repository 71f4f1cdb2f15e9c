//! What is persisted in the file, made and dropped while others write and search: never believed when it is not whole.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{BACKENDS, Configure, Random, ends, nearest, open};
use rekall::NewEntry;

const SEED: u64 = 0x5eed_0001;

fn note(writer: u64, n: u64) -> NewEntry {
    NewEntry::new(format!("alpha{} beta{} writer{writer} n{n}", n % 13, n % 7))
}

/// Handles on one file, each with an index of its own as separate processes have: two write and forget, one makes the index
/// anew, one searches.
fn race(path: &Path, configure: Configure, seed: u64) {
    let first: Vec<NewEntry> = (0..100).map(|n| note(0, n)).collect();
    open(path, configure).remember_many(&first).run().unwrap();
    let over = AtomicBool::new(false);
    let write = |number: u64| {
        let (writer, mut random) = (open(path, configure), Random(seed + number));
        for round in 0..25 {
            // Now and then more than the changes that may wait for a table in the file; as a rule one, so that much is written
            // between the steps of the others.
            let count = if random.below(12) == 0 { 300 } else { 1 };
            let notes: Vec<NewEntry> = (0..count).map(|n| note(number, 1_000 * round + n)).collect();
            let ids = writer.remember_many(&notes).run().unwrap();
            if random.below(3) == 0 {
                writer.forget(ids[0]).unwrap();
            }
        }
        writer
    };
    let writers = std::thread::scope(|scope| {
        let rebuilding = scope.spawn(|| {
            let other = open(path, configure);
            while !over.load(Ordering::Relaxed) {
                other.rebuild_index().run().unwrap();
            }
        });
        let searching = scope.spawn(|| {
            let (other, mut random) = (open(path, configure), Random(seed ^ 1));
            while !over.load(Ordering::Relaxed) {
                let limit = 1 + random.below(50);
                let found = nearest(&other, &format!("alpha{}", random.below(13)), limit as usize);
                // More than enough entries are there at every moment.
                assert_eq!(found.len() as u64, limit);
            }
        });
        let second = scope.spawn(|| write(2));
        let writers = [write(1), second.join().unwrap()];
        over.store(true, Ordering::Relaxed);
        rebuilding.join().unwrap();
        searching.join().unwrap();
        writers
    });
    let (exact, late) = (open(path, BACKENDS[0].1), open(path, configure));
    for rekall in writers.iter().chain([&late]) {
        for n in 0..13 {
            let text = format!("alpha{n} beta{}", n % 7);
            assert_eq!(nearest(rekall, &text, 2_000), nearest(&exact, &text, 2_000), "{text}");
        }
    }
}

#[test]
fn an_index_made_anew_while_others_write_is_whole() {
    println!("seed {SEED:#x}");
    for (number, &(name, configure)) in BACKENDS.iter().enumerate() {
        println!("{name}");
        ends(name, move || {
            let folder = tempfile::tempdir().unwrap();
            race(&folder.path().join("a.db"), configure, SEED + number as u64);
        });
    }
}

#[cfg(feature = "sqlite-vec")]
mod tables {
    use rekall::{Builder, Rekall, VectorBackend};
    use rekall_index::SqliteVecIndex;
    use rusqlite::Connection;

    use super::*;

    fn sqlite_vec(builder: Builder) -> Builder {
        builder.vector_backend(VectorBackend::SqliteVec)
    }

    /// What may befall the table under the mark that says up to where it is filled.
    const DAMAGES: &[&str] = &[
        "DELETE FROM rekall_vec0_keys",
        "DELETE FROM rekall_vec0_keys WHERE id % 2",
        "DROP TABLE rekall_vec0_keys",
        "DELETE FROM rekall_vec0_rowids",
        "DELETE FROM rekall_vec0_rowids WHERE rowid % 2",
        "DELETE FROM rekall_vec0_chunks",
        "DELETE FROM rekall_vec0_vector_chunks00",
        "UPDATE rekall_vec0_vector_chunks00 SET vectors = zeroblob(10)",
    ];

    fn filled(path: &Path) -> Rekall {
        let memory = open(path, sqlite_vec);
        let notes: Vec<NewEntry> = (0..300).map(|n| note(0, n)).collect();
        memory.remember_many(&notes).run().unwrap();
        memory.rebuild_index().run().unwrap();
        assert_eq!(nearest(&memory, "alpha3", 200).len(), 200);
        assert_eq!(memory.stats().unwrap().index_backend, Some("sqlite-vec"));
        memory
    }

    fn exact_then_and_later(opened: &Rekall, what: &str) {
        let path = opened.path();
        for rekall in
            [opened, &open(path, sqlite_vec), &open(path, |builder| sqlite_vec(builder).read_only())]
        {
            let exact = nearest(&open(path, BACKENDS[0].1), "alpha3", 200);
            assert_eq!(nearest(rekall, "alpha3", 200), exact, "{what}");
            let found = rekall.recall("alpha3").run().unwrap();
            assert!(!found.degraded.is_empty(), "{what}: the rows are read one by one, and that is said");
        }
        // Enough for the table to be brought up to date, by one that knows and by one that comes later.
        for rekall in [opened, &open(path, sqlite_vec)] {
            let more: Vec<NewEntry> = (0..300).map(|n| note(1, n)).collect();
            rekall.remember_many(&more).run().unwrap();
            let exact = nearest(&open(path, BACKENDS[0].1), "alpha3", 500);
            for later in [rekall, &open(path, sqlite_vec)] {
                assert_eq!(nearest(later, "alpha3", 500), exact, "{what}, after a write");
            }
        }
        assert_eq!(opened.stats().unwrap().index_backend, Some("sqlite-vec"), "{what}: filled again");
    }

    #[test]
    fn a_table_that_is_gone_is_not_believed_to_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let opened = filled(&folder.path().join("a.db"));
        SqliteVecIndex::discard(&Connection::open(opened.path()).unwrap(), "rekall_vec0").unwrap();
        exact_then_and_later(&opened, "gone");
    }

    #[test]
    fn a_table_of_which_rows_are_gone_is_noticed() {
        for damage in DAMAGES {
            println!("{damage}");
            ends(damage, move || {
                let folder = tempfile::tempdir().unwrap();
                let opened = filled(&folder.path().join("a.db"));
                Connection::open(opened.path()).unwrap().execute_batch(damage).unwrap();
                exact_then_and_later(&opened, damage);
            });
        }
    }
}
