//! The columns of a binary index.

use std::sync::Arc;

use crate::center::Center;
use crate::table::{Aligned, Columns, Pool};

/// What the rows of one index have in common.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    center: Arc<Center>,
    /// Words per row.
    words: usize,
}

impl Shape {
    pub(super) fn new(center: Center) -> Self {
        let words = center.numbers().len().div_ceil(u64::BITS as usize);
        Self { center: Arc::new(center), words }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.center.numbers().len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Center>() + size_of_val(self.center.numbers())
    }

    /// Bit i is set when component i is above the center; padding bits are zero.
    pub(super) fn encode(&self, row: &[f32], bits: &mut Vec<u64>) {
        let word = |(row, center): (&[f32], &[f32])| {
            let above = row.iter().zip(center).map(|(x, m)| u64::from(x > m));
            above.enumerate().fold(0, |word, (bit, above)| word | above << bit)
        };
        const BITS: usize = u64::BITS as usize;
        bits.clear();
        bits.extend(row.chunks(BITS).zip(self.center.numbers().chunks(BITS)).map(word));
    }
}

#[derive(Debug, Clone)]
pub(super) struct BitRows {
    words: Aligned<u64>,
}

impl BitRows {
    pub(super) fn words(&self) -> &[u64] {
        self.words.as_slice()
    }
}

impl Columns for BitRows {
    type Shape = Shape;
    type Row<'a> = &'a [u64];

    fn new(_shape: &Shape, pool: &Arc<Pool>) -> Self {
        Self { words: Aligned::new(pool) }
    }

    fn pooled_bytes(shape: &Shape) -> usize {
        shape.words * size_of::<u64>()
    }

    fn row_bytes(shape: &Shape) -> usize {
        shape.words * size_of::<u64>()
    }

    fn get(&self, shape: &Shape, row: usize) -> &[u64] {
        &self.words.as_slice()[row * shape.words..(row + 1) * shape.words]
    }

    fn set(&mut self, shape: &Shape, row: usize, words: &[u64]) {
        self.words.as_mut_slice()[row * shape.words..(row + 1) * shape.words].copy_from_slice(words);
    }

    fn copy_within(&mut self, shape: &Shape, from: usize, to: usize) {
        let words = from * shape.words..(from + 1) * shape.words;
        self.words.as_mut_slice().copy_within(words, to * shape.words);
    }

    fn push(&mut self, shape: &Shape, words: &[u64], capacity: usize) {
        self.words.extend(words, capacity * shape.words);
    }

    fn truncate(&mut self, shape: &Shape, rows: usize) {
        self.words.truncate(rows * shape.words);
    }

    fn memory_bytes(&self) -> usize {
        self.words.memory_bytes()
    }
}
