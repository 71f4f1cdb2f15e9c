//! That work is shared out whole, and that it stops soon.

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
