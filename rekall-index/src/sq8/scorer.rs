//! Bounds from codes, exact similarities from the source.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::Counters;
use super::codes::{Codes, Shape};
use super::quantize::Query;
use crate::kernels::{Level, PANEL, Panel, prefetch_slice};
use crate::scan::Scorer;
use crate::shortlist::Candidate;
use crate::similarity::similarity;
use crate::table::{Block, Table};
use crate::{Error, Key, VectorSource};

/// One or more encoded queries.
pub(super) struct Sq8Scorer<'a> {
    level: Level,
    queries: Vec<Query>,
    /// The queries in panels, if there are more than [`FEW`].
    panels: Vec<Panel>,
    exact: &'a [f32],
    shape: Shape,
    source: &'a (dyn VectorSource + Send + Sync),
    counters: &'a Counters,
}

/// Up to so many queries are multiplied one after the other: all but the first find the codes in the cache, and none of
/// a panel's lanes is wasted.
const FEW: usize = 4;
/// How far ahead of their use codes are asked for.
const AHEAD_BYTES: usize = 8 * 1024;
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
                .map(|some| Panel::new(some.iter().map(|query| query.codes.as_slice()), shape.stride()))
                .collect(),
        };
        Self { level: Level::detect(), queries, panels, exact, shape, source, counters }
    }

    /// One query after the other.
    fn few(&self, codes: &[i8], factors: &[[f32; 2]], out: &mut [f32]) {
        let mut dots = [0; CHUNK];
        let (count, stride) = (self.queries.len(), self.shape.stride());
        let rows = (AHEAD_BYTES / stride).clamp(1, CHUNK);
        let mut ahead = codes.chunks(rows * stride).skip(1);
        let chunks = factors.chunks(rows).zip(codes.chunks(rows * stride));
        for ((factors, codes), out) in chunks.zip(out.chunks_mut(rows * count)) {
            prefetch_slice(ahead.next().unwrap_or_default());
            let dots = &mut dots[..factors.len()];
            for (number, query) in self.queries.iter().enumerate() {
                self.level.dots(codes, &query.codes, dots);
                let rows = out.chunks_exact_mut(count).zip(&*dots).zip(factors);
                rows.for_each(|((out, &dot), &factors)| out[number] = query.upper(dot, factors));
            }
        }
    }

    fn batch(&self, codes: &[i8], factors: &[[f32; 2]], out: &mut [f32]) {
        let mut dots = [0; CHUNK * PANEL];
        let count = self.queries.len();
        let chunks = factors.chunks(CHUNK).zip(codes.chunks(CHUNK * self.shape.stride()));
        for ((factors, codes), out) in chunks.zip(out.chunks_mut(CHUNK * count)) {
            let dots = &mut dots[..factors.len() * PANEL];
            for (number, panel) in self.panels.iter().enumerate() {
                self.level.dots_panel(codes, panel, dots);
                let columns = number * PANEL..number * PANEL + panel.width();
                let queries = &self.queries[columns.clone()];
                let rows = dots.as_chunks::<PANEL>().0.iter().zip(factors).zip(out.chunks_exact_mut(count));
                for ((dots, &factors), out) in rows {
                    for ((out, &dot), query) in out[columns.clone()].iter_mut().zip(dots).zip(queries) {
                        *out = query.upper(dot, factors);
                    }
                }
            }
        }
    }
}

impl Scorer<Codes> for Sq8Scorer<'_> {
    const BYTES_PER_THREAD: usize = 3 << 19;

    fn queries(&self) -> usize {
        self.queries.len()
    }

    fn uppers(&self, block: &Block<Codes>, rows: Range<usize>, out: &mut [f32]) {
        let stride = self.shape.stride();
        let codes = &block.columns().codes()[rows.start * stride..rows.end * stride];
        let factors = &block.columns().factors()[rows];
        if self.panels.is_empty() { self.few(codes, factors, out) } else { self.batch(codes, factors, out) }
    }

    fn width(&self, block: &Block<Codes>, row: usize, query: usize) -> f32 {
        let [_, residual] = block.columns().factors()[row];
        2.0 * self.queries[query].half_width(residual)
    }

    fn exact(
        &self,
        _table: &Table<Codes>,
        query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let dimensions = self.shape.dimensions();
        let keys: Vec<Key> = candidates.iter().map(|candidate| candidate.key).collect();
        let expected = keys.len() * dimensions;
        let mut rows = Vec::with_capacity(expected);
        self.source.rows(&keys, &mut rows)?;
        if rows.len() != expected {
            return Err(Error::from_source(format!("expected {expected} numbers, got {}", rows.len())));
        }
        self.counters.rescored.fetch_add(keys.len() as u64, Ordering::Relaxed);
        let query = &self.exact[query * dimensions..(query + 1) * dimensions];
        out.extend(rows.chunks_exact(dimensions).map(|row| similarity(query, row)));
        Ok(())
    }
}
