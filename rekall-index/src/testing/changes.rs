//! What changes do, and that history leaves no trace.

use super::{Make, Pair, Random, unit_rows};
use crate::{EntrySet, Key, Roles, SearchOptions};

const DIMENSIONS: usize = 6;

/// A second row under a key replaces the first.
pub fn upsert_replaces(make: Make<'_>) {
    let mut random = Random::new(20);
    let mut pair = Pair::new(make, DIMENSIONS);
    let keys: Vec<Key> = (0..300).map(|i| Key::new(i / 4, (i % 2) as u8, (i / 2 % 2) as u16)).collect();
    for round in 0..3 {
        pair.upsert(&keys, &unit_rows(&mut random, keys.len(), DIMENSIONS));
        assert_eq!(pair.index.len(), keys.len());
        pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(100), &format!("round {round}"));
    }
    // One of them alone, to the place of the query.
    let row = random.unit(DIMENSIONS);
    pair.upsert(&[Key::new(3, 1, 1)], &row);
    assert_eq!(pair.check(&row, &SearchOptions::new(1), "moved")[0].key, Key::new(3, 1, 1));
}

/// A key twice in one call: the last row counts.
pub fn last_of_duplicate_keys_wins(make: Make<'_>) {
    let mut pair = Pair::new(make, 2);
    let key = Key::new(5, 0, 0);
    pair.upsert(&[key, Key::new(6, 0, 0), key], &[1.0, 0.0, 0.6, 0.8, 0.0, 1.0]);
    assert_eq!(pair.index.len(), 2);
    pair.check(&[1.0, 0.0], &SearchOptions::new(9), "twice");
    assert_eq!(pair.index.remove(&[key, key]).unwrap(), 1);
}

/// One bad row among good ones: none of them is stored.
pub fn failed_upsert_changes_nothing(make: Make<'_>) {
    let mut random = Random::new(21);
    let mut pair = Pair::new(make, DIMENSIONS);
    let keys: Vec<Key> = (0..10).map(|i| Key::new(i, 0, 0)).collect();
    pair.upsert(&keys, &unit_rows(&mut random, 10, DIMENSIONS));
    let more: Vec<Key> = (5..15).map(|i| Key::new(i, 0, 0)).collect();
    let mut rows = unit_rows(&mut random, 10, DIMENSIONS);
    rows[9 * DIMENSIONS] = f32::NAN;
    assert!(pair.index.upsert(&more, &rows).is_err());
    let mut bad_role = more.clone();
    bad_role[9].role = 8;
    assert!(pair.index.upsert(&bad_role, &unit_rows(&mut random, 10, DIMENSIONS)).is_err());
    assert_eq!(pair.index.len(), 10);
    pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(20), "after a failed upsert");
}

/// Removing what is not there changes nothing and is not counted.
pub fn remove_absent(make: Make<'_>) {
    let mut random = Random::new(22);
    let mut pair = Pair::new(make, DIMENSIONS);
    let keys: Vec<Key> = (0..40).map(|i| Key::new(i, 1, 2)).collect();
    pair.upsert(&keys, &unit_rows(&mut random, 40, DIMENSIONS));
    pair.remove(&[Key::new(0, 0, 2), Key::new(0, 1, 0), Key::new(99, 1, 2), Key::new(-1, 1, 2)]);
    pair.remove(&[keys[3], Key::new(50, 1, 2), keys[39], keys[3]]);
    assert_eq!(pair.index.len(), 38);
    pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(50), "two removed");
    pair.remove(&keys);
    assert!(pair.index.is_empty());
    pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(50), "all removed");
}

/// Entries go with all their rows.
pub fn remove_whole_entries(make: Make<'_>) {
    let mut random = Random::new(23);
    let mut pair = Pair::new(make, DIMENSIONS);
    let keys: Vec<Key> = (0..600u16).map(|i| Key::new(i64::from(i % 7), (i % 5) as u8, i / 7)).collect();
    pair.upsert(&keys, &unit_rows(&mut random, keys.len(), DIMENSIONS));
    for entry in [3, 3, 100, 0, 6] {
        pair.remove_entry(entry);
        pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(10), &format!("without {entry}"));
    }
}

/// Empty again, and as good as new.
pub fn clear_and_start_again(make: Make<'_>) {
    let mut random = Random::new(24);
    let mut pair = Pair::new(make, DIMENSIONS);
    for round in 0..3i64 {
        let keys: Vec<Key> = (0..100).map(|i| Key::new(i * (round + 1), 0, 0)).collect();
        pair.upsert(&keys, &unit_rows(&mut random, 100, DIMENSIONS));
        pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(10), &format!("round {round}"));
        pair.index.clear().unwrap();
        pair.naive.clear_all();
        assert!(pair.index.is_empty());
        assert!(pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(10), "cleared").is_empty());
    }
}

