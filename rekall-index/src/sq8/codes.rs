//! The columns of an int8 index.

use std::sync::Arc;

use crate::center::Center;
use crate::kernels::{CODE_LANES, Level, Planes};
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

    /// The bytes of a row in each plane of its codes.
    pub(super) fn plane_bytes(&self) -> usize {
        self.stride / 2
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
    pub(super) codes: Planes<'a>,
    pub(super) factors: Factors,
}

/// What stands beside the codes of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors {
    /// The row is about center + scale × codes.
    pub(super) scale: f32,
    /// At least the norm of what is missing from that.
    pub(super) residual: f32,
    /// The same for the high halves of the codes alone.
    pub(super) rough: f32,
}

/// The columns of a block: both planes of the codes, and the factors.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    high: Aligned<u8>,
    low: Aligned<u8>,
    scales: Aligned<f32>,
    residuals: Aligned<f32>,
    rough: Aligned<f32>,
}

impl Codes {
    /// Columns of rows whose codes lie one after the other, without padding, with scales and residuals.
    pub(super) fn of_whole(
        shape: &Shape,
        pool: &Arc<Pool>,
        codes: &[i8],
        factors: [impl ExactSizeIterator<Item = f32>; 2],
    ) -> Self {
        let [scales, residuals] = factors.map(|factors| column(pool, factors));
        let (rows, bytes) = (scales.as_slice().len(), shape.plane_bytes());
        let [mut high, mut low] = [(); 2].map(|()| Aligned::zeros(pool, rows * bytes));
        let mut rough = Aligned::zeros(pool, rows);
        let level = Level::detect();
        let mut padded = vec![0; shape.stride];
        let planes =
            high.as_mut_slice().chunks_exact_mut(bytes).zip(low.as_mut_slice().chunks_exact_mut(bytes));
        let factors = scales.as_slice().iter().zip(residuals.as_slice()).zip(rough.as_mut_slice());
        let rows = codes.chunks_exact(shape.dimensions()).zip(planes).zip(factors);
        for ((row, (high, low)), ((&scale, &residual), rough)) in rows {
            padded[..row.len()].copy_from_slice(row);
            *rough = shape.divide(level, &padded, [high, low], scale, residual);
        }
        Self { high, low, scales, residuals, rough }
    }

    /// Columns of rows that are divided already, with scales, residuals and those of the high halves.
    pub(super) fn of_halves(
        pool: &Arc<Pool>,
        planes: Planes<'_>,
        factors: [impl ExactSizeIterator<Item = f32>; 2],
        rough: impl ExactSizeIterator<Item = f32>,
    ) -> Self {
        let [high, low] = [planes.high, planes.low].map(|plane| {
            let mut copy = Aligned::zeros(pool, plane.len());
            copy.as_mut_slice().copy_from_slice(plane);
            copy
        });
        let [scales, residuals] = factors.map(|factors| column(pool, factors));
        Self { high, low, scales, residuals, rough: column(pool, rough) }
    }

    pub(super) fn planes(&self) -> Planes<'_> {
        Planes { high: self.high.as_slice(), low: self.low.as_slice() }
    }

    /// The scale of each row.
    pub(super) fn scales(&self) -> &[f32] {
        self.scales.as_slice()
    }

    /// The residual of each row.
    pub(super) fn residuals(&self) -> &[f32] {
        self.residuals.as_slice()
    }

    /// The residual of each row's high halves.
    pub(super) fn rough(&self) -> &[f32] {
        self.rough.as_slice()
    }

    fn columns(&mut self) -> [&mut Aligned<f32>; 3] {
        [&mut self.scales, &mut self.residuals, &mut self.rough]
    }
}

/// One number for each row.
fn column(pool: &Arc<Pool>, numbers: impl ExactSizeIterator<Item = f32>) -> Aligned<f32> {
    let mut column = Aligned::zeros(pool, numbers.len());
    column.as_mut_slice().iter_mut().zip(numbers).for_each(|(to, number)| *to = number);
    column
}

impl Factors {
    fn columns(self) -> [f32; 3] {
        [self.scale, self.residual, self.rough]
    }
}

impl Columns for Codes {
    type Shape = Shape;
    type Row<'a> = CodeRow<'a>;

    fn new(_shape: &Shape, pool: &Arc<Pool>) -> Self {
        let [high, low] = [(); 2].map(|()| Aligned::new(pool));
        let [scales, residuals, rough] = [(); 3].map(|()| Aligned::new(pool));
        Self { high, low, scales, residuals, rough }
    }

    fn pooled_bytes(shape: &Shape) -> usize {
        shape.plane_bytes()
    }

    fn row_bytes(shape: &Shape) -> usize {
        shape.stride + size_of::<Factors>()
    }

    fn get(&self, shape: &Shape, row: usize) -> CodeRow<'_> {
        let codes = self.planes().rows(row..row + 1, shape.plane_bytes());
        let [scale, residual, rough] = [self.scales(), self.residuals(), self.rough()].map(|all| all[row]);
        CodeRow { codes, factors: Factors { scale, residual, rough } }
    }

    fn set(&mut self, shape: &Shape, row: usize, numbers: CodeRow<'_>) {
        let bytes = row * shape.plane_bytes()..(row + 1) * shape.plane_bytes();
        self.high.as_mut_slice()[bytes.clone()].copy_from_slice(numbers.codes.high);
        self.low.as_mut_slice()[bytes].copy_from_slice(numbers.codes.low);
        let factors = numbers.factors.columns();
        self.columns()
            .into_iter()
            .zip(factors)
            .for_each(|(column, factor)| column.as_mut_slice()[row] = factor);
    }

    fn copy_within(&mut self, shape: &Shape, from: usize, to: usize) {
        let bytes = shape.plane_bytes();
        for plane in [&mut self.high, &mut self.low] {
            plane.as_mut_slice().copy_within(from * bytes..(from + 1) * bytes, to * bytes);
        }
        self.columns().into_iter().for_each(|column| column.as_mut_slice().copy_within(from..=from, to));
    }

    fn push(&mut self, shape: &Shape, numbers: CodeRow<'_>, capacity: usize) {
        self.high.extend(numbers.codes.high, capacity * shape.plane_bytes());
        self.low.extend(numbers.codes.low, capacity * shape.plane_bytes());
        for (column, factor) in self.columns().into_iter().zip(numbers.factors.columns()) {
            column.extend(&[factor], capacity);
        }
    }

    fn truncate(&mut self, shape: &Shape, rows: usize) {
        self.high.truncate(rows * shape.plane_bytes());
        self.low.truncate(rows * shape.plane_bytes());
        self.columns().into_iter().for_each(|column| column.truncate(rows));
    }

    fn memory_bytes(&self) -> usize {
        let factors = [&self.scales, &self.residuals, &self.rough].map(Aligned::memory_bytes);
        self.high.memory_bytes() + self.low.memory_bytes() + factors.iter().sum::<usize>()
    }
}
