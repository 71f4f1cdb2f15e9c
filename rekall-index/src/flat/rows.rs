//! The columns of a flat index: the rows themselves.

use std::sync::Arc;

use crate::table::{Aligned, Columns, Pool};

/// `f32` rows, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct F32Rows {
    numbers: Aligned<f32>,
}

impl F32Rows {
    pub(super) fn numbers(&self) -> &[f32] {
        self.numbers.as_slice()
    }
}

/// The shape is the number of dimensions.
impl Columns for F32Rows {
    type Shape = usize;
    type Row<'a> = &'a [f32];

    fn new(_dimensions: &usize, pool: &Arc<Pool>) -> Self {
        Self { numbers: Aligned::new(pool) }
    }

    fn pooled_bytes(dimensions: &usize) -> usize {
        dimensions * size_of::<f32>()
    }

    fn row_bytes(dimensions: &usize) -> usize {
        dimensions * size_of::<f32>()
    }

    fn get(&self, dimensions: &usize, row: usize) -> &[f32] {
        &self.numbers.as_slice()[row * dimensions..(row + 1) * dimensions]
    }

    fn set(&mut self, dimensions: &usize, row: usize, numbers: &[f32]) {
        self.numbers.as_mut_slice()[row * dimensions..(row + 1) * dimensions].copy_from_slice(numbers);
    }

    fn copy_within(&mut self, dimensions: &usize, from: usize, to: usize) {
        self.numbers.as_mut_slice().copy_within(from * dimensions..(from + 1) * dimensions, to * dimensions);
    }

    fn push(&mut self, dimensions: &usize, numbers: &[f32], capacity: usize) {
        self.numbers.extend(numbers, capacity * dimensions);
    }

    fn truncate(&mut self, dimensions: &usize, rows: usize) {
        self.numbers.truncate(rows * dimensions);
    }

    fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes()
    }
}
