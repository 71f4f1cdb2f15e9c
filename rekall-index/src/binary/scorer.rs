//! Hamming distances as a score: minus the number of differing bits, exactly known.

use std::ops::Range;

use super::bits::{BitRows, Shape};
use crate::kernels::Level;
use crate::scan::Scorer;
use crate::shortlist::{Candidate, Shortlist};
use crate::table::{Block, Columns, Table};
use crate::{Error, SearchOptions};

pub(super) struct BinaryScorer<'a> {
    level: Level,
    query: Vec<u64>,
    shape: &'a Shape,
    grouped: bool,
}

/// Rows whose distances stand on the stack at a time.
const CHUNK: usize = 256;

impl<'a> BinaryScorer<'a> {
    pub(super) fn new(query: &[f32], shape: &'a Shape, grouped: bool) -> Self {
        let mut bits = Vec::new();
        shape.encode(query, &mut bits);
        Self { level: Level::detect(), query: bits, shape, grouped }
    }
}

impl Scorer<BitRows> for BinaryScorer<'_> {
    const BYTES_PER_THREAD: usize = 2 << 20;

    fn queries(&self) -> usize {
        1
    }

    fn shortlist(&self, options: &SearchOptions<'_>) -> Shortlist {
        if self.grouped { Shortlist::new(options) } else { Shortlist::of_rows(options.k) }
    }

    fn uppers(&self, block: &Block<BitRows>, rows: Range<usize>, out: &mut [f32]) {
        let row_words = BitRows::row_bytes(self.shape) / size_of::<u64>();
        let words = &block.columns().words()[rows.start * row_words..rows.end * row_words];
        let mut distances = [0; CHUNK];
        for (words, out) in words.chunks(CHUNK * row_words).zip(out.chunks_mut(CHUNK)) {
            let distances = &mut distances[..out.len()];
            self.level.hamming(words, &self.query, distances);
            // At most MAX_DIMENSIONS, so exact in f32.
            out.iter_mut().zip(distances).for_each(|(out, distance)| *out = -(*distance as f32));
        }
    }

    fn width(&self, _block: &Block<BitRows>, _row: usize, _query: usize) -> f32 {
        0.0
    }

    /// Never needed: a score of width 0 is settled from the start.
    fn exact(
        &self,
        _table: &Table<BitRows>,
        _query: usize,
        candidates: &[Candidate],
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        out.extend(candidates.iter().map(|candidate| candidate.upper));
        Ok(())
    }
}
