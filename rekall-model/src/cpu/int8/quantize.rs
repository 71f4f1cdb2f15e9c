//! Rounding to eight bits.

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
#[derive(Debug, Default)]
pub(super) struct QuantizedRows {
    /// Row `i` begins at `i * stride`.
    pub(super) numbers: Vec<i8>,
    pub(super) stride: usize,
    pub(super) scales: Vec<f32>,
}

impl QuantizedRows {
    /// Rounds `rows` rows of `k` numbers, of which each begins `stride` after the one before, and flips these bits in each.
    #[inline(always)]
    pub(super) fn fill(&mut self, a: &[f32], stride: usize, rows: usize, k: usize, flipped: i8) {
        self.stride = k.next_multiple_of(GROUP);
        self.numbers.resize(rows * self.stride, 0);
        self.scales.clear();
        for (row, out) in self.numbers.chunks_exact_mut(self.stride).enumerate() {
            self.scales.push(quantize(&a[row * stride..][..k], out, flipped));
        }
    }
}
