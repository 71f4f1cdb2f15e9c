//! The scan all resident indexes share: blocks in order, a threshold per query, a filter behind the threshold, threads.

mod rough;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::shortlist::{Candidate, Shortlist};
use crate::table::{Block, Columns, Table};
use crate::thresholds::Thresholds;
use crate::{EntrySet, Error, Neighbor, SearchOptions};
use rough::RoughScan;

/// Fast bounds and slow truth about rows, for one or more prepared queries.
pub(crate) trait Scorer<C: Columns>: Sync {
    /// How many queries there are.
    fn queries(&self) -> usize;

    /// Upper bounds of the similarity of some rows of a block: `out[row * queries + query]`.
    fn uppers(&self, block: &Block<C>, rows: Range<usize>, out: &mut [f32]);

    /// Whether there are looser bounds that cost less: [`rough_uppers`](Self::rough_uppers), and for the rows that they do not rule
    /// out [`upper`](Self::upper).
    fn is_rough(&self) -> bool {
        false
    }

    /// Upper bounds of the similarity of some rows of a block with one query, looser than those of [`uppers`](Self::uppers).
    /// Asked for only where [`is_rough`](Self::is_rough).
    fn rough_uppers(&self, _query: usize, _block: &Block<C>, _rows: Range<usize>, out: &mut [f32]) {
        out.fill(f32::INFINITY);
    }

    /// The bound that [`uppers`](Self::uppers) gives for one row and query.
    fn upper(&self, block: &Block<C>, row: usize, query: usize) -> f32 {
        let mut uppers = vec![0.0; self.queries()];
        self.uppers(block, row..row + 1, &mut uppers);
        uppers[query]
    }

    /// Says that [`upper`](Self::upper) will be asked for: a hint to the processor.
    fn prefetch(&self, _block: &Block<C>, _row: usize) {}

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
    fn shortlist(&self, options: &SearchOptions<'_>) -> Shortlist {
        Shortlist::new(options)
    }

    /// Bytes of codes or rows that justify one more thread: it begins some 40 µs after it was asked for, of which its
    /// starter spends 25.
    const BYTES_PER_THREAD: usize;
}

/// A filter this many times smaller than the table is looked up entry by entry instead of scanned.
const GATHER_FACTOR: u64 = 6;
/// How long a thread that has nothing left to do spins before it sleeps until the others are done.
const LONGEST_SPIN: Duration = Duration::from_micros(100);
/// Entries looked up between two looks at the cancel flag.
const GATHER_BLOCK: usize = 1024;
/// Exact rows asked for at a time: out of SQLite, at 5 to 10 µs each, about a millisecond of work.
pub(crate) const EXACT_PAGE: usize = 128;

/// Searches `table` for every query of `scorer`: a list each, best first.
pub(crate) fn search<C, S>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
) -> Result<Vec<Vec<Neighbor>>, Error>
where
    C: Columns + Send + Sync,
    C::Shape: Sync,
    S: Scorer<C>,
{
    finish(table, scorer, options, shortlists(table, scorer, options)?)
}

/// The rows that may belong to the result of each query.
pub(crate) fn shortlists<C, S>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
) -> Result<Vec<Shortlist>, Error>
where
    C: Columns + Send + Sync,
    C::Shape: Sync,
    S: Scorer<C>,
{
    options.check_cancelled()?;
    match options.entries {
        _ if options.roles.is_empty() || scorer.queries() == 0 => Ok(fresh(scorer, options)),
        Some(entries) if entries.len().saturating_mul(GATHER_FACTOR) < table.len() as u64 => {
            gather(table, scorer, options, entries)
        }
        _ => scan(table, scorer, options),
    }
}

/// Settles what is left, and gives the results.
pub(crate) fn finish<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    shortlists: Vec<Shortlist>,
) -> Result<Vec<Vec<Neighbor>>, Error> {
    let finished =
        |(query, shortlist): (usize, Shortlist)| shortlist.finish(&mut settle(table, scorer, options, query));
    shortlists.into_iter().enumerate().map(finished).collect()
}

fn fresh<C: Columns>(scorer: &impl Scorer<C>, options: &SearchOptions<'_>) -> Vec<Shortlist> {
    (0..scorer.queries()).map(|_| scorer.shortlist(options)).collect()
}

