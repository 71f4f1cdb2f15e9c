//! The contract, on in-memory databases; transactions; foreign connections.

use super::*;
use crate::testing::{NaiveIndex, Random, assert_same, unit_rows};

/// A view that may outlive the test, for the suite's sake.
fn open(dimensions: usize) -> SqliteVecIndex<'static> {
    let connection = Box::leak(Box::new(Connection::open_in_memory().unwrap()));
    SqliteVecIndex::open(connection, "vectors", dimensions).unwrap()
}

crate::conformance!(contract, open);

fn keys(entries: std::ops::Range<i64>) -> Vec<Key> {
    entries.map(|entry| Key::new(entry, 0, 0)).collect()
}

#[test]
fn changes_belong_to_the_callers_transaction() {
    let mut connection = Connection::open_in_memory().unwrap();
    let mut random = Random::new(80);
    let rows = unit_rows(&mut random, 30, 5);
    let mut naive = NaiveIndex::new(5);
    naive.upsert(&keys(0..20), &rows[..100]).unwrap();
    SqliteVecIndex::open(&connection, "v", 5).unwrap().upsert(&keys(0..20), &rows[..100]).unwrap();
    let transaction = connection.transaction().unwrap();
    {
        let mut index = SqliteVecIndex::open(&transaction, "v", 5).unwrap();
        index.upsert(&keys(15..25), &rows[..50]).unwrap();
        index.remove_entry(3).unwrap();
        assert_eq!(index.len(), 24);
    }
    transaction.rollback().unwrap();
    let index = SqliteVecIndex::open(&connection, "v", 5).unwrap();
    assert_same(&index, &naive, &rows[..5], &SearchOptions::new(30), "after a rollback");
}

#[test]
fn a_reopened_table_answers_and_refuses_other_dimensions() {
    let connection = Connection::open_in_memory().unwrap();
    let mut first = SqliteVecIndex::open(&connection, "v", 3).unwrap();
    first.upsert(&keys(7..8), &[0.0, 0.6, 0.8]).unwrap();
    let second = SqliteVecIndex::open(&connection, "v", 3).unwrap();
    assert_eq!(second.len(), 1);
    let error = SqliteVecIndex::open(&connection, "v", 4).unwrap_err();
    assert!(matches!(error, Error::Dimensions { expected: 3, got: 4 }), "{error}");
    connection.execute_batch("CREATE TABLE other (a)").unwrap();
    let error = SqliteVecIndex::open(&connection, "other", 4).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let error = SqliteVecIndex::open(&connection, "v\"; DROP TABLE v", 4).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let error = SqliteVecIndex::open(&connection, "w", 8193).unwrap_err();
    assert!(matches!(error, Error::InvalidDimensions { most: 8192, got: 8193 }), "{error}");
}

#[test]
fn other_connections_stay_untouched() {
    let (ours, theirs) = (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
    SqliteVecIndex::open(&ours, "v", 3).unwrap();
    assert!(theirs.query_row("SELECT vec_version()", [], |_| Ok(())).is_err());
}

#[test]
fn ordinary_searches_need_no_scan() {
    let mut random = Random::new(81);
    let mut index = open(64);
    index.upsert(&keys(0..3000), &unit_rows(&mut random, 3000, 64)).unwrap();
    for _ in 0..10 {
        let query = random.unit(64);
        assert!(index.search_near(&query, &SearchOptions::new(10)).unwrap().is_some());
    }
}

#[test]
fn a_table_is_discarded_with_its_room() {
    let connection = Connection::open_in_memory().unwrap();
    SqliteVecIndex::discard(&connection, "v").unwrap();
    let mut index = SqliteVecIndex::open(&connection, "v", 3).unwrap();
    assert_eq!(index.slots().unwrap(), 0);
    let rows = unit_rows(&mut Random::new(82), 1500, 3);
    index.upsert(&keys(0..1500), &rows).unwrap();
    let full = index.slots().unwrap();
    assert!(full >= 1500, "{full}");
    for entry in 0..1499 {
        index.remove_entry(entry).unwrap();
    }
    assert!(
        (1..full).contains(&index.slots().unwrap()),
        "the empty chunk is gone, the other one stays whole"
    );
    SqliteVecIndex::discard(&connection, "v").unwrap();
    let sql = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'v%'";
    let left: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    assert_eq!(SqliteVecIndex::open(&connection, "v", 5).unwrap().len(), 0);
}
