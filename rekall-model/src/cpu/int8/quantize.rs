//! Rounding to eight bits.

use std::ops::Range;

use pulp::bytemuck;

use super::super::buffer::Buffer;
use super::super::tiles::{Tiles, interleave};
use super::pack::GROUP;

/// The largest rounded number. −128 is not used: an activation's sign can then be changed within eight bits, and two products
/// of one and a weight fit sixteen.
const LARGEST: f32 = 127.0;

/// Rows without a number of this size count as zero: the inverse of a smaller scale would not be finite.
const NEGLIGIBLE: f32 = 1e-30;

/// Added to a small number, it rounds that to an integer, half to even, and leaves the integer in the lowest bits:
/// 1.5 · 2²³. The same on every processor, also where there is no instruction to round.
const ROUNDING: f32 = 12_582_912.0;

/// Rounds a row to multiples of a 127th of its largest number, which is returned, and fills what is left of `out` with zeros;
/// then flips these bits in all of `out`. A row with something that is no finite number has a scale that is none.
#[inline(always)]
pub(super) fn quantize(row: &[f32], out: &mut [i8], flipped: i8) -> f32 {
    // The bits of positive floats are ordered as the floats are, and the largest integer of many is found faster.
    let largest = f32::from_bits(row.iter().fold(0, |largest, x| largest.max(x.abs().to_bits())));
    let (own, rest) = out.split_at_mut(row.len());
    rest.fill(flipped);
    if largest < NEGLIGIBLE {
        own.fill(flipped);
        return 0.0;
    }
    let inverse = LARGEST / largest;
    for (rounded, x) in own.iter_mut().zip(row) {
        *rounded = (x * inverse + ROUNDING).to_bits() as i8 ^ flipped;
    }
    largest / LARGEST
}

/// Some rows of activations.
pub(super) struct QuantizedRows<'a> {
    /// Tile after tile, in each the first group of all its rows, then the second one of all, and so on.
    groups: &'a [[i8; GROUP]],
    /// Groups of a row.
    length: usize,
    /// What each row's numbers are multiples of.
    pub(super) scales: &'a [f32],
}

impl<'a> QuantizedRows<'a> {
    /// Rounds rows of `k` numbers, of which each begins `stride` after the one before, and flips these bits in each number.
    #[inline(always)]
    pub(super) fn of(
        a: &[f32],
        stride: usize,
        k: usize,
        tiles: Tiles,
        flipped: i8,
        room: &'a mut Buffer,
    ) -> Self {
        let (rows, length) = (tiles.rows(), k.div_ceil(GROUP));
        // For the groups, for one tile's rows before they are interleaved, and for the scales. A group takes as much as a float.
        let room = room.sized((rows + tiles.highest()) * length + rows);
        let (groups, room) = room.split_at_mut(rows * length);
        let groups: &mut [[i8; GROUP]] = bytemuck::cast_slice_mut(groups);
        let (lines, scales) = room.split_at_mut(tiles.highest() * length);
        let lines: &mut [[i8; GROUP]] = bytemuck::cast_slice_mut(lines);
        for tile in tiles.ranges() {
            for (line, row) in lines.chunks_exact_mut(length).zip(tile.clone()) {
                scales[row] = quantize(&a[row * stride..][..k], line.as_flattened_mut(), flipped);
            }
            interleave(lines, length, tile.len(), &mut groups[tile.start * length..tile.end * length]);
        }
        Self { groups, length, scales }
    }

    /// The groups of a tile.
    #[inline(always)]
    pub(super) fn tile(&self, rows: &Range<usize>) -> &'a [[i8; GROUP]] {
        &self.groups[rows.start * self.length..rows.end * self.length]
    }
}
