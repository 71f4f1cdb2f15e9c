//! Rows of activations as a product's inner loop takes them: a few rows, a tile, at a time.

use std::ops::Range;

/// Rows of the highest tile: two sums for each, beside a row of a panel and a number, take the registers of AVX-512.
pub(super) const MOST_ROWS: usize = 12;

/// Rows that are multiplied by all panels before the next ones, or a few more or less: few enough to stay in the second-level cache,
/// enough for the panels to be read rarely. A micro-batch of several texts is no more; a longer text makes several blocks.
const BLOCK: usize = 22 * MOST_ROWS;

/// What begins at a cache line.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

/// Rows cut into blocks of about equal size.
#[inline(always)]
pub(super) fn blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    Tiles::of(rows, BLOCK).ranges()
}

/// Rows cut into tiles of at most some height. They are of equal height, or of two heights that differ by one, rather than full ones
/// and a low last one: low tiles waste registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    pub(super) count: usize,
    height: usize,
    /// How many are higher by one.
    taller: usize,
}

impl Tiles {
    #[inline(always)]
    pub(super) fn of(rows: usize, max_height: usize) -> Self {
        let count = rows.div_ceil(max_height).max(1);
        Self { count, height: rows / count, taller: rows % count }
    }

    /// Rows of the highest.
    #[inline(always)]
    pub(super) fn highest(self) -> usize {
        self.height + usize::from(self.taller > 0)
    }

    /// Rows of all tiles.
    #[inline(always)]
    pub(super) fn rows(self) -> usize {
        self.count * self.height + self.taller
    }

    /// The rows of each.
    #[inline(always)]
    pub(super) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        let start = move |tile: usize| tile * self.height + tile.min(self.taller);
        (0..self.count).map(move |tile| start(tile)..start(tile + 1))
    }
}

/// The rows that a tile multiplies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Where they stand, each `stride` after the one before.
    InPlace { a: &'a [f32], stride: usize },
    /// Tile after tile, in each the first number of all its rows, then the second one of all, and so on: one place to read from
    /// rather than twelve, which need an address each.
    Interleaved(&'a [f32]),
}

impl Rows<'_> {
    /// A tile of rows of `k` numbers.
    #[inline(always)]
    pub(super) fn tile(self, rows: &Range<usize>, k: usize) -> Self {
        match self {
            Self::InPlace { a, stride } => Self::InPlace { a: &a[rows.start * stride..], stride },
            Self::Interleaved(numbers) => Self::Interleaved(&numbers[rows.start * k..rows.end * k]),
        }
    }
}

/// Rows that are interleaved at a time, and as many numbers of each.
const SIDE: usize = 4;

/// Interleaves a tile of `height` rows of `out.len() / height` numbers, each `stride` after the one before.
#[inline(always)]
pub(super) fn interleave<T: Copy>(a: &[T], stride: usize, height: usize, out: &mut [T]) {
    let k = out.len() / height;
    let whole = k / SIDE * SIDE;
    let mut first = 0;
    while first + SIDE <= height {
        // A square turned about its diagonal in registers.
        let rows: [&[[T; SIDE]]; SIDE] =
            std::array::from_fn(|i| &a[(first + i) * stride..][..whole].as_chunks::<SIDE>().0[..k / SIDE]);
        for (part, out) in out.chunks_exact_mut(SIDE * height).enumerate() {
            let square = rows.map(|row| row[part]);
            for (t, out) in out.chunks_exact_mut(height).enumerate() {
                out[first..first + SIDE].copy_from_slice(&square.map(|row| row[t]));
            }
        }
        for t in whole..k {
            for i in first..first + SIDE {
                out[t * height + i] = a[i * stride + t];
            }
        }
        first += SIDE;
    }
    for i in first..height {
        let row = &a[i * stride..][..k];
        for (out, &x) in out.chunks_exact_mut(height).zip(row) {
            out[i] = x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_hold_all_rows_and_differ_by_one_at_most() {
        for rows in 1..200 {
            for height in [1, 4, MOST_ROWS] {
                let tiles: Vec<_> = Tiles::of(rows, height).ranges().collect();
                assert_eq!(tiles.iter().flat_map(Clone::clone).collect::<Vec<_>>(), Vec::from_iter(0..rows));
                let heights = tiles.iter().map(ExactSizeIterator::len);
                let (least, most) = (heights.clone().min().unwrap(), heights.max().unwrap());
                assert!(most <= height && most - least <= 1, "{rows} {height}: {tiles:?}");
                let all = Tiles::of(rows, height);
                assert_eq!((tiles.len(), rows, most), (all.count, all.rows(), all.highest()));
            }
        }
    }

    #[test]
    fn interleaved_rows_hold_each_number_once() {
        for height in 1..=12 {
            for k in [1, 3, 4, 5, 8, 33] {
                let stride = k + 3;
                let a: Vec<f32> = (0..height * stride).map(|i| i as f32).collect();
                let mut out = vec![f32::NAN; height * k];
                interleave(&a, stride, height, &mut out);
                for (at, x) in out.into_iter().enumerate() {
                    assert_eq!(x, a[at % height * stride + at / height], "{height} {k} {at}");
                }
            }
        }
    }
}
