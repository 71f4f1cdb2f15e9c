//! What a search finds, and what it refuses.

use std::sync::atomic::{AtomicBool, Ordering};

use super::data::normalize;
use super::{Make, Pair, Random, assert_lists_agree, unit_rows};
use crate::{EntrySet, Error, Key, SearchOptions, VectorSource};

fn keys(entries: impl Iterator<Item = i64>) -> Vec<Key> {
    entries.map(|entry| Key::new(entry, 0, 0)).collect()
}

/// A pair filled with `count` random rows of entries 0 to count - 1.
fn filled(make: Make<'_>, count: usize, dimensions: usize, seed: u64) -> (Pair, Random) {
    let mut random = Random::new(seed);
    let mut pair = Pair::new(make, dimensions);
    let rows = unit_rows(&mut random, count, dimensions);
    pair.upsert(&keys(0..count as i64), &rows);
    (pair, random)
}

/// Nothing in, nothing out; changes of nothing are fine.
pub fn empty_index(make: Make<'_>) {
    let mut pair = Pair::new(make, 3);
    assert!(pair.check(&[0.0, 0.6, 0.8], &SearchOptions::new(5), "empty").is_empty());
    let two = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    assert_eq!(pair.index.search_batch(&two, &SearchOptions::new(5)).unwrap(), vec![Vec::new(); 2]);
    assert!(pair.index.search_batch(&[], &SearchOptions::new(5)).unwrap().is_empty());
    pair.upsert(&[], &[]);
    pair.remove(&[]);
    pair.remove_entry(1);
    pair.index.clear().unwrap();
    assert!(pair.index.is_empty());
}

/// k = 0 is an error, on an empty index too.
pub fn k_zero_is_refused(make: Make<'_>) {
    for count in [0, 3] {
        let (pair, _) = filled(make, count, 2, 1);
        let error = pair.index.search(&[1.0, 0.0], &SearchOptions::new(0)).unwrap_err();
        assert!(matches!(error, Error::InvalidK { k: 0 }), "{error}");
        let error = pair.index.search_batch(&[1.0, 0.0], &SearchOptions::new(0)).unwrap_err();
        assert!(matches!(error, Error::InvalidK { k: 0 }), "{error}");
    }
}

/// k above the number of entries returns them all.
pub fn k_above_rows(make: Make<'_>) {
    let (pair, mut random) = filled(make, 20, 8, 2);
    for k in [19, 20, 21, 5000, usize::MAX] {
        let hits = pair.check(&random.unit(8), &SearchOptions::new(k), &format!("k {k}"));
        assert_eq!(hits.len(), k.min(20));
    }
}

/// One hit, and more than some engines can return.
pub fn one_hit_and_4097_hits(make: Make<'_>) {
    let (pair, mut random) = filled(make, 5000, 12, 3);
    for k in [1, 10, 4095, 4096, 4097, 5000] {
        let hits = pair.check(&random.unit(12), &SearchOptions::new(k), &format!("k {k}"));
        assert_eq!(hits.len(), k);
    }
}

/// Equal similarities at the border of the result: the lowest entries, whatever the order of insertion.
pub fn ties_at_the_border(make: Make<'_>) {
    let mut pair = Pair::new(make, 4);
    let (near, far) = ([0.6, 0.8, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]);
    let mut order: Vec<i64> = (0..60).map(|i| i * 37 % 60 - 30).collect();
    for (number, entry) in order.drain(..).enumerate() {
        // A third lies far; the others tie.
        let row = if number % 3 == 0 { far } else { near };
        pair.upsert(&[Key::new(entry, (number % 3) as u8, number as u16)], &row);
    }
    for k in 1..=60 {
        pair.check(&[1.0, 0.0, 0.0, 0.0], &SearchOptions::new(k), &format!("k {k}"));
        pair.check(&near, &SearchOptions::new(k), &format!("the row itself, k {k}"));
    }
}

