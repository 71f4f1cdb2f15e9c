//! Scores of `f32` rows: fast dot products with a common error bound, exact ones from the rows at hand.

use std::ops::Range;

use super::F32Rows;
use crate::Error;
use crate::batch::Batch;
use crate::dot::{dot_error, dots};
use crate::scan::Scorer;
use crate::shortlist::Candidate;
use crate::similarity::similarities;
use crate::table::{Block, Columns, Table};

/// Up to so many queries are multiplied one after the other: all but the first find the block in the cache, and none of
/// a tile's lanes is wasted.
const FEW: usize = 4;

/// One or more queries.
pub(super) struct FlatScorer<'a> {
    queries: &'a [f32],
    dimensions: usize,
    error: f32,
    batch: Option<Batch>,
}

impl<'a> FlatScorer<'a> {
    fn few(&self, rows: &[f32], out: &mut [f32]) {
        let count = self.queries.len() / self.dimensions;
        let mut column = vec![0.0; out.len() / count];
        for (number, query) in self.queries.chunks_exact(self.dimensions).enumerate() {
            dots(query, rows, &mut column);
            out.chunks_exact_mut(count).zip(&column).for_each(|(out, &dot)| out[number] = dot);
        }
    }

    pub(super) fn new(queries: &'a [f32], dimensions: usize) -> Self {
        let batch = (queries.len() > FEW * dimensions).then(|| Batch::new(queries, dimensions));
        Self { queries, dimensions, error: dot_error(dimensions), batch }
    }
}

impl Scorer<F32Rows> for FlatScorer<'_> {
    const BYTES_PER_THREAD: usize = 3 << 20;

    fn queries(&self) -> usize {
        self.queries.len() / self.dimensions
    }

    fn uppers(&self, block: &Block<F32Rows>, rows: Range<usize>, out: &mut [f32]) {
        let numbers = &block.columns().numbers()[rows.start * self.dimensions..rows.end * self.dimensions];
        match &self.batch {
            Some(batch) => batch.dots(numbers, out),
            None if out.len() == rows.len() => dots(self.queries, numbers, out),
            None => self.few(numbers, out),
        }
        out.iter_mut().for_each(|score| *score += self.error);
    }

    fn width(&self, _block: &Block<F32Rows>, _row: usize, _query: usize) -> f32 {
        2.0 * self.error
    }

    fn exact(
        &self,
        table: &Table<F32Rows>,
        query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let query = &self.queries[query * self.dimensions..(query + 1) * self.dimensions];
        let rows = candidates.iter().map(|candidate| {
            let (block, row) = table.at(candidate.position);
            block.columns().get(&self.dimensions, row)
        });
        similarities(query, rows, out);
        Ok(())
    }
}
