//! What a resident index's views promise.

use super::{NaiveIndex, Random, assert_same, unit_rows};
use crate::{Key, ResidentIndex, SearchOptions, VectorIndex, VectorSearch};

/// Makes an empty resident index of the given dimensions.
pub type MakeResident<'a> = &'a dyn Fn(usize) -> Box<dyn ResidentIndex>;

fn keys(entries: std::ops::Range<i64>) -> Vec<Key> {
    entries.map(|entry| Key::new(entry, 0, 0)).collect()
}

/// Views answer as of their moment, through every kind of change.
pub fn snapshots_never_change(make: MakeResident<'_>) {
    let mut random = Random::new(40);
    let (mut index, mut naive) = (make(12), NaiveIndex::new(12));
    let mut views = vec![(index.snapshot(), naive.clone())];
    for round in 0..12 {
        let start = round * 50;
        let rows = unit_rows(&mut random, 120, 12);
        for target in [&mut index as &mut dyn VectorIndex, &mut naive] {
            target.upsert(&keys(start..start + 120), &rows).unwrap();
            target.remove(&keys(start..start + 10)).unwrap();
            target.remove_entry(start + 60).unwrap();
            if round == 8 {
                target.clear().unwrap();
            }
        }
        views.push((index.snapshot(), naive.clone()));
    }
    for (number, (view, naive)) in views.iter().enumerate() {
        assert_eq!(view.len(), naive.len(), "view {number}");
        let few = keys(0..400).iter().step_by(41).map(|key| key.entry).collect();
        let query = random.unit(12);
        assert_same(view.as_ref(), naive, &query, &SearchOptions::new(25), &format!("view {number}"));
        let filtered = SearchOptions::new(25).with_entries(&few);
        assert_same(view.as_ref(), naive, &query, &filtered, &format!("view {number}, filtered"));
    }
}

/// Views are searched on other threads while the index changes.
pub fn snapshots_can_be_searched_while_writing(make: MakeResident<'_>) {
    let mut random = Random::new(41);
    let mut index = make(12);
    index.upsert(&keys(0..2000), &unit_rows(&mut random, 2000, 12)).unwrap();
    let view = index.snapshot();
    let query = random.unit(12);
    let search = || view.search(&query, &SearchOptions::new(10)).unwrap();
    let before = search();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| (0..20).all(|_| search() == before))).collect();
        for entry in 0..200 {
            index.upsert(&[Key::new(entry, 0, 0)], &random.unit(12)).unwrap();
            index.remove_entry(2000 - entry).unwrap();
        }
        for reader in readers {
            assert!(reader.join().unwrap(), "a view changed under its reader");
        }
    });
}
