//! Upkeep that tells how far it is, and is stopped on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::{Error, SqliteStore};

use crate::upkeep_common::{assert_clean, export, filled};

type Work<'a> = &'a dyn Fn(&mut dyn FnMut(u64, u64), Option<&Arc<AtomicBool>>) -> Result<(), Error>;

fn works(store: &SqliteStore, run: impl Fn(&str, Work<'_>)) {
    run("check", &|progress, cancel| store.check_observed(progress, cancel).map(drop));
    run("repair", &|progress, cancel| store.repair_observed(progress, cancel).map(drop));
    run("compact", &|progress, cancel| store.compact_observed(progress, cancel).map(drop));
}

#[test]
fn progress_never_goes_back_and_ends_at_its_total() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 300);
    works(&store, |name, work| {
        let mut told = Vec::new();
        work(&mut |done, total| told.push((done, total)), None).unwrap();
        let (done, total) = *told.last().unwrap();
        assert!(done == total && total > 0, "{name}: {told:?}");
        assert!(told.is_sorted(), "{name}: {told:?}");
        assert!(told.len() >= 3, "{name}: {told:?}");
    });
}

#[test]
fn work_stops_at_any_word_of_its_progress_and_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 300);
    let before = export(&store);
    works(&store, |name, work| {
        let mut words = 0;
        work(&mut |_, _| words += 1, None).unwrap();
        // The last word comes when the work is done.
        for stop_at in 1..words {
            let flag = Arc::new(AtomicBool::new(false));
            let mut word = 0;
            let stopped = work(
                &mut |_, _| {
                    word += 1;
                    flag.store(word >= stop_at, Ordering::Relaxed);
                },
                Some(&flag),
            );
            assert!(matches!(stopped, Err(Error::Interrupted)), "{name}, word {stop_at}: {stopped:?}");
            assert_eq!(word, stop_at, "{name}");
        }
        assert_eq!(export(&store), before, "{name}");
    });
    assert_clean(&store);
}

#[test]
fn a_repair_that_was_stopped_repaired_nothing_and_stops_no_later_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 100);
    crate::check::vandal(&path).execute_batch("UPDATE entry SET metadata = '{' WHERE id = 7").unwrap();
    let flag = Arc::new(AtomicBool::new(true));
    let stopped = store.repair_observed(&mut |_, _| (), Some(&flag));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    assert!(!store.check().unwrap().is_clean());
    // With the flag still up: it was the repair's alone.
    assert_eq!(store.repair().unwrap().repaired.len(), 1);
    assert_clean(&store);
}
