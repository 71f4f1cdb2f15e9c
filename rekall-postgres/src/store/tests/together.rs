//! Several stores on one memory, and a server that goes away.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rekall_core::store::{ReadChanges, ReadEntries, WriteEntries};
use rekall_core::{Changes, Draft, EntryId, Error, ErrorKind, NewEntry, Store};

use super::{open, remember};
use crate::testing::Server;

#[test]
fn stores_write_in_turn_and_see_each_others_entries() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    let stores = [open(&url), open(&url)];
    thread::scope(|scope| {
        for (number, store) in stores.iter().enumerate() {
            for thread in 0..2 {
                scope.spawn(move || {
                    for n in 0..25 {
                        let (id, _) = remember(store, &format!("{number} {thread} {n}"));
                        assert!(store.get(id).is_ok());
                    }
                });
            }
        }
    });
    let all = |store: &super::PostgresStore| store.begin_read().unwrap().all_ids().unwrap();
    assert_eq!((all(&stores[0]).len(), all(&stores[1])), (100, all(&stores[0])));
    let (first, second) = (stores[0].begin_read().unwrap(), stores[1].begin_read().unwrap());
    assert_eq!(first.position().unwrap(), second.position().unwrap(), "both name moments alike");
    // The thread that writes does not wait for itself.
    let held = stores[0].begin_write().unwrap();
    assert_eq!(stores[0].write().unwrap_err().kind(), ErrorKind::Busy);
    drop(held);
    assert!(stores[0].last_commit().is_some());
}

#[test]
fn what_was_acknowledged_is_there_however_often_the_server_is_killed() {
    let Some(server) = Server::start() else { return };
    let url = server.memory_url();
    let stores = [open(&url), open(&url)];
    let (acknowledged, over) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    let (unknown, lost) = (Mutex::new(BTreeSet::new()), Mutex::new(0));
    let (mut at, mut known) = thread::scope(|scope| {
        for store in &stores {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let id = store.new_id().unwrap();
                        match write(store, id) {
                            Ok(()) => drop(acknowledged.lock().unwrap().insert(id)),
                            Err((error, true)) if error.to_string().contains("may or may not") => {
                                unknown.lock().unwrap().insert(id);
                            }
                            Err((error, _)) => {
                                assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Busy), "{error:?}");
                                *lost.lock().unwrap() += 1;
                            }
                        }
                    }
                });
            }
        }
        let reader = scope.spawn(|| {
            let (mut at, mut known) = (None, BTreeSet::new());
            while !over.load(Ordering::Relaxed) {
                let _ = follow(&stores[0], &mut at, &mut known);
            }
            (at, known)
        });
        for _ in 0..5 {
            let (before, began) = (acknowledged.lock().unwrap().len(), Instant::now());
            while acknowledged.lock().unwrap().len() < before + 20 {
                // Of writers that failed, nobody may wait for more.
                if began.elapsed() > Duration::from_secs(120) {
                    over.store(true, Ordering::Relaxed);
                    panic!("nothing is written any more");
                }
                thread::yield_now();
            }
            server.kill();
            server.restart();
        }
        over.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    let there: BTreeSet<EntryId> =
        stores[0].begin_read().unwrap().all_ids().unwrap().into_iter().map(|(_, id)| id).collect();
    // A reader that followed the log ends up with what is there.
    follow(&stores[0], &mut at, &mut known).unwrap();
    assert_eq!(known, there);
    let (acknowledged, unknown) = (acknowledged.into_inner().unwrap(), unknown.into_inner().unwrap());
    assert!(acknowledged.is_subset(&there), "acknowledged and gone: {:?}", acknowledged.difference(&there));
    let unasked: Vec<_> = there.difference(&acknowledged).filter(|id| !unknown.contains(id)).collect();
    assert!(unasked.is_empty(), "said to be undone, and there: {unasked:?}");
    assert!(lost.into_inner().unwrap() > 0, "the server was missed");
}

/// Writes an entry; an error says whether it is that of the commit.
fn write(store: &super::PostgresStore, id: EntryId) -> Result<(), (Error, bool)> {
    let mut tx = store.begin_write().map_err(|error| (error, false))?;
    tx.insert(&[Draft::new(&NewEntry::new("note")).id(id)]).map_err(|error| (error, false))?;
    tx.finish().map_err(|error| (error, true))
}

/// Brings a set of ids up to date by the log.
fn follow(
    store: &super::PostgresStore,
    at: &mut Option<rekall_core::LogPosition>,
    known: &mut BTreeSet<EntryId>,
) -> Result<(), Error> {
    let tx = store.begin_read()?;
    let changes = at.map(|at| tx.changes_since(at)).transpose()?;
    match changes {
        Some(Changes::Entries { position, entries, .. }) => {
            known.extend(tx.ids(&entries)?.into_values());
            *at = Some(position);
        }
        Some(Changes::Lost { .. }) | None => {
            *known = tx.all_ids()?.into_iter().map(|(_, id)| id).collect();
            *at = Some(tx.position()?);
        }
    }
    Ok(())
}
