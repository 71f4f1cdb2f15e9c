//! Matrices laid out for the product's inner loop.
//!
//! A matrix of `k` rows and `n` columns becomes panels of `w` columns, `w` being two vector registers;
//! a panel holds its `k` rows of `w` numbers one after the other, the last panel padded with zeros.
//! The inner loop therefore reads memory strictly forward.

use std::ops::{Deref, Range};

use memmap2::MmapMut;
use pulp::{Arch, Simd, WithSimd, bytemuck};

use crate::bytes::Bytes;

/// Columns of a panel on this machine.
pub(crate) fn panel_width() -> usize {
    struct Width;
    impl WithSimd for Width {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            2 * S::F32_LANES
        }
    }
    Arch::new().dispatch(Width)
}

/// A packed matrix.
///
/// Its numbers lie in a mapping of their own, or in that of a file, rather than on the heap, so the operating system has the
/// memory back when they are dropped, whatever allocator the host uses. Mappings begin at a page, and matrices in a file at a
/// multiple of 64 bytes, so vectors never straddle cache lines.
#[derive(Debug)]
pub(crate) struct Packed {
    numbers: PackedNumbers,
    k: usize,
    n: usize,
}

/// A matrix's numbers: made here, or in a mapped file.
#[derive(Debug)]
pub(super) enum PackedNumbers {
    Own(MmapMut),
    Kept(Bytes),
}

impl PackedNumbers {
    /// Bytes that are this process's own.
    pub(super) fn memory_bytes(&self) -> usize {
        if let Self::Own(map) = self { map.len() } else { 0 }
    }
}

impl Deref for PackedNumbers {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(map) => map,
            Self::Kept(bytes) => bytes,
        }
    }
}

/// A view of a packed matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedView<'a> {
    pub(crate) panels: &'a [f32],
    pub(crate) k: usize,
    pub(crate) n: usize,
}

impl PackedView<'_> {
    /// Some of the columns; the first is the first of a panel.
    pub(crate) fn columns(self, range: Range<usize>) -> Self {
        let panel = panel_width() * self.k;
        let first = range.start / panel_width() * panel;
        let last = range.end.div_ceil(panel_width()) * panel;
        Self { panels: &self.panels[first..last], k: self.k, n: range.len() }
    }
}

impl Packed {
    /// A matrix of `k` rows and `n` columns, filled with zeros; neither may be 0.
    pub(crate) fn zeros(k: usize, n: usize) -> std::io::Result<Self> {
        let numbers = n.div_ceil(panel_width()) * panel_width() * k;
        let map = MmapMut::map_anon(numbers * size_of::<f32>())?;
        Ok(Self { numbers: PackedNumbers::Own(map), k, n })
    }

    /// A matrix of `k` rows and `n` columns as an earlier process of this machine has laid it out; `None` if the size does not
    /// fit, or the numbers do not stand where a processor can read them.
    pub(crate) fn from_parts(k: usize, n: usize, panels: Bytes) -> Option<Self> {
        let numbers = n.checked_next_multiple_of(panel_width())?.checked_mul(k)?;
        let found = bytemuck::try_cast_slice::<u8, f32>(&panels).ok()?.len();
        (numbers > 0 && found == numbers).then_some(Self { numbers: PackedNumbers::Kept(panels), k, n })
    }

    /// Fills columns `first..` from the rows of a PyTorch linear layer's weight, `[out, in]`, whose
    /// transpose is multiplied: row `i` of `rows` becomes column `first + i`.
    pub(crate) fn set_columns(&mut self, first: usize, rows: &[f32]) {
        let (k, width) = (self.k, panel_width());
        let PackedNumbers::Own(map) = &mut self.numbers else { return };
        let panels: &mut [f32] = bytemuck::cast_slice_mut(map);
        for (column, row) in (first..).zip(rows.chunks_exact(k)) {
            let panel = &mut panels[column / width * width * k..][..width * k];
            for (at, &x) in panel.iter_mut().skip(column % width).step_by(width).zip(row) {
                *at = x;
            }
        }
    }

    pub(crate) fn view(&self) -> PackedView<'_> {
        PackedView { panels: bytemuck::cast_slice(&self.numbers), k: self.k, n: self.n }
    }

    /// The numbers as they are laid out.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.numbers
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes()
    }
}
