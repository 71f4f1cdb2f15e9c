//! The contract when it rescores everything, and the recall when it does not.

use super::*;
use crate::FlatIndex;
use crate::testing::{NaiveIndex, Random, WithSource};

crate::conformance!(exhaustive, |dimensions| WithSource::new(
    BinaryIndex::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap().with_rescored_rows(1 << 30),
    BinaryIndex::set_source
));
crate::resident_conformance!(views, |dimensions| WithSource::new(
    BinaryIndex::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap().with_rescored_rows(1 << 30),
    BinaryIndex::set_source
));

/// Vectors in clusters around a common direction, as sentence models give them.
fn sentences(random: &mut Random, count: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let direction = random.unit(dimensions);
    let topics: Vec<Vec<f32>> = (0..200).map(|_| random.near(&direction, 0.15)).collect();
    (0..count).map(|_| random.near(&topics[random.clone().below(200) as usize], 0.1)).collect()
}

#[test]
fn recall_rises_with_the_rows_rescored() {
    let dimensions = 256;
    let mut random = Random::new(70);
    let rows = sentences(&mut random, 5000, dimensions);
    let (rows, queries) = rows.split_at(4950);
    let keys: Vec<Key> = (0..rows.len() as i64).map(|entry| Key::new(entry, 0, 0)).collect();
    let mut exact = FlatIndex::new(dimensions).unwrap();
    exact.upsert(&keys, &rows.concat()).unwrap();
    let mut index = BinaryIndex::new(dimensions, Arc::new(exact.clone())).unwrap();
    index.upsert(&keys, &rows.concat()).unwrap();
    let options = SearchOptions::new(10);
    let mut recalls = Vec::new();
    for rescored in [10, 200, 1000, 5000] {
        index = index.with_rescored_rows(rescored);
        let mut found = 0;
        for query in queries {
            let due = exact.search(query, &options).unwrap();
            let got = index.search(query, &options).unwrap();
            assert_eq!(got.len(), 10);
            found += due.iter().filter(|hit| got.contains(hit)).count();
        }
        recalls.push(found as f64 / (10 * queries.len()) as f64);
    }
    assert!(recalls.is_sorted() && recalls[2] > 0.97 && recalls[3] == 1.0, "{recalls:?}");
    assert!(index.memory_bytes() < rows.len() * (32 + 20) * 11 / 10, "{}", index.memory_bytes());
}

#[test]
fn k_entries_come_back_even_if_one_entry_has_all_near_rows() {
    let mut random = Random::new(71);
    let center = random.unit(64);
    let mut keys: Vec<Key> = (0..500).map(|chunk| Key::new(1, 0, chunk)).collect();
    let mut rows: Vec<f32> = keys.iter().flat_map(|_| random.near(&center, 0.001)).collect();
    keys.extend((2..30).map(|entry| Key::new(entry, 0, 0)));
    rows.extend((2..30).flat_map(|_| random.unit(64)));
    let mut exact = FlatIndex::new(64).unwrap();
    exact.upsert(&keys, &rows).unwrap();
    let mut index = BinaryIndex::new(64, Arc::new(exact)).unwrap().with_rescored_rows(20);
    index.upsert(&keys, &rows).unwrap();
    for k in [1, 5, 29, 100] {
        let hits = index.search(&center, &SearchOptions::new(k)).unwrap();
        assert_eq!(hits.len(), k.min(29));
    }
}

#[test]
fn a_given_center_makes_results_independent_of_the_order_of_rows() {
    let dimensions = 64;
    let mut random = Random::new(72);
    let rows = sentences(&mut random, 900, dimensions);
    let keys: Vec<Key> = (0..900).map(|entry| Key::new(entry, 0, 0)).collect();
    let mut exact = FlatIndex::new(dimensions).unwrap();
    exact.upsert(&keys, &rows.concat()).unwrap();
    let answers = |part: usize, pinned: bool| -> Vec<Vec<Neighbor>> {
        let mut index = BinaryIndex::new(dimensions, Arc::new(exact.clone())).unwrap().with_rescored_rows(12);
        if pinned {
            index = index.with_center_of(&rows[..300].concat()).unwrap();
        }
        for (keys, rows) in keys.chunks(part).zip(rows.chunks(part)) {
            index.upsert(keys, &rows.concat()).unwrap();
        }
        let queries = rows.iter().step_by(20).take(40);
        queries.map(|query| index.search(query, &SearchOptions::new(3)).unwrap()).collect()
    };
    assert_eq!(answers(900, true), answers(7, true));
    assert_ne!(answers(900, false), answers(7, false), "else this test says nothing");
    let index = BinaryIndex::new(dimensions, Arc::new(exact.clone())).unwrap();
    assert!(matches!(index.with_center_of(&[0.5; 65]), Err(Error::Dimensions { expected: 128, got: 65 })));
}