/// With ties, every entry as near as the k-th, and nothing else: also in a batch, among chosen entries, and where an entry has
/// several rows.
pub fn ties_come_back_whole(make: Make<'_>) {
    let mut pair = Pair::new(make, 4);
    // Three distances, each of many entries; each third entry has a second row, farther away.
    let row = |number: i64| match number % 3 {
        0 => [1.0, 0.0, 0.0, 0.0],
        1 => [0.8, 0.6, 0.0, 0.0],
        _ => [0.0, 0.6, 0.8, 0.0],
    };
    let entries: Vec<i64> = (0..300).map(|number| number * 37 % 300).collect();
    for &entry in &entries {
        pair.upsert(&[Key::new(entry, 0, 0)], &row(entry));
        if entry % 3 == 0 {
            pair.upsert(&[Key::new(entry, 1, 0)], &[0.0, 0.0, 0.0, 1.0]);
        }
    }
    let query = [1.0, 0.0, 0.0, 0.0];
    let few: EntrySet = (0..300).step_by(7).collect();
    for k in [1, 2, 99, 100, 101, 150, 200, 201, 299, 300, 301] {
        let options = SearchOptions::new(k).with_ties();
        let hits = pair.check(&query, &options, &format!("ties, k {k}"));
        assert_eq!(hits.len(), k.div_ceil(100).min(3) * 100, "k {k}");
        pair.check(&query, &options.with_entries(&few), &format!("ties among few, k {k}"));
        pair.check(&query, &options.with_exclude(&few), &format!("ties without few, k {k}"));
        let lists = pair.index.search_batch(&[query, query].concat(), &options).unwrap();
        assert_lists_agree(&lists[1], &hits, &format!("ties, batch, k {k}"));
    }
    // More than some engines can return.
    let same: Vec<f32> = query.iter().copied().cycle().take(4 * 6000).collect();
    pair.upsert(&keys(1000..7000), &same);
    assert_eq!(pair.check(&query, &SearchOptions::new(10).with_ties(), "thousands").len(), 6100);
}

/// Ten thousand equal rows: the k lowest entries.
pub fn ten_thousand_duplicates(make: Make<'_>) {
    let mut pair = Pair::new(make, 8);
    let row = Random::new(4).unit(8);
    let rows: Vec<f32> = row.iter().copied().cycle().take(10_000 * 8).collect();
    pair.upsert(&keys((0..10_000).map(|i| 10_000 - i)), &rows);
    for k in [1, 10, 1000] {
        let hits = pair.check(&row, &SearchOptions::new(k), &format!("k {k}"));
        assert!(hits.iter().map(|hit| hit.key.entry).eq(1..=k as i64));
    }
    pair.remove(&keys(1..=5));
    pair.check(&row, &SearchOptions::new(10), "after removing the first");
}

/// Rows that differ by little more or less than `f32` can tell in a sum.
pub fn near_ties(make: Make<'_>) {
    for (dimensions, spread, seed) in
        [(3, 1e-7, 5), (48, 1e-7, 6), (48, 1e-6, 7), (384, 1e-7, 8), (384, 1e-5, 9)]
    {
        let mut random = Random::new(seed);
        let mut pair = Pair::new(make, dimensions);
        let center = random.unit(dimensions);
        let rows: Vec<f32> = (0..500).flat_map(|_| random.near(&center, spread)).collect();
        pair.upsert(&keys((0..500).map(|i| i * 7 % 500)), &rows);
        for query in [center.clone(), random.near(&center, 0.1), random.unit(dimensions)] {
            for k in [1, 10, 100] {
                pair.check(
                    &query,
                    &SearchOptions::new(k),
                    &format!("{dimensions}, {spread}, k {k}, seed {seed}"),
                );
            }
        }
    }
}

/// The similarity reported is the `f64` dot product rounded once.
pub fn similarity_is_the_f64_dot_product(make: Make<'_>) {
    let (pair, mut random) = filled(make, 200, 100, 10);
    let query = random.unit(100);
    for hit in pair.check(&query, &SearchOptions::new(200), "all") {
        let row = pair.naive.row(hit.key).unwrap();
        let exact: f64 = query.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        let half_a_step = f64::from(f32::EPSILON) / 4.0;
        assert!((f64::from(hit.similarity) - exact).abs() <= half_a_step * (1.0 + 1e-6), "{hit:?} {exact}");
    }
}

