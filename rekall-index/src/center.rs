//! The vector that rows are encoded around.

use crate::similarity::dot_f64;

/// Any vector will do; the nearer it is to the rows' mean, the smaller the codes' errors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Center {
    numbers: Vec<f32>,
    norm: f64,
}

impl Center {
    /// `numbers` must be finite.
    pub(crate) fn new(numbers: Vec<f32>) -> Self {
        let norm = dot_f64(&numbers, &numbers).sqrt();
        Self { numbers, norm }
    }

    pub(crate) fn zero(dimensions: usize) -> Self {
        Self::new(vec![0.0; dimensions])
    }

    /// The mean of some rows; of a part of them, evenly taken, if they are many.
    pub(crate) fn mean<'a>(dimensions: usize, rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Self {
        const ENOUGH: usize = 16_384;
        let step = (rows.len() / ENOUGH).max(1);
        let mut mean = Mean::new(dimensions);
        rows.step_by(step).for_each(|row| mean.add(row));
        mean.center()
    }

    pub(crate) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    pub(crate) fn norm(&self) -> f64 {
        self.norm
    }

    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let pairs = self.numbers.iter().zip(&other.numbers);
        pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
    }
}

/// A mean in the making.
#[derive(Debug)]
pub(crate) struct Mean {
    sums: Vec<f64>,
    rows: f64,
}

impl Mean {
    pub(crate) fn new(dimensions: usize) -> Self {
        Self { sums: vec![0.0; dimensions], rows: 0.0 }
    }

    pub(crate) fn add(&mut self, row: &[f32]) {
        self.sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        self.rows += 1.0;
    }

    pub(crate) fn center(&self) -> Center {
        let rows = self.rows.max(1.0);
        Center::new(self.sums.iter().map(|sum| (sum / rows) as f32).collect())
    }
}
