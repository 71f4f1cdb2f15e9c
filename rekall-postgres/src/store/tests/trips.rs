//! How often a search goes to the server and back: over a network that is most of its time.

use rekall_core::store::{
    HitRows, MatchEntries, ReadChanges, ReadEntries, ReadHits, ReadPending, ReadVectors, Scopes, SearchWords,
    WriteEntries, WriteSpaces,
};
use rekall_core::{Draft, Filter, NewEntry, NewVector, Role, Space, Store, TextDigest, TextQuery, VectorKey};

use super::super::PostgresStore;
use super::super::many::MANY;
use super::super::tx::Tx;
use super::{foreign, memory, remember};
use crate::testing::{self, Server};

const ENTRIES: i64 = 300;

/// More entries than wait for a segment of the word index, with vectors, but for the last one where it is to wait.
fn fill(store: &PostgresStore, last_waits: bool) -> Space {
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    let entries: Vec<NewEntry> = (0..ENTRIES).map(|at| NewEntry::new(format!("disk {at}"))).collect();
    let (role, digest) = (Role::Summary, TextDigest::unknown());
    let vectors =
        [NewVector { space: space.id, role, chunk: 0, start: 0, end: 4, digest, values: &[1.0, 0.0] }];
    let with = |(entry, at)| match last_waits && at == ENTRIES {
        true => Draft::new(entry),
        false => Draft::new(entry).vectors(&vectors),
    };
    let drafts: Vec<Draft<'_>> = entries.iter().zip(1..).map(with).collect();
    tx.insert(&drafts).unwrap();
    tx.finish().unwrap();
    space
}

fn trips<T>(store: &PostgresStore, work: impl FnOnce(&Tx<'_>) -> T) -> u64 {
    let before = testing::trips();
    work(&store.begin_read().unwrap());
    testing::trips() - before
}

#[test]
fn a_view_knows_from_its_beginning_what_most_searches_ask() {
    let Some(server) = Server::shared() else { return };
    for (last_waits, expected) in [(false, 1), (true, 2)] {
        let store = memory(server);
        fill(&store, last_waits);
        let found = trips(&store, |tx| assert_eq!(tx.count_pending().unwrap(), u64::from(last_waits)));
        assert_eq!(found, expected, "an entry waits: {last_waits}");
        // A writer sees what it did itself.
        let mut tx = store.begin_write().unwrap();
        tx.insert(&[Draft::new(&NewEntry::new("one more"))]).unwrap();
        assert_eq!(tx.count_pending().unwrap(), u64::from(last_waits) + 1);
    }
}

#[test]
fn a_large_batch_takes_three_round_trips_for_each_table() {
    let Some(server) = Server::shared() else { return };
    let write = |entries: &[NewEntry], with_vectors: bool| {
        let store = memory(server);
        let mut tx = store.begin_write().unwrap();
        let space = tx.ensure_active_space("model", 2).unwrap();
        let (role, digest) = (Role::Summary, TextDigest::unknown());
        let vectors =
            [NewVector { space: space.id, role, chunk: 0, start: 0, end: 4, digest, values: &[1.0, 0.0] }];
        let vectors = if with_vectors { &vectors[..] } else { &[] };
        let drafts: Vec<Draft<'_>> = entries.iter().map(|entry| Draft::new(entry).vectors(vectors)).collect();
        let before = testing::trips();
        tx.insert(&drafts).unwrap();
        testing::trips() - before
    };
    let plain: Vec<NewEntry> = (0..MANY).map(|at| NewEntry::new(format!("disk {at}"))).collect();
    let mut tagged = plain.clone();
    tagged[7].tags = vec!["x".to_owned()];
    let found = write(&plain, false);
    assert_eq!(
        found,
        5 + 4 * 3,
        "newest id, ways, numbers, what is said before and after; entry and its marks, log"
    );
    assert_eq!(write(&tagged, false), found + 3);
    assert_eq!(write(&plain, true), found + 1, "vectors for marks, and their space is looked up");
}

#[test]
fn a_search_by_words_takes_a_round_trip_for_words_that_are_not_known() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    fill(&store, false);
    let search_for = |tx: &Tx<'_>, number: i64| {
        let query = TextQuery::new(&format!("disk {number}"));
        let found = tx.search_words_among(&query, &|_| true, 5, None).unwrap();
        assert_eq!(found[0].key.row, number + 1);
    };
    let search = |tx: &Tx<'_>| search_for(tx, 17);
    let first = trips(&store, search);
    assert_eq!(
        (trips(&store, |tx| search_for(tx, 171)), trips(&store, search)),
        (2, 1),
        "the beginning, and pages of new words; {first} at first"
    );
    // The segments that a view begins with are those of its moment.
    let tx = store.begin_write().unwrap();
    tx.batch("DELETE FROM word_segment").unwrap();
    tx.finish_unseen().unwrap();
    let (tx, query) = (store.begin_read().unwrap(), TextQuery::new("disk 17"));
    assert!(tx.search_words_among(&query, &|_| true, 5, None).unwrap().is_empty());
    drop(tx);
    store.rebuild_words().unwrap();
    trips(&store, search);
}

