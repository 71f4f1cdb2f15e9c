//! Matrices of rounded numbers, laid out for the product's inner loop.
//!
//! Panels as wide as those of [`Packed`](super::super::Packed), so that work is divided among threads at the same columns.
//! A panel's rows go in groups of four: four numbers of a column stand together, which is what the processors' instructions
//! multiply at once. The last group is padded with zeros.

use std::ops::Range;

use memmap2::MmapMut;
use pulp::bytemuck;

use super::super::pack::{PackedNumbers, panel_width};
use super::quantize::quantize;
use crate::bytes::Bytes;

/// Numbers of a column that stand together.
pub(super) const GROUP: usize = 4;

/// The most rows of a matrix: so many products of an unsigned and a signed number fit a 32-bit sum.
pub(crate) const MAX_K: usize = i32::MAX as usize / (255 * 128) / GROUP * GROUP;

/// A packed matrix: a byte for each number, in a mapping of their own or in that of a file, and eight bytes for each column.
#[derive(Debug)]
pub(crate) struct PackedInt8 {
    numbers: PackedNumbers,
    k: usize,
    n: usize,
    /// What a column's numbers are multiples of.
    scales: Vec<f32>,
    /// What each column's sum is too large by where a kernel adds 128 to the activations; padded to whole panels.
    offsets: Vec<i32>,
}

/// A view of a packed matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8View<'a> {
    pub(super) panels: &'a [i8],
    pub(super) scales: &'a [f32],
    pub(super) offsets: &'a [i32],
    pub(crate) k: usize,
    pub(crate) n: usize,
}

impl Int8View<'_> {
    /// Numbers of a panel.
    pub(super) fn panel_length(&self) -> usize {
        panel_width() * self.k.next_multiple_of(GROUP)
    }

    /// Some of the columns; the first is the first of a panel.
    pub(crate) fn columns(self, range: Range<usize>) -> Self {
        let width = panel_width();
        let (first, last) = (range.start / width, range.end.div_ceil(width));
        let length = self.panel_length();
        Self {
            panels: &self.panels[first * length..last * length],
            scales: &self.scales[range.clone()],
            offsets: &self.offsets[first * width..last * width],
            k: self.k,
            n: range.len(),
        }
    }
}

impl PackedInt8 {
    /// A matrix of `k` rows and `n` columns, filled with zeros; neither may be 0, and `k` not more than [`MAX_K`].
    pub(crate) fn zeros(k: usize, n: usize) -> std::io::Result<Self> {
        if k > MAX_K {
            return Err(std::io::Error::other(format!("{k} rows, the most for 8 bits are {MAX_K}")));
        }
        let columns = n.next_multiple_of(panel_width());
        let map = MmapMut::map_anon(columns * k.next_multiple_of(GROUP))?;
        Ok(Self { numbers: PackedNumbers::Own(map), k, n, scales: vec![0.0; n], offsets: vec![0; columns] })
    }

    /// A matrix of `k` rows as an earlier process of this machine has laid it out; `None` if the sizes do not fit.
    pub(crate) fn from_parts(k: usize, panels: Bytes, scales: Vec<f32>, offsets: Vec<i32>) -> Option<Self> {
        let n = scales.len();
        let columns = n.next_multiple_of(panel_width());
        let fits = (1..=MAX_K).contains(&k) && n > 0 && offsets.len() == columns;
        let numbers = PackedNumbers::Kept(panels);
        (fits && numbers.len() == columns * k.next_multiple_of(GROUP)).then_some(Self {
            numbers,
            k,
            n,
            scales,
            offsets,
        })
    }

    /// Rounds the rows of a PyTorch linear layer's weight, `[out, in]`, into columns `first..` of a matrix of zeros.
    pub(crate) fn set_columns(&mut self, first: usize, rows: &[f32]) {
        let mut rounded = vec![0; self.k];
        for (column, row) in (first..).zip(rows.chunks_exact(self.k)) {
            let scale = quantize(row, &mut rounded, 0);
            self.set_column(column, &rounded, scale);
        }
    }

    /// The same of rows that were rounded before; `scales`: what each row's numbers are multiples of.
    pub(crate) fn set_rounded(&mut self, first: usize, rows: &[i8], scales: &[f32]) {
        for ((column, row), &scale) in (first..).zip(rows.chunks_exact(self.k)).zip(scales) {
            self.set_column(column, row, scale);
        }
    }

    fn set_column(&mut self, column: usize, numbers: &[i8], scale: f32) {
        let width = panel_width();
        let length = width * self.k.next_multiple_of(GROUP);
        let PackedNumbers::Own(map) = &mut self.numbers else { return };
        let panels: &mut [i8] = bytemuck::cast_slice_mut(map);
        self.scales[column] = scale;
        self.offsets[column] = 128 * numbers.iter().map(|&x| i32::from(x)).sum::<i32>();
        let panel = &mut panels[column / width * length..][..length];
        let groups = panel.chunks_exact_mut(width * GROUP);
        for (group, numbers) in groups.zip(numbers.chunks(GROUP)) {
            group[column % width * GROUP..][..numbers.len()].copy_from_slice(numbers);
        }
    }

    pub(crate) fn view(&self) -> Int8View<'_> {
        let Self { numbers, k, n, scales, offsets } = self;
        Int8View { panels: bytemuck::cast_slice(numbers), scales, offsets, k: *k, n: *n }
    }

    /// The numbers as they are laid out, the scales and the offsets.
    pub(crate) fn parts(&self) -> (&[u8], &[f32], &[i32]) {
        (&self.numbers, &self.scales, &self.offsets)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes() + size_of_val(&*self.scales) + size_of_val(&*self.offsets)
    }
}