/// Ids, roles and chunks at the ends of their ranges.
pub fn extreme_keys(make: Make<'_>) {
    let mut random = Random::new(25);
    let mut pair = Pair::new(make, DIMENSIONS);
    let mut keys = Vec::new();
    for entry in [i64::MIN, i64::MIN + 1, -1, 0, 1, 1 << 32, i64::MAX - 1, i64::MAX] {
        for (role, chunk) in [(0, 0), (7, 0), (0, u16::MAX), (7, u16::MAX)] {
            keys.push(Key::new(entry, role, chunk));
        }
    }
    pair.upsert(&keys, &unit_rows(&mut random, keys.len(), DIMENSIONS));
    let some: EntrySet = [i64::MIN, -1, i64::MAX].into_iter().collect();
    let query = random.unit(DIMENSIONS);
    pair.check(&query, &SearchOptions::new(20), "all");
    pair.check(&query, &SearchOptions::new(20).with_entries(&some), "some");
    pair.check(&query, &SearchOptions::new(20).with_exclude(&some), "others");
    pair.remove_entry(i64::MIN);
    pair.remove_entry(i64::MAX);
    pair.check(&query, &SearchOptions::new(20), "without the ends");
}

/// After ten times as many changes as rows, an index answers and weighs as a fresh one.
pub fn churn_leaves_no_trace(make: Make<'_>) {
    const ROWS: u64 = 1500;
    let mut random = Random::new(26);
    let mut pair = Pair::new(make, 24);
    let key = |number: u64| Key::new((number / 3) as i64, (number % 3) as u8, 0);
    let keys: Vec<Key> = (0..ROWS).map(key).collect();
    pair.upsert(&keys, &unit_rows(&mut random, keys.len(), 24));
    for _ in 0..ROWS * 10 / 20 {
        // Twenty at a time: removed, replaced, added beyond, and taken away again.
        let some: Vec<Key> = (0..10).map(|_| key(random.below(ROWS))).collect();
        pair.remove(&some);
        pair.upsert(&some, &unit_rows(&mut random, 10, 24));
        let beyond: Vec<Key> = (0..10).map(|_| key(ROWS + random.below(ROWS))).collect();
        pair.upsert(&beyond, &unit_rows(&mut random, 10, 24));
        pair.remove(&beyond);
    }
    for k in [1, 10, 600] {
        pair.check(&random.unit(24), &SearchOptions::new(k), "after churn");
    }
    let mut fresh = make(24);
    for key in pair.naive.keys() {
        fresh.upsert(&[key], pair.naive.row(key).unwrap()).unwrap();
    }
    let (worn, new) = (pair.index.memory_bytes(), fresh.memory_bytes());
    assert!(worn <= new + new / 10 + 4096, "{worn} bytes after churn, {new} fresh");
}

/// Random changes and searches, in step with the reference.
pub fn random_operations(make: Make<'_>) {
    for seed in 0..8 {
        let mut random = Random::new(1000 + seed);
        let dimensions = [1, 2, 8, 20][seed as usize % 4];
        let mut pair = Pair::new(make, dimensions);
        let key = |random: &mut Random| {
            Key::new(random.below(25) as i64 - 5, random.below(4) as u8, random.below(3) as u16)
        };
        // Few distinct rows, so that ties are common.
        let rows: Vec<Vec<f32>> = (0..12).map(|_| random.unit(dimensions)).collect();
        for step in 0..250 {
            let context = format!("seed {seed}, step {step}");
            match random.below(10) {
                0..=3 => {
                    let keys: Vec<Key> = (0..random.below(12)).map(|_| key(&mut random)).collect();
                    let rows: Vec<f32> =
                        keys.iter().flat_map(|_| rows[random.below(12) as usize].clone()).collect();
                    pair.upsert(&keys, &rows);
                }
                4 => {
                    let keys: Vec<Key> = (0..random.below(8)).map(|_| key(&mut random)).collect();
                    pair.remove(&keys);
                }
                5 => pair.remove_entry(random.below(25) as i64 - 5),
                6 if random.below(10) == 0 => {
                    pair.index.clear().unwrap();
                    pair.naive.clear_all();
                }
                _ => {
                    let entries: EntrySet =
                        (0..random.below(30)).map(|_| random.below(25) as i64 - 5).collect();
                    let exclude: EntrySet =
                        (0..random.below(5)).map(|_| random.below(25) as i64 - 5).collect();
                    let mut options = SearchOptions::new(1 + random.below(30) as usize);
                    if random.below(2) == 0 {
                        options = options.with_roles(Roles::from_bits(random.bits() as u8));
                    }
                    if random.below(2) == 0 {
                        options = options.with_entries(&entries);
                    }
                    if random.below(2) == 0 {
                        options = options.with_exclude(&exclude);
                    }
                    let query = rows[random.below(12) as usize].clone();
                    pair.check(&query, &options, &context);
                }
            }
        }
    }
}