/// From one component to thousands, also just beside round numbers, with one component far above the others too.
pub fn dimensions_from_1_to_4096(make: Make<'_>) {
    for dimensions in
        [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 384, 768, 1000, 1025, 4096]
    {
        let seed = 100 + dimensions as u64;
        let (mut pair, mut random) = filled(make, 40, dimensions, seed);
        let mut loud = random.unit(dimensions);
        loud[dimensions / 2] = 50.0;
        normalize(&mut loud);
        let rows: Vec<f32> = (0..40).flat_map(|_| random.near(&loud, 0.01)).collect();
        pair.upsert(&keys(100..140), &rows);
        for query in [random.unit(dimensions), loud] {
            for k in [1, 7, 80] {
                pair.check(
                    &query,
                    &SearchOptions::new(k),
                    &format!("{dimensions} dimensions, k {k}, seed {seed}"),
                );
            }
        }
    }
}

/// A batch answers as single searches do.
pub fn batch_equals_single(make: Make<'_>) {
    let (pair, mut random) = filled(make, 700, 33, 11);
    let filter: EntrySet = (0..700).step_by(3).collect();
    let few: EntrySet = (0..700).step_by(97).collect();
    for count in [1, 2, 3, 5, 16, 31, 32, 33, 100] {
        let queries = unit_rows(&mut random, count, 33);
        let plain = SearchOptions::new(10);
        for options in [plain, plain.with_entries(&filter), plain.with_entries(&few).with_exclude(&filter)] {
            let lists = pair.index.search_batch(&queries, &options).unwrap();
            assert_eq!(lists.len(), count);
            for (query, list) in queries.chunks_exact(33).zip(&lists) {
                let single = pair.check(query, &options, "single");
                assert_lists_agree(list, &single, &format!("batch of {count}"));
            }
        }
    }
}

/// More threads, the same bits.
pub fn threads_change_nothing(make: Make<'_>) {
    let (pair, mut random) = filled(make, 30_000, 80, 12);
    let queries = unit_rows(&mut random, 4, 80);
    let single = pair.check(&queries[..80], &SearchOptions::new(25), "one thread");
    for threads in [0, 2, 3, 8, 1000] {
        let options = SearchOptions::new(25).with_threads(threads);
        let hits = pair.index.search(&queries[..80], &options).unwrap();
        assert_lists_agree(&hits, &single, &format!("{threads} threads"));
        let lists = pair.index.search_batch(&queries, &options).unwrap();
        assert_lists_agree(&lists[0], &single, &format!("{threads} threads, batch"));
    }
}

/// A raised flag is an error, and does no harm.
pub fn cancel_stops_a_search(make: Make<'_>) {
    let (pair, mut random) = filled(make, 300, 16, 13);
    let (query, flag) = (random.unit(16), AtomicBool::new(true));
    let options = SearchOptions::new(3).with_cancel(&flag);
    assert!(matches!(pair.index.search(&query, &options), Err(Error::Cancelled)));
    assert!(matches!(pair.index.search_batch(&query, &options), Err(Error::Cancelled)));
    flag.store(false, std::sync::atomic::Ordering::Relaxed);
    pair.check(&query, &options, "flag lowered");
}

/// A search that stops before exact rows refuses what a search does, and its end stops by the flag and for want of rows.
pub fn unsettled_searches_refuse_the_same(make: Make<'_>) {
    struct Short;
    impl VectorSource for Short {
        fn rows(&self, _keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
            out.push(1.0);
            Ok(())
        }
    }
    let (pair, _) = filled(make, 300, 4, 18);
    let (unit, flag) = ([1.0, 0.0, 0.0, 0.0], AtomicBool::new(true));
    let options = SearchOptions::new(3);
    for (query, options) in [
        (&[1.0, 0.0][..], options),
        (&[f32::NAN, 0.0, 0.0, 0.0], options),
        (&[3.0, 0.0, 0.0, 0.0], options),
        (&unit, SearchOptions::new(0)),
        (&unit, options.with_cancel(&flag)),
    ] {
        let due = pair.index.search(query, &options).unwrap_err().to_string();
        match pair.index.search_unsettled(query, &options) {
            Ok(unsettled) => assert!(unsettled.is_none(), "expected {due}"),
            Err(error) => assert_eq!(error.to_string(), due),
        }
    }
    flag.store(false, Ordering::Relaxed);
    let options = options.with_cancel(&flag);
    let unsettled = || pair.index.search_unsettled(&unit, &options).unwrap();
    let Some(first) = unsettled().filter(|first| !first.open_rows().is_empty()) else { return };
    let second = unsettled().unwrap();
    assert!(matches!(first.settle(&Short), Err(Error::Source { .. })));
    flag.store(true, Ordering::Relaxed);
    assert!(matches!(second.settle(&pair.naive), Err(Error::Cancelled)));
}