/// Exact similarities of one query, in pages between looks at the cancel flag.
fn settle<'a, C: Columns, S: Scorer<C>>(
    table: &'a Table<C>,
    scorer: &'a S,
    options: &'a SearchOptions<'_>,
    query: usize,
) -> impl FnMut(&[Candidate], &mut Vec<f32>) -> Result<(), Error> + 'a {
    in_pages(options, move |page, out| scorer.exact(table, query, page, out))
}

/// The same by any function that gives the exact similarities of a page.
pub(crate) fn in_pages<'a>(
    options: &'a SearchOptions<'_>,
    mut exact: impl FnMut(&[Candidate], &mut Vec<f32>) -> Result<(), Error> + 'a,
) -> impl FnMut(&[Candidate], &mut Vec<f32>) -> Result<(), Error> + 'a {
    move |candidates, out| {
        for page in candidates.chunks(EXACT_PAGE) {
            options.check_cancelled()?;
            exact(page, out)?;
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
    let mut shortlists = fresh(scorer, options);
    let mut thresholds = Thresholds::new(&shortlists);
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
                offer(
                    table,
                    scorer,
                    options,
                    &mut shortlists,
                    (block, row, position),
                    &uppers,
                    &mut thresholds,
                )?;
            }
        }
    }
    Ok(shortlists)
}

/// Offers one row to every query whose threshold it passes.
#[inline]
fn offer<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    shortlists: &mut [Shortlist],
    (block, row, position): (&Block<C>, usize, u32),
    uppers: &[f32],
    thresholds: &mut Thresholds,
) -> Result<(), Error> {
    // The lists lie far apart: only those that take the row are touched. Most rows that pass a threshold leave it where it is.
    let mut moved = false;
    for (query, (&upper, &threshold)) in uppers.iter().zip(thresholds.of_queries()).enumerate() {
        if upper >= threshold {
            let lower = upper - scorer.width(block, row, query);
            let candidate = Candidate { key: block.keys()[row], position, lower, upper };
            let shortlist = &mut shortlists[query];
            shortlist.push(candidate, &mut settle(table, scorer, options, query))?;
            moved |= shortlist.threshold() > threshold;
        }
    }
    if moved {
        thresholds.update(shortlists);
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
    let blocks = table.blocks().len();
    // Each query of a batch costs about a tenth of one alone, which has to fetch the rows.
    let shares = scorer.queries().div_ceil(10).max(1);
    let bytes = table.len() * C::row_bytes(table.shape()) * shares;
    let threads = options.threads.min(bytes / S::BYTES_PER_THREAD).clamp(1, blocks.max(1));
    let helpers = Helpers::take(table.helpers(), threads - 1);
    let threads = helpers.taken + 1;
    if threads == 1 {
        let mut shortlists = fresh(scorer, options);
        scan_blocks(table, scorer, options, 0..blocks, &mut shortlists)?;
        return Ok(shortlists);
    }
    let shares = Shares::new(blocks, threads);
    let part = || -> Result<_, Error> {
        let mut shortlists = fresh(scorer, options);
        while let Some(blocks) = shares.next() {
            scan_blocks(table, scorer, options, blocks, &mut shortlists)?;
        }
        Ok(shortlists)
    };
    let (theirs, done) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let ours = std::thread::scope(|scope| {
        let helper = || {
            let found = part();
            theirs.lock().unwrap_or_else(PoisonError::into_inner).push(found);
            done.fetch_add(1, Ordering::Release);
        };
        // If the system has no thread to give, fewer do the work.
        let helpers = (1..threads)
            .map_while(|_| {
                std::thread::Builder::new().name("rekall-index".into()).spawn_scoped(scope, helper).ok()
            })
            .count();
        let ours = part();
        // All end within microseconds of each other as a rule; sleeping until then would cost a few dozen more.
        let waiting = Instant::now();
        while done.load(Ordering::Acquire) < helpers && waiting.elapsed() < LONGEST_SPIN {
            std::hint::spin_loop();
        }
        ours
    });
    let mut shortlists = ours?;
    for theirs in theirs.into_inner().unwrap_or_else(PoisonError::into_inner) {
        shortlists.iter_mut().zip(theirs?).for_each(|(ours, theirs)| ours.merge(theirs));
    }
    Ok(shortlists)
}

/// Threads that a search may start beside its own. Searches of one index at the same time share them: each may bring their
/// number up to what it was allowed, so callers do not multiply them.
struct Helpers<'a> {
    in_use: &'a AtomicUsize,
    taken: usize,
}

