//! Grouping by entry, and filters.

use super::{Make, Pair, Random, unit_rows};
use crate::{EntrySet, Key, Roles, SearchOptions};

const DIMENSIONS: usize = 16;

fn filled(make: Make<'_>, keys: &[Key], seed: u64) -> (Pair, Random) {
    let mut random = Random::new(seed);
    let mut pair = Pair::new(make, DIMENSIONS);
    pair.upsert(keys, &unit_rows(&mut random, keys.len(), DIMENSIONS));
    (pair, random)
}

/// An entry comes once, by its best row, and k counts entries.
pub fn grouping_keeps_the_best_row(make: Make<'_>) {
    let keys: Vec<Key> = (0..900u16).map(|i| Key::new(i64::from(i % 30), (i % 4) as u8, i / 30)).collect();
    let (mut pair, mut random) = filled(make, &keys, 30);
    for k in [1, 5, 29, 30, 31, 1000] {
        let hits = pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(k), &format!("k {k}"));
        let entries: EntrySet = hits.iter().map(|hit| hit.key.entry).collect();
        assert_eq!(entries.len() as usize, k.min(30), "distinct entries");
    }
    // An entry whose many rows are all nearest still takes one place.
    let center = random.unit(DIMENSIONS);
    let crowd: Vec<Key> = (0..400).map(|chunk| Key::new(77, 0, chunk)).collect();
    let rows: Vec<f32> = crowd.iter().flat_map(|_| random.near(&center, 1e-3)).collect();
    pair.upsert(&crowd, &rows);
    assert_eq!(pair.check(&center, &SearchOptions::new(10), "a crowd").len(), 10);
    // Its rows tie: the lowest role and chunk stands for it.
    let same: Vec<f32> = crowd.iter().flat_map(|_| center.clone()).collect();
    pair.upsert(&crowd, &same);
    pair.upsert(&[Key::new(77, 3, 0)], &center);
    assert_eq!(pair.check(&center, &SearchOptions::new(1), "tied rows")[0].key, Key::new(77, 0, 0));
}

/// One entry of ten thousand, a few of them, and entries that are not there.
pub fn filter_one_of_many(make: Make<'_>) {
    let keys: Vec<Key> = (0..10_000).map(|i| Key::new(i * 3, 0, 0)).collect();
    let (pair, mut random) = filled(make, &keys, 31);
    for entries in
        [vec![3], vec![29_997], vec![4], vec![0, 1, 2, 3, 4, 5, 6], (0..30_000).step_by(111).collect()]
    {
        let filter: EntrySet = entries.iter().copied().collect();
        let options = SearchOptions::new(5).with_entries(&filter);
        let hits = pair.check(&random.unit(DIMENSIONS), &options, &format!("{} entries", entries.len()));
        let matching = entries.iter().filter(|&&entry| entry % 3 == 0).count();
        assert_eq!(hits.len(), matching.min(5));
    }
}

/// Filters that let everything, nearly everything, and nothing through.
pub fn filter_all_and_none(make: Make<'_>) {
    let keys: Vec<Key> = (0..500).map(|i| Key::new(i, 0, 0)).collect();
    let (pair, mut random) = filled(make, &keys, 32);
    let query = random.unit(DIMENSIONS);
    let all: EntrySet = (0..500).collect();
    let none = EntrySet::new();
    let plain = SearchOptions::new(20);
    let hits = pair.check(&query, &plain, "no filter");
    assert_eq!(pair.check(&query, &plain.with_entries(&all), "all"), hits);
    assert!(pair.check(&query, &plain.with_entries(&none), "none").is_empty());
    assert_eq!(pair.check(&query, &plain.with_exclude(&none), "nothing excluded"), hits);
    assert!(pair.check(&query, &plain.with_exclude(&all), "all excluded").is_empty());
    // The best are filtered away: the next come up, in full number.
    let best: EntrySet = hits.iter().map(|hit| hit.key.entry).collect();
    assert_eq!(pair.check(&query, &plain.with_entries(&all.difference(&best)), "without the best").len(), 20);
}

/// Rows of other roles are as if they were not there.
pub fn filter_roles(make: Make<'_>) {
    let keys: Vec<Key> = (0..400u16)
        .map(|i| Key::new(i64::from(i / 2), if i % 8 == 0 { 5 } else { (i % 2) as u8 }, i))
        .collect();
    let (pair, mut random) = filled(make, &keys, 33);
    for roles in
        [Roles::ALL, Roles::only(0), Roles::only(1), Roles::only(5), Roles::only(0).with(5), Roles::only(6)]
    {
        let options = SearchOptions::new(300).with_roles(roles);
        let hits = pair.check(&random.unit(DIMENSIONS), &options, &format!("{roles:?}"));
        assert!(hits.iter().all(|hit| roles.contains(hit.key.role)));
    }
    assert!(
        pair.check(&random.unit(DIMENSIONS), &SearchOptions::new(3).with_roles(Roles::NONE), "none")
            .is_empty()
    );
}

/// Excluded entries stay out, and the result is full all the same.
pub fn filter_exclude(make: Make<'_>) {
    let keys: Vec<Key> = (0..1000).map(|i| Key::new(i, 0, 0)).collect();
    let (pair, mut random) = filled(make, &keys, 34);
    let query = random.unit(DIMENSIONS);
    let mut exclude = EntrySet::new();
    for round in 0..10 {
        let options = SearchOptions::new(10).with_exclude(&exclude);
        let hits = pair.check(&query, &options, &format!("round {round}"));
        assert!(hits.len() == 10 && hits.iter().all(|hit| !exclude.contains(hit.key.entry)));
        exclude.extend(hits.iter().map(|hit| hit.key.entry));
    }
}

/// Roles, entries and exclusions at once, from few entries to many.
pub fn filters_combined(make: Make<'_>) {
    let keys: Vec<Key> = (0..3000u16).map(|i| Key::new(i64::from(i % 700), (i % 3) as u8, i / 700)).collect();
    let (pair, mut random) = filled(make, &keys, 35);
    for step in [1, 2, 7, 50, 400] {
        let entries: EntrySet = (0..700).step_by(step).collect();
        let exclude: EntrySet = (0..700).step_by(4).collect();
        for roles in [Roles::ALL, Roles::only(2), Roles::only(0).with(1)] {
            let options =
                SearchOptions::new(40).with_roles(roles).with_entries(&entries).with_exclude(&exclude);
            pair.check(&random.unit(DIMENSIONS), &options, &format!("every {step}th, {roles:?}"));
        }
    }
}
