//! The columns of an int8 index.

use std::sync::Arc;

use crate::center::Center;
use crate::kernels::CODE_LANES;
use crate::table::{Aligned, Columns, Pool};

/// What the rows of one index have in common.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    center: Arc<Center>,
    /// Codes per row, with padding.
    stride: usize,
}

impl Shape {
    pub(super) fn new(center: Center) -> Self {
        let stride = center.numbers().len().next_multiple_of(CODE_LANES);
        Self { center: Arc::new(center), stride }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.center.numbers().len()
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn center(&self) -> &Center {
        &self.center
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Center>() + size_of_val(self.center.numbers())
    }
}

/// One encoded row.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodeRow<'a> {
    /// `stride` codes from -127 to 127; the padding is zero.
    pub(super) codes: &'a [i8],
    /// The row is about center + scale × codes.
    pub(super) scale: f32,
    /// At least the norm of what is missing from that.
    pub(super) residual: f32,
}

#[derive(Debug, Clone)]
pub(super) struct Codes {
    codes: Aligned<i8>,
    /// Scale and residual of each row.
    factors: Vec<[f32; 2]>,
}

impl Codes {
    /// Columns of rows whose codes lie one after the other, without padding.
    pub(super) fn from_parts(shape: &Shape, pool: &Arc<Pool>, codes: &[i8], factors: Vec<[f32; 2]>) -> Self {
        let (rows, stride) = (factors.len(), shape.stride);
        let mut columns = Self { codes: Aligned::new(pool), factors };
        if shape.dimensions() == stride {
            columns.codes.extend(codes, rows * stride);
        } else {
            let mut padded = vec![0; stride];
            for row in codes.chunks_exact(shape.dimensions()) {
                padded[..row.len()].copy_from_slice(row);
                columns.codes.extend(&padded, rows * stride);
            }
        }
        columns
    }

    pub(super) fn codes(&self) -> &[i8] {
        self.codes.as_slice()
    }

    pub(super) fn factors(&self) -> &[[f32; 2]] {
        &self.factors
    }
}

impl Columns for Codes {
    type Shape = Shape;
    type Row<'a> = CodeRow<'a>;

    fn new(_shape: &Shape, pool: &Arc<Pool>) -> Self {
        Self { codes: Aligned::new(pool), factors: Vec::new() }
    }

    fn pooled_bytes(shape: &Shape) -> usize {
        shape.stride
    }

    fn row_bytes(shape: &Shape) -> usize {
        shape.stride + size_of::<[f32; 2]>()
    }

    fn get(&self, shape: &Shape, row: usize) -> CodeRow<'_> {
        let [scale, residual] = self.factors[row];
        let codes = &self.codes.as_slice()[row * shape.stride..(row + 1) * shape.stride];
        CodeRow { codes, scale, residual }
    }

    fn set(&mut self, shape: &Shape, row: usize, numbers: CodeRow<'_>) {
        self.codes.as_mut_slice()[row * shape.stride..(row + 1) * shape.stride]
            .copy_from_slice(numbers.codes);
        self.factors[row] = [numbers.scale, numbers.residual];
    }

    fn copy_within(&mut self, shape: &Shape, from: usize, to: usize) {
        let from_codes = from * shape.stride..(from + 1) * shape.stride;
        self.codes.as_mut_slice().copy_within(from_codes, to * shape.stride);
        self.factors[to] = self.factors[from];
    }

    fn push(&mut self, shape: &Shape, numbers: CodeRow<'_>, capacity: usize) {
        self.codes.extend(numbers.codes, capacity * shape.stride);
        if self.factors.len() == self.factors.capacity() {
            self.factors.reserve_exact(capacity.saturating_sub(self.factors.len()).max(1));
        }
        self.factors.push([numbers.scale, numbers.residual]);
    }

    fn truncate(&mut self, shape: &Shape, rows: usize) {
        self.codes.truncate(rows * shape.stride);
        self.factors.truncate(rows);
        if rows * 4 < self.factors.capacity() {
            self.factors.shrink_to(rows * 2);
        }
    }

    fn memory_bytes(&self) -> usize {
        self.codes.memory_bytes() + self.factors.capacity() * size_of::<[f32; 2]>()
    }
}