#[test]
fn damage_is_looked_for_once_while_no_segment_comes_or_goes() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    fill(&store, false);
    let version = || store.begin_read().unwrap().version_of_words();
    assert_eq!(version(), None, "nobody has searched by words");
    store.begin_read().unwrap().fault_of_words().unwrap();
    let before = version().unwrap();
    // Neither what others write on the server nor an entry that waits.
    fill(&memory(server), false);
    remember(&store, "one more");
    assert_eq!(version(), Some(before));
    let found = trips(&store, |tx| assert_eq!(tx.fault_of_words().unwrap(), None));
    assert_eq!(found, 5, "the beginning, what waits and its text, entries, pages of all segments");
    let mut tx = store.begin_write().unwrap();
    assert_eq!(tx.version_of_words(), None, "a writer changes it");
    let more: Vec<NewEntry> = (0..ENTRIES).map(|at| NewEntry::new(format!("tape {at}"))).collect();
    tx.insert(&more.iter().map(Draft::new).collect::<Vec<_>>()).unwrap();
    tx.finish().unwrap();
    let grown = version().unwrap();
    assert_ne!(grown, before);
    foreign(server, &store, "DELETE FROM word_segment WHERE id = (SELECT min(id) FROM word_segment)")
        .unwrap();
    assert_ne!(version().unwrap(), grown);
    assert!(store.begin_read().unwrap().fault_of_words().unwrap().is_some());
}

#[test]
fn hits_are_read_together() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let space = fill(&store, false);
    let keys: Vec<VectorKey> =
        (1..=10).map(|entry| VectorKey { entry, role: Role::Summary.number(), chunk: 0 }).collect();
    let rows: Vec<i64> = (1..=10).collect();
    let found = trips(&store, |tx| {
        assert_eq!(tx.readable_entries(&rows).unwrap().len(), 10);
        assert_eq!(tx.spans(space.id, &keys).unwrap().len(), 10);
        assert_eq!(tx.vectors_at(&space, &keys).unwrap().keys.len(), 10);
        assert_eq!(tx.vectors_of(&space, &rows).unwrap().keys.len(), 10);
    });
    assert_eq!(found, 5, "one for each, and the beginning");
    let wanted =
        HitRows { entries: &rows, space: Some(&space), spans: &keys, vectors_of: &rows, vectors_at: &keys };
    let found = trips(&store, |tx| {
        let found = tx.read_hits(&wanted).unwrap();
        assert_eq!((found.entries.len(), found.spans.len(), found.vectors.keys.len()), (10, 10, 10));
    });
    assert_eq!(found, 2, "all at once, and the beginning");
    let before = testing::trips();
    drop(store.read_with_hits(&wanted, None).unwrap());
    assert_eq!(testing::trips() - before, 1, "all at once");
    let filter = Filter::new().kind("note").tag_any("none");
    assert_eq!(trips(&store, |tx| tx.matching(&filter).unwrap().len()), 2);
    // A scope costs what a memory without a name does.
    let bound = Scopes::open(&store, &"a".parse().unwrap()).unwrap();
    let before = testing::trips();
    drop(bound.read().unwrap().entries(&rows).unwrap());
    assert_eq!(testing::trips() - before, 2);
}

#[test]
fn ids_are_asked_for_once_in_a_view() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    fill(&store, false);
    let found = trips(&store, |tx| {
        let first = tx.ids(&[3, 1, 9_999]).unwrap();
        assert_eq!(first.len(), 2, "one is not there");
        assert_eq!(tx.ids(&[1, 9_999, 3]).unwrap(), first);
        assert!(tx.ids(&[]).unwrap().is_empty());
    });
    assert_eq!(found, 2, "once, and the beginning");
    // A writer may change what it has read.
    let mut tx = store.begin_write().unwrap();
    let id = tx.ids(&[3]).unwrap()[&3];
    tx.delete(id).unwrap();
    assert!(tx.ids(&[3]).unwrap().is_empty());
}

#[test]
fn exact_rows_of_an_earlier_position_take_one_round_trip_while_nothing_has_changed() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let space = fill(&store, false);
    let keys: Vec<VectorKey> =
        (1..=20).map(|entry| VectorKey { entry, role: Role::Summary.number(), chunk: 0 }).collect();
    let position = store.begin_read().unwrap().position().unwrap();
    let read = |keys: &[VectorKey]| {
        let before = testing::trips();
        let found = store.vectors_as_of(position, &space, keys).unwrap();
        (found.map(|batch| batch.keys.len()), testing::trips() - before)
    };
    assert_eq!(read(&keys), (Some(20), 1));
    let many: Vec<VectorKey> = keys.iter().cycle().take(5_000).copied().collect();
    assert_eq!(read(&many), (Some(5_000), 2), "too many for one statement");
    let mut tx = store.begin_write().unwrap();
    let id = tx.ids(&[3]).unwrap()[&3];
    tx.delete(id).unwrap();
    tx.finish().unwrap();
    assert_eq!(read(&keys), (None, 2), "one of them has changed");
    assert_eq!(read(&keys[3..]), (Some(17), 2), "others are as they were");
    assert_eq!(read(&many), (None, 2));
}
