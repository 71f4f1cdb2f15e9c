//! The scan all resident indexes share: blocks in order, a gate per query, a filter behind the gate, threads.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;

use crate::shortlist::{Candidate, Shortlist};
use crate::table::{Block, Columns, Table};
use crate::{EntrySet, Error, Neighbor, SearchOptions};

/// Fast bounds and slow truth about rows, for one or more prepared queries.
pub(crate) trait Scorer<C: Columns>: Sync {
    /// How many queries there are.
    fn queries(&self) -> usize;

    /// Upper bounds of the similarity of some rows of a block: `out[row * queries + query]`.
    fn uppers(&self, block: &Block<C>, rows: Range<usize>, out: &mut [f32]);

    /// How far below its upper bound a row's similarity can be.
    fn width(&self, block: &Block<C>, row: usize, query: usize) -> f32;

    /// Appends the exact similarity of each candidate.
    fn exact(
        &self,
        table: &Table<C>,
        query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error>;

    /// Where a query's best rows are kept.
    fn shortlist(&self, k: usize) -> Shortlist {
        Shortlist::new(k)
    }

    /// Bytes of codes or rows that justify one more thread. A thread costs some 50 µs to start and join.
    const BYTES_PER_THREAD: usize;
}

/// A filter this many times smaller than the table is looked up entry by entry instead of scanned.
const GATHER_FACTOR: u64 = 6;
/// Entries looked up between two looks at the cancel flag.
const GATHER_BLOCK: usize = 1024;

/// Searches `table` for every query of `scorer`; one list each into `out`, best first.
pub(crate) fn search<C, S>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    out: &mut Vec<Vec<Neighbor>>,
) -> Result<(), Error>
where
    C: Columns + Send + Sync,
    C::Shape: Sync,
    S: Scorer<C>,
{
    options.check_cancelled()?;
    let queries = scorer.queries();
    out.resize_with(queries, Vec::new);
    let shortlists = match options.entries {
        _ if options.roles.is_empty() || queries == 0 => fresh(scorer, options.k),
        Some(entries) if entries.len().saturating_mul(GATHER_FACTOR) < table.len() as u64 => {
            gather(table, scorer, options, entries)?
        }
        _ => scan(table, scorer, options)?,
    };
    finish(table, scorer, options, shortlists, out)
}

/// Settles what is left, and writes the results.
pub(crate) fn finish<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    shortlists: Vec<Shortlist>,
    out: &mut [Vec<Neighbor>],
) -> Result<(), Error> {
    for (query, (shortlist, hits)) in shortlists.into_iter().zip(out).enumerate() {
        shortlist.finish(&mut settle(table, scorer, options, query), hits)?;
    }
    Ok(())
}

fn fresh<C: Columns>(scorer: &impl Scorer<C>, k: usize) -> Vec<Shortlist> {
    (0..scorer.queries()).map(|_| scorer.shortlist(k)).collect()
}

/// Exact similarities of one query, in pages between looks at the cancel flag.
fn settle<'a, C: Columns, S: Scorer<C>>(
    table: &'a Table<C>,
    scorer: &'a S,
    options: &'a SearchOptions<'_>,
    query: usize,
) -> impl FnMut(&[Candidate], &mut Vec<f32>) -> Result<(), Error> + 'a {
    const PAGE: usize = 2048;
    move |candidates, out| {
        for page in candidates.chunks(PAGE) {
            options.check_cancelled()?;
            scorer.exact(table, query, page, out)?;
        }
        Ok(())
    }
}

/// Looks up the rows of the entries asked for.
fn gather<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    entries: &EntrySet,
) -> Result<Vec<Shortlist>, Error> {
    let mut shortlists = fresh(scorer, options.k);
    let mut uppers = vec![0.0; scorer.queries()];
    for (number, entry) in entries.iter().enumerate() {
        if number % GATHER_BLOCK == 0 {
            options.check_cancelled()?;
        }
        if options.exclude.is_some_and(|set| set.contains(entry)) {
            continue;
        }
        for &position in table.find_entry(entry) {
            let (block, row) = table.at(position);
            if options.roles.contains(block.keys()[row].role) {
                scorer.uppers(block, row..row + 1, &mut uppers);
                offer(table, scorer, options, &mut shortlists, (block, row, position), &uppers)?;
            }
        }
    }
    Ok(shortlists)
}

/// Offers one row to every query whose gate it passes; true if any did.
#[inline]
fn offer<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    shortlists: &mut [Shortlist],
    (block, row, position): (&Block<C>, usize, u32),
    uppers: &[f32],
) -> Result<(), Error> {
    for (query, (shortlist, &upper)) in shortlists.iter_mut().zip(uppers).enumerate() {
        if upper >= shortlist.gate() {
            let lower = upper - scorer.width(block, row, query);
            let candidate = Candidate { key: block.keys()[row], position, lower, upper };
            shortlist.push(candidate, &mut settle(table, scorer, options, query))?;
        }
    }
    Ok(())
}

/// Scans the whole table, on as many threads as asked for and worth starting.
fn scan<C, S>(table: &Table<C>, scorer: &S, options: &SearchOptions<'_>) -> Result<Vec<Shortlist>, Error>
where
    C: Columns + Send + Sync,
    C::Shape: Sync,
    S: Scorer<C>,
{
    let bytes = table.len() * C::row_bytes(table.shape()) * scorer.queries();
    let threads = options.threads.min(bytes / S::BYTES_PER_THREAD).clamp(1, table.blocks().len().max(1));
    let blocks_per_thread = table.blocks().len().div_ceil(threads).max(1);
    let part = |number: usize| {
        let first = number * blocks_per_thread;
        let last = (first + blocks_per_thread).min(table.blocks().len());
        let mut shortlists = fresh(scorer, options.k);
        scan_blocks(table, scorer, options, first.min(last)..last, &mut shortlists)?;
        Ok(shortlists)
    };
    if threads == 1 {
        return part(0);
    }
    std::thread::scope(|scope| {
        let part = &part;
        let others: Vec<_> = (1..threads).map(|number| scope.spawn(move || part(number))).collect();
        let mut shortlists = part(0);
        for other in others {
            // A panic in a thread goes on in the caller's.
            let theirs = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            if let Ok(ours) = &mut shortlists {
                ours.iter_mut().zip(theirs?).for_each(|(ours, theirs)| ours.merge(theirs));
            }
        }
        shortlists
    })
}

/// Scans some blocks.
pub(crate) fn scan_blocks<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    blocks: Range<usize>,
    shortlists: &mut [Shortlist],
) -> Result<(), Error> {
    let queries = scorer.queries();
    let mut gates: Vec<f32> = shortlists.iter().map(Shortlist::gate).collect();
    let mut uppers: Vec<f32> = Vec::new();
    for number in blocks {
        options.check_cancelled()?;
        let block: &Arc<Block<C>> = &table.blocks()[number];
        uppers.resize(block.keys().len() * queries, 0.0);
        scorer.uppers(block, 0..block.keys().len(), &mut uppers);
        for (row, uppers) in uppers.chunks_exact(queries).enumerate() {
            // Nearly every row ends here: one compare per query, without a branch between them.
            let passes = uppers.iter().zip(&gates).fold(false, |any, (upper, gate)| any | (upper >= gate));
            if passes && options.admits(block.keys()[row]) {
                let position = table.position(number, row);
                offer(table, scorer, options, shortlists, (block, row, position), uppers)?;
                gates.iter_mut().zip(&*shortlists).for_each(|(gate, shortlist)| *gate = shortlist.gate());
            }
        }
    }
    Ok(())
}
