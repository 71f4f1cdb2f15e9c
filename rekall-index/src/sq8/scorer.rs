//! Bounds from codes, exact similarities from the source.

use std::ops::Range;
use std::sync::atomic::Ordering;

use pulp::{Simd, WithSimd};

use super::Counters;
use super::codes::{CodeRow, Codes, Shape};
use super::quantize::{Bounds, Query};
use crate::dispatch::arch;
use crate::kernels::{Level, PANEL, Panel};
use crate::scan::Scorer;
use crate::shortlist::Candidate;
use crate::similarity::similarities;
use crate::table::{Block, Table};
use crate::{Error, Key, VectorSource};

/// One or more encoded queries.
pub(super) struct Sq8Scorer<'a> {
    level: Level,
    queries: Vec<Query>,
    /// The queries in panels, if there are more than [`FEW`].
    panels: Vec<(Panel, [Bounds; PANEL])>,
    exact: &'a [f32],
    shape: Shape,
    source: &'a (dyn VectorSource + Send + Sync),
    counters: &'a Counters,
}

/// Up to so many queries are multiplied one after the other: all but the first find the codes in the cache, and none of
/// a panel's lanes is wasted.
const FEW: usize = 4;
/// Rows whose integer sums stand on the stack at a time.
const CHUNK: usize = 64;

impl<'a> Sq8Scorer<'a> {
    /// The most queries that share a pass over the codes.
    pub(super) const MOST_QUERIES: usize = 2 * PANEL;

    pub(super) fn new(
        exact: &'a [f32],
        shape: Shape,
        source: &'a (dyn VectorSource + Send + Sync),
        counters: &'a Counters,
    ) -> Self {
        let queries: Vec<Query> =
            exact.chunks_exact(shape.dimensions()).map(|query| Query::new(query, &shape)).collect();
        let panels = match queries.len() {
            0..=FEW => Vec::new(),
            _ => queries
                .chunks(PANEL)
                .map(|some| {
                    let panel = Panel::new(some.iter().map(|query| query.codes.as_slice()), shape.stride());
                    let mut bounds = [Bounds::default(); PANEL];
                    bounds.iter_mut().zip(some).for_each(|(bounds, query)| *bounds = query.bounds);
                    (panel, bounds)
                })
                .collect(),
        };
        Self { level: Level::detect(), queries, panels, exact, shape, source, counters }
    }

    /// Appends the exact similarity of each candidate, by rows of this source.
    pub(super) fn exact_by(
        &self,
        source: &dyn VectorSource,
        query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let dimensions = self.shape.dimensions();
        let keys: Vec<Key> = candidates.iter().map(|candidate| candidate.key).collect();
        let expected = keys.len() * dimensions;
        let mut rows = Vec::with_capacity(expected);
        source.rows(&keys, &mut rows)?;
        if rows.len() != expected {
            return Err(Error::from_source(format!("expected {expected} numbers, got {}", rows.len())));
        }
        self.counters.rescored.fetch_add(keys.len() as u64, Ordering::Relaxed);
        let query = &self.exact[query * dimensions..(query + 1) * dimensions];
        similarities(query, rows.chunks_exact(dimensions), out);
        Ok(())
    }

    /// One query after the other.
    fn few(&self, columns: &Codes, rows: Range<usize>, out: &mut [f32]) {
        let (mut dots, mut column) = ([0; CHUNK], [0.0; CHUNK]);
        let count = self.queries.len();
        for (start, out) in rows.clone().step_by(CHUNK).zip(out.chunks_mut(CHUNK * count)) {
            let rows = start..rows.end.min(start + CHUNK);
            let (dots, column) = (&mut dots[..rows.len()], &mut column[..rows.len()]);
            let codes = columns.planes().rows(rows.clone(), self.shape.plane_bytes());
            let [scales, residuals] = [columns.scales(), columns.residuals()].map(|all| &all[rows.clone()]);
            for (number, query) in self.queries.iter().enumerate() {
                self.level.dots(codes, &query.codes, dots);
                let out_column: &mut [f32] = if count == 1 { &mut *out } else { column };
                let upper = |dot, scale, residual| query.bounds.upper(dot, scale, residual);
                arch().dispatch(ColumnUppers { upper, dots, scales, residuals, out: out_column });
                if count > 1 {
                    out.chunks_exact_mut(count).zip(&*column).for_each(|(row, &upper)| row[number] = upper);
                }
            }
        }
    }

