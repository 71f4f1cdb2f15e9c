//! Exact sums of products, with the instructions at hand.

use super::super::tiles::MOST_ROWS;
use super::pack::GROUP;

/// Columns of the widest panel.
pub(super) const MAX_WIDTH: usize = 32;

/// A few rows of activations, and the panel that they are multiplied by.
pub(super) struct Tile<'a> {
    /// The first group of all rows, then the second one of all, and so on; with the bits flipped that the kernel asks for.
    pub(super) rows: &'a [[i8; GROUP]],
    pub(super) height: usize,
    pub(super) panel: &'a [i8],
    pub(super) width: usize,
    /// For each column 128 times the sum of its numbers.
    pub(super) offsets: &'a [i32],
}

/// How sums are computed. All give the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Plain code.
    Portable,
    #[cfg(any(target_arch = "aarch64", test))]
    Neon(super::neon::Neon),
    #[cfg(target_arch = "x86_64")]
    Avx2(super::x86::Avx2),
    /// AVX-512 with the instructions for neural networks.
    #[cfg(target_arch = "x86_64")]
    Vnni(super::x86::Vnni),
}

impl Kernel {
    /// Those that this machine can run.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        all.extend(super::neon::Neon::detect().map(Self::Neon));
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(super::x86::Avx2::detect().map(Self::Avx2));
            all.extend(super::x86::Vnni::detect().map(Self::Vnni));
        }
        all
    }

    /// The fastest that this machine can run.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "aarch64")]
        if let Some(neon) = super::neon::Neon::detect() {
            return Self::Neon(neon);
        }
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(vnni) = super::x86::Vnni::detect() {
                return Self::Vnni(vnni);
            }
            if let Some(avx2) = super::x86::Avx2::detect() {
                return Self::Avx2(avx2);
            }
        }
        Self::Portable
    }

    /// The bits that are flipped in each number of a row: without the highest, a number is 128 more than it was, and has no sign.
    pub(super) fn flipped(self) -> i8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(_) => i8::MIN,
            _ => 0,
        }
    }

    /// Most rows of a tile: those whose sums stay in registers.
    pub(super) fn height(self) -> usize {
        match self {
            Self::Portable => 1,
            #[cfg(any(target_arch = "aarch64", test))]
            Self::Neon(_) => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(_) => MOST_ROWS,
        }
    }

    /// Fills `out` with a row of sums for each row of the tile, as the nearest floats.
    pub(super) fn sum(self, tile: &Tile<'_>, out: &mut [f32]) {
        match self {
            Self::Portable => portable(tile, out),
            #[cfg(any(target_arch = "aarch64", test))]
            Self::Neon(neon) => neon.sum(tile, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.sum(tile, out),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(vnni) => vnni.sum(tile, out),
        }
    }
}

fn portable(tile: &Tile<'_>, out: &mut [f32]) {
    let mut sums = [0_i32; MAX_WIDTH];
    let sums = &mut sums[..tile.width];
    for (row, out) in out.chunks_exact_mut(tile.width).enumerate() {
        sums.fill(0);
        let blocks = tile.panel.chunks_exact(tile.width * GROUP);
        for (x, block) in tile.rows.iter().skip(row).step_by(tile.height).zip(blocks) {
            let x = x.map(i32::from);
            for (sum, y) in sums.iter_mut().zip(block.as_chunks::<GROUP>().0) {
                let y = y.map(i32::from);
                *sum += x[0] * y[0] + x[1] * y[1] + x[2] * y[2] + x[3] * y[3];
            }
        }
        out.iter_mut().zip(&*sums).for_each(|(out, &sum)| *out = sum as f32);
    }
}