impl<'a> Helpers<'a> {
    fn take(in_use: &'a AtomicUsize, most: usize) -> Self {
        let mut taken = 0;
        // Never refused: the closure always gives a number.
        let _ = in_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            taken = most.saturating_sub(now);
            Some(now + taken)
        });
        Self { in_use, taken }
    }
}

impl Drop for Helpers<'_> {
    fn drop(&mut self) {
        self.in_use.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// The blocks still to be scanned, of which each thread takes some at a time: a thread that starts late, or shares its
/// processor with others, does less.
struct Shares {
    next: AtomicUsize,
    end: usize,
    threads: usize,
}

impl Shares {
    fn new(end: usize, threads: usize) -> Self {
        Self { next: AtomicUsize::new(0), end, threads }
    }

    /// Large shares first, so that memory is read in long runs; small ones last, so that all end together.
    fn next(&self) -> Option<Range<usize>> {
        let share = |next: usize| (self.end - next).div_ceil(2 * self.threads);
        let claimed = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
            (next < self.end).then(|| next + share(next))
        });
        claimed.ok().map(|first| first..first + share(first))
    }
}

/// Scans some blocks, by rough bounds as long as they rule out most rows.
fn scan_blocks<C: Columns, S: Scorer<C>>(
    table: &Table<C>,
    scorer: &S,
    options: &SearchOptions<'_>,
    mut blocks: Range<usize>,
    shortlists: &mut [Shortlist],
) -> Result<(), Error> {
    let exact = |blocks: Range<usize>, shortlists: &mut [Shortlist]| {
        let mut scan = BlockScan::new(table, scorer, options, shortlists);
        blocks
            .into_iter()
            .try_for_each(|number| scan.scan(&table.blocks()[number], table.position(number, 0), shortlists))
    };
    if !scorer.is_rough() {
        return exact(blocks, shortlists);
    }
    let mut rough = RoughScan::new(table, scorer, options, blocks.len());
    while let Some((segment, by_rough)) = rough.next(&mut blocks, shortlists) {
        if by_rough { rough.scan(segment, shortlists) } else { exact(segment, shortlists) }?;
    }
    Ok(())
}

/// What is kept from one block to the next.
pub(crate) struct BlockScan<'a, C: Columns, S> {
    /// For exact similarities.
    table: &'a Table<C>,
    scorer: &'a S,
    options: &'a SearchOptions<'a>,
    thresholds: Thresholds,
    uppers: Vec<f32>,
}

impl<'a, C: Columns, S: Scorer<C>> BlockScan<'a, C, S> {
    /// A scan for the queries of `scorer`, of which there is at least one, with a list for each.
    pub(crate) fn new(
        table: &'a Table<C>,
        scorer: &'a S,
        options: &'a SearchOptions<'a>,
        shortlists: &[Shortlist],
    ) -> Self {
        Self { table, scorer, options, thresholds: Thresholds::new(shortlists), uppers: Vec::new() }
    }

    /// Scans one block, whose first row has the position `first`.
    pub(crate) fn scan(
        &mut self,
        block: &Block<C>,
        first: u32,
        shortlists: &mut [Shortlist],
    ) -> Result<(), Error> {
        let Self { table, scorer, options, thresholds, uppers } = self;
        options.check_cancelled()?;
        let (rows, queries) = (block.keys().len(), scorer.queries());
        uppers.resize(rows * queries, 0.0);
        scorer.uppers(block, 0..rows, uppers);
        let mut from = 0;
        while let Some(row) = thresholds.next(uppers, from) {
            if options.admits(block.keys()[row]) {
                let uppers = &uppers[row * queries..][..queries];
                let place = (block, row, first + row as u32);
                offer(table, *scorer, options, shortlists, place, uppers, thresholds)?;
            }
            from = row + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