    fn batch(&self, columns: &Codes, rows: Range<usize>, out: &mut [f32]) {
        let mut dots = [0; CHUNK * PANEL];
        let count = self.queries.len();
        for (start, out) in rows.clone().step_by(CHUNK).zip(out.chunks_mut(CHUNK * count)) {
            let rows = start..rows.end.min(start + CHUNK);
            let dots = &mut dots[..rows.len() * PANEL];
            let codes = columns.planes().rows(rows.clone(), self.shape.plane_bytes());
            let [scales, residuals] = [columns.scales(), columns.residuals()].map(|all| &all[rows.clone()]);
            for (number, (panel, bounds)) in self.panels.iter().enumerate() {
                self.level.dots_panel(codes, panel, dots);
                let columns = number * PANEL..number * PANEL + panel.width();
                arch().dispatch(PanelUppers { bounds, dots, scales, residuals, out, count, columns });
            }
        }
    }
}

/// Upper bounds of some rows for one query.
struct ColumnUppers<'a, F> {
    /// Of a product, a scale and a residual.
    upper: F,
    dots: &'a [i32],
    scales: &'a [f32],
    residuals: &'a [f32],
    out: &'a mut [f32],
}

impl<F: Fn(i32, f32, f32) -> f32> WithSimd for ColumnUppers<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { upper, dots, scales, residuals, out } = self;
        let rows = dots.iter().zip(scales).zip(residuals);
        out.iter_mut()
            .zip(rows)
            .for_each(|(out, ((&dot, &scale), &residual))| *out = upper(dot, scale, residual));
    }
}

/// Upper bounds of some rows for the queries of a panel, into their columns of `out`, which has `count` a row.
struct PanelUppers<'a> {
    bounds: &'a [Bounds; PANEL],
    dots: &'a [i32],
    scales: &'a [f32],
    residuals: &'a [f32],
    out: &'a mut [f32],
    count: usize,
    columns: Range<usize>,
}

impl WithSimd for PanelUppers<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let rows = self.dots.as_chunks::<PANEL>().0.iter().zip(self.scales).zip(self.residuals);
        for (((dots, &scale), &residual), out) in rows.zip(self.out.chunks_exact_mut(self.count)) {
            // All lanes, used or not: a loop of fixed length becomes a few vectors.
            let mut uppers = [0.0; PANEL];
            for lane in 0..PANEL {
                uppers[lane] = self.bounds[lane].upper(dots[lane], scale, residual);
            }
            out[self.columns.clone()].copy_from_slice(&uppers[..self.columns.len()]);
        }
    }
}

impl Scorer<Codes> for Sq8Scorer<'_> {
    const BYTES_PER_THREAD: usize = 3 << 20;

    fn queries(&self) -> usize {
        self.queries.len()
    }

    fn is_rough(&self) -> bool {
        // For many queries the products take longer than the reading.
        self.panels.is_empty()
    }

    fn rough_uppers(&self, query: usize, block: &Block<Codes>, rows: Range<usize>, out: &mut [f32]) {
        let columns = block.columns();
        let (rough, bytes) = (&self.queries[query].rough, self.shape.plane_bytes());
        let mut dots = [0; CHUNK];
        for (start, out) in rows.clone().step_by(CHUNK).zip(out.chunks_mut(CHUNK)) {
            let rows = start..rows.end.min(start + CHUNK);
            let dots = &mut dots[..rows.len()];
            let codes = columns.planes().rows(rows.clone(), bytes);
            self.level.dots_high(codes.high, &rough.codes, dots);
            let [scales, residuals] = [columns.scales(), columns.rough()].map(|all| &all[rows.clone()]);
            let upper = |dot, scale, residual| rough.upper(dot, scale, residual);
            arch().dispatch(ColumnUppers { upper, dots, scales, residuals, out });
        }
    }

    fn prefetch(&self, block: &Block<Codes>, row: usize) {
        // The high plane was read a moment ago.
        block.row(&self.shape, row).codes.prefetch_low();
    }

    fn uppers(&self, block: &Block<Codes>, rows: Range<usize>, out: &mut [f32]) {
        let columns = block.columns();
        if self.panels.is_empty() { self.few(columns, rows, out) } else { self.batch(columns, rows, out) }
    }

    fn upper(&self, block: &Block<Codes>, row: usize, query: usize) -> f32 {
        let CodeRow { codes, factors } = block.row(&self.shape, row);
        let (query, mut dot) = (&self.queries[query], [0]);
        self.level.dots(codes, &query.codes, &mut dot);
        query.bounds.upper(dot[0], factors.scale, factors.residual)
    }

    fn width(&self, block: &Block<Codes>, row: usize, query: usize) -> f32 {
        2.0 * self.queries[query].bounds.half_width(block.columns().residuals()[row])
    }

    fn exact(
        &self,
        _table: &Table<Codes>,
        query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        self.exact_by(self.source, query, candidates, out)
    }
}
