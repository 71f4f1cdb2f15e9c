//! The scan by rough bounds: they rule out most rows, and only of the others is more read.

use std::ops::{Range, RangeInclusive};

use super::{Scorer, settle};
use crate::shortlist::{Candidate, Shortlist};
use crate::table::{Columns, Table};
use crate::{Error, SearchOptions};

/// Blocks whose rough bounds are taken together: many, so that the best of their rows give a threshold near the last one;
/// few enough that what was read of them is still in the cache when more of a row is wanted.
const SEGMENT: usize = 8;
/// The first segment is this part of the blocks, up to [`MOST_FIRST`]: before there is a good threshold each segment has hundreds of rows
/// left, and one that is four times as large finds a better one.
const FIRST_PART: usize = 6;
const MOST_FIRST: usize = 4 * SEGMENT;
/// Where more than one row of so many is left, the rough bounds cost more than they save.
const FEW_LEFT: usize = 3;
/// So many segments are then scanned without them.
const PAUSE: usize = 8;
/// Rows offered between two looks at the cancel flag.
const CANCEL_ROWS: usize = 512;
/// How many rows ahead of its use a row is asked for.
const AHEAD: usize = 8;

/// What is kept from one segment to the next.
pub(super) struct RoughScan<'a, C: Columns, S> {
    table: &'a Table<C>,
    scorer: &'a S,
    options: &'a SearchOptions<'a>,
    /// Blocks of the next segment.
    segment: usize,
    /// Segments to come that are scanned without rough bounds.
    pause: usize,
    /// Rough bounds of a segment's rows for each query in turn.
    uppers: Vec<f32>,
    /// The rows of one query that are not ruled out, in order.
    left: Vec<Left>,
    /// The positions of those of them that are offered now.
    offered: Vec<u32>,
    scratch: Vec<f32>,
}

/// A row that is not ruled out, by its number in the segment.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    row: u32,
    upper: f32,
}

impl<'a, C: Columns, S: Scorer<C>> RoughScan<'a, C, S> {
    /// Of so many blocks.
    pub(super) fn new(
        table: &'a Table<C>,
        scorer: &'a S,
        options: &'a SearchOptions<'a>,
        blocks: usize,
    ) -> Self {
        let segment = (blocks / FIRST_PART).clamp(SEGMENT, MOST_FIRST);
        let (uppers, left, offered, scratch) = <(Vec<f32>, Vec<Left>, Vec<u32>, Vec<f32>)>::default();
        Self { table, scorer, options, segment, pause: 0, uppers, left, offered, scratch }
    }

    /// The next segment of `blocks`, and whether it is to be scanned by rough bounds. Before there is a threshold these rule nothing
    /// out: then it is one block, for a threshold.
    pub(super) fn next(
        &mut self,
        blocks: &mut Range<usize>,
        shortlists: &mut [Shortlist],
    ) -> Option<(Range<usize>, bool)> {
        let start = blocks.start;
        if start >= blocks.end {
            return None;
        }
        shortlists.iter_mut().for_each(Shortlist::begin_threshold);
        let begun = shortlists.iter().all(|list| list.threshold() > f32::NEG_INFINITY);
        let segment = if begun { std::mem::replace(&mut self.segment, SEGMENT) } else { 1 };
        blocks.start = blocks.end.min(start + segment);
        let by_rough = begun && self.pause == 0;
        self.pause = self.pause.saturating_sub(usize::from(begun));
        Some((start..blocks.start, by_rough))
    }

    /// Scans some blocks.
    pub(super) fn scan(&mut self, blocks: Range<usize>, shortlists: &mut [Shortlist]) -> Result<(), Error> {
        let first = self.table.position(blocks.start, 0);
        let blocks = &self.table.blocks()[blocks];
        let rows: usize = blocks.iter().map(|block| block.keys().len()).sum();
        self.uppers.resize(rows * shortlists.len(), 0.0);
        let mut from = 0;
        for block in blocks {
            self.options.check_cancelled()?;
            let length = block.keys().len();
            for (query, uppers) in self.uppers.chunks_exact_mut(rows).enumerate() {
                self.scorer.rough_uppers(query, block, 0..length, &mut uppers[from..from + length]);
            }
            from += length;
        }
        for (query, shortlist) in shortlists.iter_mut().enumerate() {
            self.keep_left(query, rows, shortlist.threshold());
            // Among many, those that look best come first: after them fewer are left.
            let (mut below, mut offered) = (f32::INFINITY, 0);
            if let Some(cut) = self.cut(shortlist.wanted().saturating_mul(2)) {
                offered = self.offer(query, first, cut..=f32::INFINITY, shortlist)?;
                shortlist.raise_threshold();
                below = cut.next_down();
            }
            offered += self.offer(query, first, shortlist.threshold()..=below, shortlist)?;
            if offered * FEW_LEFT > rows {
                self.pause = PAUSE;
            }
        }
        Ok(())
    }

    /// The bound that `best` of the rows left reach, if there are many more than that.
    fn cut(&mut self, best: usize) -> Option<f32> {
        if self.left.len() / 2 <= best {
            return None;
        }
        self.scratch.clear();
        self.scratch.extend(self.left.iter().map(|left| left.upper));
        Some(*self.scratch.select_nth_unstable_by(best, |a, b| b.total_cmp(a)).1)
    }

    /// Makes the list of one query's rows that reach the threshold.
    fn keep_left(&mut self, query: usize, rows: usize, threshold: f32) {
        self.left.resize(rows, Left::default());
        let mut length = 0;
        // Without a branch, which nothing could predict where every tenth row is left.
        for (row, &upper) in (0..).zip(&self.uppers[query * rows..(query + 1) * rows]) {
            self.left[length] = Left { row, upper };
            length += usize::from(upper >= threshold);
        }
        self.left.truncate(length);
    }

    /// Offers the rows left whose bounds are in `uppers` to their query, by their better bounds; says how many they were.
    fn offer(
        &mut self,
        query: usize,
        first: u32,
        uppers: RangeInclusive<f32>,
        shortlist: &mut Shortlist,
    ) -> Result<usize, Error> {
        let Self { table, scorer, options, left, offered, .. } = self;
        offered.clear();
        offered.extend(left.iter().filter(|left| uppers.contains(&left.upper)).map(|left| first + left.row));
        for (number, &position) in offered.iter().enumerate() {
            if number % CANCEL_ROWS == 0 {
                options.check_cancelled()?;
            }
            if let Some(&later) = offered.get(number + AHEAD) {
                let (block, row) = table.at(later);
                scorer.prefetch(block, row);
            }
            let (block, row) = table.at(position);
            let key = block.keys()[row];
            // First, because it costs nothing without a filter, and with one it spares the better bound.
            if !options.admits(key) {
                continue;
            }
            let upper = scorer.upper(block, row, query);
            if upper >= shortlist.threshold() {
                let lower = upper - scorer.width(block, row, query);
                let candidate = Candidate { key, position, lower, upper };
                shortlist.push(candidate, &mut settle(table, *scorer, options, query))?;
            }
        }
        Ok(offered.len())
    }
}
