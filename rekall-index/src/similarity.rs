//! The definition of similarity.

use pulp::{Simd, WithSimd};

use crate::dispatch::arch;

/// How many partial sums the definition keeps.
const LANES: usize = 8;

/// The similarity of two vectors of equal length: their dot product, in `f64`, rounded to `f32`.
///
/// The product of two `f32` is exact in `f64`. The products are added in a fixed order: product i goes to partial sum
/// i mod 8, and the eight sums are added pairwise, ((0+4)+(2+6))+((1+5)+(3+7)). So the result has the same bits on every
/// machine, and lies within 2⁻²⁴ + n·2⁻⁵³ (relative to the product of the norms) of the real dot product.
/// Zero is always +0, so that equal numbers are equal bits. If lengths differ, the longer vector's tail is ignored.
///
/// Every exact index of this crate ranks by this number; so should yours.
///
/// # Examples
/// ```
/// assert_eq!(rekall_index::similarity(&[0.6, 0.8], &[0.0, 1.0]), 0.8);
/// ```
#[must_use]
pub fn similarity(a: &[f32], b: &[f32]) -> f32 {
    // Adding +0 turns -0 into +0 and changes nothing else.
    dot_f64(a, b) as f32 + 0.0
}

/// The dot product of [`similarity`] before rounding.
pub(crate) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    let length = a.len().min(b.len());
    arch().dispatch(Dot { a: &a[..length], b: &b[..length] })
}

/// Both are of one length.
struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    /// The same operations in the same order whatever the instructions: Rust fuses no multiplication with an addition.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> f64 {
        let mut sums = [0f64; LANES];
        let (a_full, b_full) = (self.a.chunks_exact(LANES), self.b.chunks_exact(LANES));
        let tail = a_full.remainder().iter().zip(b_full.remainder());
        // A loop over fixed-size lanes: the compiler turns it into SIMD without changing the order of any sum.
        for (x, y) in a_full.zip(b_full) {
            for lane in 0..LANES {
                sums[lane] += f64::from(x[lane]) * f64::from(y[lane]);
            }
        }
        for (sum, (&x, &y)) in sums.iter_mut().zip(tail) {
            *sum += f64::from(x) * f64::from(y);
        }
        ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
    }
}

/// Whether two rows have the same bits.
fn is_same(a: &[f32], b: &[f32]) -> bool {
    // The first number tells most rows apart; for the rest no branch, so that the compiler makes vectors of it.
    a.first().map(|x| x.to_bits()) == b.first().map(|x| x.to_bits())
        && a.len() == b.len()
        && a.iter().zip(b).fold(0, |other, (x, y)| other | (x.to_bits() ^ y.to_bits())) == 0
}

/// Appends the similarity of each row to `out`. A row equal to the one before it, of which there are thousands where texts
/// repeat, is compared instead of computed.
pub(crate) fn similarities<'a>(query: &[f32], rows: impl Iterator<Item = &'a [f32]>, out: &mut Vec<f32>) {
    let mut last: Option<(&[f32], f32)> = None;
    out.extend(rows.map(|row| match last {
        Some((before, exact)) if is_same(before, row) => exact,
        _ => {
            let exact = similarity(query, row);
            last = Some((row, exact));
            exact
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_naive_sum() {
        for length in [0, 1, 7, 8, 9, 384, 1000] {
            let a: Vec<f32> = (0..length).map(|i| ((i * 37 % 101) as f32 - 50.0) / 77.0).collect();
            let b: Vec<f32> = (0..length).map(|i| ((i * 53 % 89) as f32 - 44.0) / 91.0).collect();
            let naive: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((dot_f64(&a, &b) - naive).abs() < 1e-12 * (1.0 + naive.abs()), "length {length}");
        }
    }

    #[test]
    fn follows_the_documented_order() {
        // Numbers whose sum depends on the order: 1 is lost beside 2^60 in f64.
        let big = 2f32.powi(60);
        let ones = [1f32; 9];
        let a = [big, 1.0, 1.0, 1.0, -big, 1.0, 1.0, 1.0, 1.0];
        // Lane 0 holds big + 1 (the 1 is lost), then lane 4 cancels it: 6 of the 7 ones are left.
        assert_eq!(similarity(&a, &ones), 6.0);
    }

    #[test]
    fn a_longer_vector_is_cut() {
        assert_eq!(similarity(&[1.0, 2.0], &[3.0]), 3.0);
    }
}