/// A vector too long or too short, and rows that don't match their keys.
pub fn wrong_length_is_refused(make: Make<'_>) {
    let (mut pair, _) = filled(make, 5, 4, 14);
    let index = &mut pair.index;
    for length in [0, 1, 3, 5, 8] {
        let mut query = vec![0.0; length];
        query.iter_mut().take(1).for_each(|x| *x = 1.0);
        let error = index.search(&query, &SearchOptions::new(1)).unwrap_err();
        assert!(matches!(error, Error::Dimensions { expected: 4, got } if got == length), "{error}");
    }
    let error = index.search_batch(&[1.0; 5], &SearchOptions::new(1)).unwrap_err();
    assert!(matches!(error, Error::Dimensions { expected: 8, got: 5 }), "{error}");
    let error = index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.0, 0.0]).unwrap_err();
    assert!(matches!(error, Error::Dimensions { expected: 8, got: 4 }), "{error}");
    let error = index.upsert(&[], &[1.0, 0.0, 0.0, 0.0]).unwrap_err();
    assert!(matches!(error, Error::Dimensions { expected: 0, got: 4 }), "{error}");
}

/// NaN and infinities.
pub fn not_finite_is_refused(make: Make<'_>) {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (mut pair, _) = filled(make, 5, 2, 15);
        let error = pair.index.search(&[0.0, bad], &SearchOptions::new(1)).unwrap_err();
        assert!(matches!(error, Error::NotFinite { vector: 0, component: 1, .. }), "{error}");
        let error = pair.index.upsert(&keys(1..3), &[1.0, 0.0, bad, 0.0]).unwrap_err();
        assert!(matches!(error, Error::NotFinite { vector: 1, component: 0, .. }), "{error}");
        pair.check(&[0.6, 0.8], &SearchOptions::new(9), "after refusals");
    }
}

/// Vectors that are not of unit length; zero is one of them.
pub fn not_unit_is_refused(make: Make<'_>) {
    let (mut pair, _) = filled(make, 5, 2, 16);
    for scale in [0.0, 1e-30, 0.5, 0.998, 1.002, 3.0, 1e30] {
        let error = pair.index.search(&[scale, 0.0], &SearchOptions::new(1)).unwrap_err();
        assert!(matches!(error, Error::NotUnit { vector: 0, .. }), "{error}");
        let error = pair.index.upsert(&keys(1..3), &[1.0, 0.0, 0.0, scale]).unwrap_err();
        assert!(matches!(error, Error::NotUnit { vector: 1, .. }), "{error}");
    }
    for scale in [0.9995, 1.0005] {
        pair.upsert(&keys(7..8), &[scale, 0.0]);
        pair.check(&[scale, 0.0], &SearchOptions::new(9), "a norm within the tolerance");
    }
}

/// A role above 7.
pub fn invalid_role_is_refused(make: Make<'_>) {
    let (mut pair, _) = filled(make, 5, 2, 17);
    let error = pair.index.upsert(&[Key::new(1, 8, 0)], &[1.0, 0.0]).unwrap_err();
    assert!(matches!(error, Error::InvalidRole { role: 8 }), "{error}");
    pair.remove(&[Key::new(1, 8, 0), Key::new(1, 255, 0)]);
    pair.upsert(&[Key::new(1, 7, u16::MAX)], &[1.0, 0.0]);
    pair.check(&[1.0, 0.0], &SearchOptions::new(9), "role 7");
}
