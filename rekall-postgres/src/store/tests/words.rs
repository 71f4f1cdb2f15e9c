//! Words: what cannot be compared with a file.

use rekall_core::store::{SearchWords, WriteEntries};
use rekall_core::{Draft, Filter, NewEntry, Store, TextQuery};

use super::super::PostgresStore;
use super::{foreign, memory, remember};
use crate::testing::Server;

/// How many entries a search finds.
fn count(store: &PostgresStore, text: &str) -> usize {
    let tx = store.begin_read().unwrap();
    tx.search_words(&TextQuery::new(text), &Filter::new(), usize::MAX).unwrap().len()
}

/// So many entries in one transaction, each with the word and one of its own.
fn write(store: &PostgresStore, word: &str, count: usize) {
    let notes: Vec<NewEntry> = (0..count).map(|n| NewEntry::new(format!("{word} own{n}"))).collect();
    let drafts: Vec<Draft<'_>> = notes.iter().map(Draft::new).collect();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts).unwrap();
    tx.finish().unwrap();
}

fn number(server: &Server, store: &PostgresStore, sql: &str) -> i64 {
    foreign(server, store, sql).unwrap().trim().parse().unwrap()
}

#[test]
fn what_another_program_writes_is_found_by_the_next_search() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    remember(&store, "heron");
    assert_eq!(count(&store, "kingfisher"), 0);
    foreign(
        server,
        &store,
        "INSERT INTO entry (ulid, title, tags, context, created_at, updated_at) VALUES
            ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'kingfishers', '[\"Wetland\"]', '{\"text\": \"seen by the weir\"}', 1, 1)",
    )
    .unwrap();
    assert_eq!(["kingfisher", "wetland", "weir", "heron"].map(|word| count(&store, word)), [1, 1, 1, 1]);
    foreign(server, &store, "UPDATE entry SET title = 'plover' WHERE title = 'kingfishers'").unwrap();
    assert_eq!(["kingfisher", "plover", "weir"].map(|word| count(&store, word)), [0, 1, 1]);
    foreign(server, &store, "DELETE FROM entry WHERE title = 'plover'").unwrap();
    assert_eq!(["plover", "weir", "heron"].map(|word| count(&store, word)), [0, 0, 1]);
    foreign(server, &store, "TRUNCATE entry CASCADE").unwrap();
    assert_eq!(count(&store, "heron"), 0);
}

#[test]
fn a_writer_finds_its_own_words_and_nobody_else_does() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    remember(&store, "heron");
    assert_eq!(count(&store, "heron"), 1);
    let mut tx = store.begin_write().unwrap();
    tx.insert(&[Draft::new(&NewEntry::new("kingfisher"))]).unwrap();
    let found = tx.search_words(&TextQuery::new("kingfisher heron"), &Filter::new(), 9).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(count(&store, "kingfisher"), 0);
    drop(tx);
    assert_eq!([count(&store, "kingfisher"), count(&store, "heron")], [0, 1]);
    assert!(store.word_memory_bytes() > 0);
    store.release_memory();
    assert_eq!((store.word_memory_bytes(), count(&store, "heron")), (0, 1));
}

#[test]
fn segments_stay_few_and_what_is_damaged_is_said_and_made_again() {
    let Some(server) = Server::shared() else { return };
    let (store, other) = (memory(server), memory(server));
    for round in 0..20 {
        write(&store, &format!("round{round} heron"), 300);
    }
    let segments = "SELECT count(*) FROM word_segment WHERE state = 'ready'";
    let ready = number(server, &store, segments);
    assert!((1..16).contains(&ready), "{ready} segments");
    assert_eq!(number(server, &store, "SELECT count(*) FROM word_pending"), 0);
    assert_eq!([count(&store, "heron"), count(&store, "round7"), count(&store, "own299")], [6_000, 300, 20]);
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    assert_eq!(other.check_words().unwrap(), Vec::<String>::new(), "an empty one is whole");

    // Pages that are not there, and entries that no segment speaks for.
    foreign(
        server,
        &store,
        "DELETE FROM word_page WHERE segment_id = (SELECT min(segment_id) FROM word_page)",
    )
    .unwrap();
    let fault = store.begin_read().unwrap().fault_of_words().unwrap().unwrap();
    assert!(fault.contains("pages"), "{fault}");
    assert!(store.check_words().unwrap().len() > 1);
    store.rebuild_words().unwrap();
    assert_eq!(store.begin_read().unwrap().fault_of_words().unwrap(), None);
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    assert_eq!([count(&store, "heron"), count(&store, "round7"), count(&store, "own299")], [6_000, 300, 20]);
}

#[test]
fn a_merge_that_meets_damage_is_no_reason_not_to_write() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    for _ in 0..7 {
        write(&store, "heron", 256);
    }
    foreign(server, &store, "UPDATE word_page SET docs = docs || '\\x00'::bytea").unwrap();
    for _ in 0..3 {
        write(&store, "heron", 256);
    }
    assert_eq!(number(server, &store, "SELECT count(*) FROM entry"), 2_560);
    store.rebuild_words().unwrap();
    assert_eq!((count(&store, "heron"), store.check_words().unwrap()), (2_560, Vec::new()));
}
