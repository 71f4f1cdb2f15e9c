//! That work is shared out whole, that it stops soon, and what rough bounds save.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::table::{Aligned, Pool};
use crate::{EntrySet, Key};

#[test]
fn shares_cover_every_block_once() {
    for (blocks, threads) in [(0, 2), (1, 2), (7, 2), (100, 3), (1000, 8)] {
        let shares = Shares::new(blocks, threads);
        let taken: Vec<usize> = std::iter::from_fn(|| shares.next()).flatten().collect();
        assert!(taken.into_iter().eq(0..blocks), "{blocks} blocks, {threads} threads");
    }
}

#[test]
fn searches_at_the_same_time_share_their_helpers() {
    let in_use = AtomicUsize::new(0);
    let first = Helpers::take(&in_use, 3);
    assert_eq!(first.taken, 3);
    let callers: Vec<Helpers<'_>> = (0..7).map(|_| Helpers::take(&in_use, 3)).collect();
    assert!(
        callers.iter().all(|helpers| helpers.taken == 0),
        "eight callers of four threads each: eight and three"
    );
    let wider = Helpers::take(&in_use, 5);
    assert_eq!(wider.taken, 2);
    drop((first, callers, wider));
    assert_eq!(in_use.load(Ordering::Relaxed), 0);
}

/// Rows of a single byte, which is their similarity to any query.
#[derive(Debug, Clone)]
struct Bytes(Aligned<u8>);

impl Columns for Bytes {
    type Shape = ();
    type Row<'a> = u8;

    fn new(_: &(), pool: &Arc<Pool>) -> Self {
        Self(Aligned::new(pool))
    }
    fn pooled_bytes(_: &()) -> usize {
        1
    }
    fn row_bytes(_: &()) -> usize {
        1
    }
    fn get(&self, _: &(), row: usize) -> u8 {
        self.0.as_slice()[row]
    }
    fn set(&mut self, _: &(), row: usize, byte: u8) {
        self.0.as_mut_slice()[row] = byte;
    }
    fn copy_within(&mut self, _: &(), from: usize, to: usize) {
        self.0.as_mut_slice()[to] = self.0.as_slice()[from];
    }
    fn push(&mut self, _: &(), byte: u8, capacity: usize) {
        self.0.extend(&[byte], capacity);
    }
    fn truncate(&mut self, _: &(), rows: usize) {
        self.0.truncate(rows);
    }
    fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }
}

/// Raises the flag after so many rows, and counts all that it is asked for.
#[derive(Default)]
struct Tripwire {
    queries: usize,
    flag: AtomicBool,
    bounded: Counter,
    settled: Counter,
}

#[derive(Default)]
struct Counter {
    rows: AtomicUsize,
    trip_at: Option<usize>,
}

impl Counter {
    fn count(&self, rows: usize, flag: &AtomicBool) {
        let now = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        if self.trip_at.is_some_and(|trip_at| now >= trip_at) {
            flag.store(true, Ordering::Relaxed);
        }
    }
}

impl Tripwire {
    fn bounding(queries: usize, trip_at: usize) -> Self {
        let bounded = Counter { trip_at: Some(trip_at), ..Counter::default() };
        Self { queries, bounded, ..Self::default() }
    }

    fn settling(trip_at: usize) -> Self {
        let settled = Counter { trip_at: Some(trip_at), ..Counter::default() };
        Self { queries: 1, settled, ..Self::default() }
    }

    /// Searches, and says how many rows were touched in all.
    fn run(&self, table: &Table<Bytes>, k: usize, threads: usize, entries: Option<&EntrySet>) -> [usize; 2] {
        let mut options = SearchOptions::new(k).with_cancel(&self.flag).with_threads(threads);
        options.entries = entries;
        let result = search(table, self, &options);
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        [&self.bounded, &self.settled].map(|counter| counter.rows.load(Ordering::Relaxed))
    }
}

impl Scorer<Bytes> for Tripwire {
    const BYTES_PER_THREAD: usize = 1;

    fn queries(&self) -> usize {
        self.queries
    }

