//! How often a search goes to the server and back: over a network that is most of its time.

use rekall_core::store::{
    MatchEntries, ReadEntries, ReadPending, ReadVectors, Scopes, SearchWords, WriteEntries, WriteSpaces,
};
use rekall_core::{
    Draft, Filter, NewEntry, NewVector, ReadTx, Role, Space, Store, TextDigest, TextQuery, VectorKey,
};

use super::super::PostgresStore;
use super::super::tx::Tx;
use super::memory;
use crate::testing::Server;

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
    let before = store.client.trips();
    work(&store.begin_read().unwrap());
    store.client.trips() - before
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
fn a_search_by_words_takes_two_round_trips_once_the_index_is_known() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    fill(&store, false);
    let query = TextQuery::new("disk 17");
    let search = |tx: &Tx<'_>| {
        let found = tx.search_words_among(&query, &|_| true, 5, None).unwrap();
        assert_eq!(found[0].key.row, 18);
    };
    let first = trips(&store, search);
    assert_eq!(
        (trips(&store, search), trips(&store, search)),
        (2, 2),
        "the beginning, and the pages; {first} at first"
    );
    // The segments that a view begins with are those of its moment.
    let tx = store.begin_write().unwrap();
    tx.batch("DELETE FROM word_segment").unwrap();
    tx.finish_unseen().unwrap();
    let tx = store.begin_read().unwrap();
    assert!(tx.search_words_among(&query, &|_| true, 5, None).unwrap().is_empty());
    drop(tx);
    store.rebuild_words().unwrap();
    trips(&store, search);
}

#[test]
fn a_view_knows_the_state_that_it_is_of() {
    // Any transaction on a server is another state.
    let Some(server) = Server::start() else { return };
    let store = memory(&server);
    let state = || store.begin_read().unwrap().data_version();
    // The server may look after its tables between two questions.
    assert!((0..3).any(|_| state() == Some(store.data_version().unwrap())));
    let before = state();
    assert_eq!(store.begin_write().unwrap().data_version(), None, "a writer changes it");
    fill(&store, false);
    assert_ne!(state(), before);
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
    let filter = Filter::new().kind("note").tag_any("none");
    assert_eq!(trips(&store, |tx| tx.matching(&filter).unwrap().len()), 2);
    // A scope costs what a memory without a name does.
    let bound = Scopes::open(&store, &"a".parse().unwrap()).unwrap();
    let before = store.client.trips();
    drop(bound.read().unwrap().entries(&rows).unwrap());
    assert_eq!(store.client.trips() - before, 2);
}
