//! Spaces beside the active one: filled, switched to and dropped without disturbing readers or losing an entry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod upkeep_common;

use rekall_core::{Changes, Draft, EntryPatch, NewEntry, ProblemKind, Space, SpaceState, SqliteStore, Store};
use upkeep_common::*;

fn building(store: &SqliteStore) -> Space {
    let mut tx = store.write().unwrap();
    let space = tx.add_space("other-model/1", DIMENSIONS, SpaceState::Building).unwrap();
    tx.commit().unwrap();
    space
}

fn fill(store: &SqliteStore, space: &Space, rows: std::ops::RangeInclusive<u64>) {
    let mut tx = store.write().unwrap();
    for row in rows {
        let values = vector(row + 100);
        tx.insert_vectors(row as i64, &[new_vector(space, row, &values)]).unwrap();
    }
    tx.commit().unwrap();
}

#[test]
fn only_vectors_of_the_active_space_are_news() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 20);
    let old = store.read().unwrap().active_space().unwrap().unwrap();
    let space = building(&store);
    let before = store.read().unwrap().position().unwrap();
    fill(&store, &space, 1..=20);
    assert_eq!(store.read().unwrap().position().unwrap(), before, "a space is filled in silence");

    let mut tx = store.write().unwrap();
    tx.replace_index_blocks(space.id, "k", before, &mut std::iter::once(vec![1])).unwrap();
    tx.activate_space(space.id).unwrap();
    tx.commit().unwrap();
    let tx = store.read().unwrap();
    let switched = tx.position().unwrap();
    assert_eq!(
        tx.changes_since(before).unwrap(),
        Changes::Lost { position: switched },
        "what the new space holds is not in the log"
    );
    let here = Changes::Entries { position: switched, entries: vec![], spaces: false };
    assert_eq!(tx.changes_since(switched).unwrap(), here);
    assert_eq!(tx.index_position(space.id, "k").unwrap(), None, "nor in blocks made before");
    drop(tx);

    let mut tx = store.write().unwrap();
    while tx.thin_space(old.id, 6).unwrap() {}
    tx.commit().unwrap();
    let tx = store.read().unwrap();
    let Changes::Entries { entries, spaces, .. } = tx.changes_since(switched).unwrap() else {
        panic!("the log was lost")
    };
    assert_eq!((entries, spaces), (vec![], true), "nor is a space dropped entry by entry");
    assert_eq!((tx.spaces().unwrap().len(), tx.stats().unwrap().vectors), (1, 20));
    drop(tx);
    assert_clean(&store);
}

#[test]
fn an_entry_waits_until_it_has_vectors_or_is_known_to_hold_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 3);
    let active = store.read().unwrap().active_space().unwrap().unwrap();
    let other = building(&store);
    let waiting = || {
        let tx = store.read().unwrap();
        (tx.count_pending().unwrap(), tx.pending(active.id, 0, 9).unwrap())
    };
    let missing = || store.read().unwrap().without_vectors(other.id, 0, 9).unwrap();
    fill(&store, &other, 1..=3);
    let mut tx = store.write().unwrap();
    let note = NewEntry::new("Note");
    let inserted = tx.insert(&[Draft::new(&note)]).unwrap()[0];
    tx.commit().unwrap();
    assert_eq!((waiting(), missing()), ((1, vec![4]), vec![4]));
    assert_clean(&store);

    // Vectors of another space do not help the active one, nor does what its model does not know.
    fill(&store, &other, 4..=4);
    assert_eq!((waiting(), missing()), ((1, vec![4]), vec![]));
    let mut tx = store.write().unwrap();
    tx.mark_wordless(4, active.id).unwrap();
    tx.commit().unwrap();
    assert_eq!(waiting(), (0, vec![]));
    assert_clean(&store);

    // Another text is another matter, in every space.
    let mut tx = store.write().unwrap();
    tx.mark_wordless(4, other.id).unwrap();
    tx.update(inserted.id, &EntryPatch::new().title("Other words")).unwrap();
    tx.commit().unwrap();
    assert_eq!((waiting(), missing()), ((1, vec![4]), vec![4]));
    let mut tx = store.write().unwrap();
    tx.mark_wordless(4, other.id).unwrap();
    tx.commit().unwrap();
    assert_eq!((waiting(), missing()), ((1, vec![4]), vec![]), "it waits in the active space all the same");

    // Vectors that come prove that there are words, and go again without leaving the proof behind.
    let mut tx = store.write().unwrap();
    tx.mark_wordless(4, active.id).unwrap();
    let values = vector(4);
    tx.insert_vectors(4, &[new_vector(&active, 4, &values)]).unwrap();
    tx.commit().unwrap();
    assert_eq!(waiting(), (0, vec![]));
    let raw = rusqlite::Connection::open(store.path()).unwrap();
    raw.execute_batch("DELETE FROM embedding WHERE entry_id = 4 AND space_id = 1").unwrap();
    assert_eq!(waiting().1, [4]);
    let report = store.check().unwrap();
    assert_eq!(
        report.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(),
        [ProblemKind::Pending]
    );
    assert_eq!(store.repair().unwrap().pending, 1);
    assert_clean(&store);

    // The switch settles what the filled space settles, and nothing else.
    raw.execute_batch("UPDATE entry SET title = 'Rewritten' WHERE id IN (1, 2)").unwrap();
    fill(&store, &other, 1..=1);
    assert_eq!((waiting(), missing()), ((3, vec![1, 2, 4]), vec![2]));
    let mut tx = store.write().unwrap();
    tx.activate_space(other.id).unwrap();
    tx.settle_pending(other.id).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.read().unwrap().pending(other.id, 0, 9).unwrap(), [2]);
    assert_clean(&store);
}

#[test]
fn compaction_drops_what_a_killed_change_of_model_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 20);
    let (space, given_up) = (building(&store), building(&store));
    fill(&store, &given_up, 1..=10);
    let mut tx = store.write().unwrap();
    tx.abandon_space(given_up.id).unwrap();
    tx.abandon_space(tx.active_space().unwrap().unwrap().id).unwrap();
    tx.commit().unwrap();
    let states =
        || store.read().unwrap().spaces().unwrap().iter().map(|space| space.state).collect::<Vec<_>>();
    assert_eq!(states(), [SpaceState::Active, SpaceState::Building, SpaceState::Leaving]);
    store.compact().unwrap();
    assert_eq!(states(), [SpaceState::Active, SpaceState::Building]);
    assert_eq!(store.read().unwrap().stats().unwrap().vectors, 20);
    assert_clean(&store);
    let mut tx = store.write().unwrap();
    assert!(!tx.thin_space(space.id, 9).unwrap(), "only what is leaving is thinned");
    assert_eq!(tx.spaces().unwrap().len(), 2);
}