    fn uppers(&self, block: &Block<Bytes>, rows: Range<usize>, out: &mut [f32]) {
        self.bounded.count(rows.len(), &self.flag);
        let rows = rows.map(|row| f32::from(block.columns().get(&(), row)) + 1000.0);
        out.chunks_exact_mut(self.queries).zip(rows).for_each(|(out, upper)| out.fill(upper));
    }

    /// So wide that nothing is dropped unsettled.
    fn width(&self, _: &Block<Bytes>, _: usize, _: usize) -> f32 {
        2000.0
    }

    fn exact(
        &self,
        table: &Table<Bytes>,
        _query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        self.settled.count(candidates.len(), &self.flag);
        out.extend(candidates.iter().map(|candidate| {
            let (block, row) = table.at(candidate.position);
            f32::from(block.columns().get(&(), row))
        }));
        Ok(())
    }
}

const ROWS: usize = 100_000;
const BLOCK_ROWS: usize = 4096;

fn table() -> Table<Bytes> {
    let mut table = Table::new(());
    (0..ROWS).for_each(|row| table.upsert(Key::new(row as i64, 0, 0), (row % 251) as u8));
    assert_eq!(table.blocks()[0].keys().len(), BLOCK_ROWS);
    table
}

#[test]
fn a_scan_ends_with_the_block_in_which_the_flag_was_raised() {
    let table = table();
    for queries in [1, 32] {
        let [bounded, _] = Tripwire::bounding(queries, BLOCK_ROWS + 1).run(&table, ROWS, 1, None);
        assert_eq!(bounded, 2 * BLOCK_ROWS, "{queries} queries");
        // Each of the other threads may be within a block of its own.
        let [bounded, _] = Tripwire::bounding(queries, BLOCK_ROWS + 1).run(&table, ROWS, 4, None);
        assert!(bounded <= (2 + 4) * BLOCK_ROWS, "{queries} queries on threads: {bounded} rows");
    }
}

#[test]
fn looking_up_a_filter_ends_within_a_block_of_entries() {
    let table = table();
    let entries: EntrySet = (0..ROWS as i64).step_by(8).collect();
    let [bounded, _] = Tripwire::bounding(2, 1).run(&table, ROWS, 1, Some(&entries));
    assert_eq!(bounded, GATHER_BLOCK);
}

#[test]
fn settling_ends_with_the_page_in_which_the_flag_was_raised() {
    let table = table();
    // All rows are held until the end, for k is as large.
    let [bounded, settled] = Tripwire::settling(EXACT_PAGE + 1).run(&table, ROWS, 1, None);
    assert_eq!((bounded, settled), (ROWS, 2 * EXACT_PAGE));
}

/// Rows by rough bounds, off by as much as `blur`; counts what is asked for.
struct Rough {
    queries: usize,
    blur: f32,
    rough: AtomicUsize,
    bounded: AtomicUsize,
    single: AtomicUsize,
}

impl Rough {
    fn new(queries: usize, blur: f32) -> Self {
        let [rough, bounded, single] = [0; 3].map(AtomicUsize::new);
        Self { queries, blur, rough, bounded, single }
    }

    /// Rows, each counted for every query: by rough bounds, by better ones, and of these one at a time.
    fn counts(&self) -> [usize; 3] {
        [&self.rough, &self.bounded, &self.single].map(|count| count.load(Ordering::Relaxed))
    }

    /// The similarity of a row to a query: another order of the bytes for each.
    fn similarity(&self, block: &Block<Bytes>, row: usize, query: usize) -> f32 {
        f32::from(block.columns().get(&(), row).wrapping_mul(2 * query as u8 + 1))
    }
}

impl Scorer<Bytes> for Rough {
    const BYTES_PER_THREAD: usize = 1;

    fn queries(&self) -> usize {
        self.queries
    }

    fn uppers(&self, block: &Block<Bytes>, rows: Range<usize>, out: &mut [f32]) {
        self.bounded.fetch_add(out.len(), Ordering::Relaxed);
        for (row, out) in rows.zip(out.chunks_exact_mut(self.queries)) {
            out.iter_mut().enumerate().for_each(|(query, out)| *out = self.similarity(block, row, query));
        }
    }

    fn is_rough(&self) -> bool {
        true
    }

    fn rough_uppers(&self, query: usize, block: &Block<Bytes>, rows: Range<usize>, out: &mut [f32]) {
        self.rough.fetch_add(out.len(), Ordering::Relaxed);
        for (row, out) in rows.zip(out) {
            let off = (row * 37 % 101) as f32 / 100.0 * self.blur;
            *out = self.similarity(block, row, query) + off;
        }
    }

    fn upper(&self, block: &Block<Bytes>, row: usize, query: usize) -> f32 {
        self.single.fetch_add(1, Ordering::Relaxed);
        self.similarity(block, row, query)
    }

    fn width(&self, _: &Block<Bytes>, _: usize, _: usize) -> f32 {
        0.0
    }

    fn exact(&self, _: &Table<Bytes>, _: usize, _: &[Candidate], _: &mut Vec<f32>) -> Result<(), Error> {
        unreachable!("bounds of no width are settled")
    }
}

#[test]
fn rough_bounds_find_the_same_and_spare_most_rows() {
    let table = table();
    let third: EntrySet = (0..ROWS as i64).step_by(3).collect();
    for (queries, threads) in [(1, 1), (3, 1), (1, 3)] {
        for (k, entries) in [(1, None), (10, None), (10, Some(&third)), (450, Some(&third))] {
            let mut options = SearchOptions::new(k).with_threads(threads);
            options.entries = entries;
            // Bounds that say next to nothing: hardly a row is ruled out by them.
            let useless = Rough::new(queries, 1e9);
            let sharp = Rough::new(queries, 0.5);
            let due = search(&table, &useless, &options).unwrap();
            assert_eq!(search(&table, &sharp, &options).unwrap(), due, "{queries} queries, {options:?}");
            assert!(due.iter().all(|list| list.len() == k));
            let [rough, bounded, single] = sharp.counts();
            let all = ROWS * queries;
            assert_eq!(rough + bounded, all, "every row once");
            // Each thread has to find a threshold before.
            assert!(bounded <= threads * BLOCK_ROWS * queries, "{bounded} rows by whole bounds");
            assert!(single * 5 < all, "{single} rows looked at again");
            // Soon given up, and tried again from time to time.
            let [rough, bounded, single] = useless.counts();
            assert!(rough + bounded == all && rough > 0, "{rough} {bounded}");
            // A filter comes before the single rows.
            let admitted = if entries.is_some() { rough / 3 } else { rough };
            assert!(single * 10 > admitted * 9, "{single} of {admitted} rows");
            assert!(threads > 1 || rough * 2 < all, "{rough} rows looked at twice");
        }
    }
}

#[test]
fn a_scan_by_rough_bounds_stops_within_a_block() {
    struct Tripping(Rough, AtomicBool);
    impl Scorer<Bytes> for Tripping {
        const BYTES_PER_THREAD: usize = 1;
        fn queries(&self) -> usize {
            1
        }
        fn uppers(&self, block: &Block<Bytes>, rows: Range<usize>, out: &mut [f32]) {
            self.0.uppers(block, rows, out);
        }
        fn is_rough(&self) -> bool {
            true
        }
        fn rough_uppers(&self, query: usize, block: &Block<Bytes>, rows: Range<usize>, out: &mut [f32]) {
            self.0.rough_uppers(query, block, rows, out);
            // In the second block of the segment.
            self.1.store(self.0.counts()[0] > BLOCK_ROWS, Ordering::Relaxed);
        }
        fn width(&self, _: &Block<Bytes>, _: usize, _: usize) -> f32 {
            0.0
        }
        fn exact(&self, _: &Table<Bytes>, _: usize, _: &[Candidate], _: &mut Vec<f32>) -> Result<(), Error> {
            unreachable!("bounds of no width are settled")
        }
    }
    let scorer = Tripping(Rough::new(1, 0.5), AtomicBool::new(false));
    let result = search(&table(), &scorer, &SearchOptions::new(10).with_cancel(&scorer.1));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_eq!(scorer.0.counts(), [2 * BLOCK_ROWS, BLOCK_ROWS, 0]);
}
