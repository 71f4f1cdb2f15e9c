//! Fast dot products in `f32`: approximate, with a proven bound.
//!
//! These only decide which rows are worth an exact [`similarity`](crate::similarity()), so they may add in any order and
//! with any SIMD width; [`dot_error`] covers them all.

use pulp::{Simd, WithSimd};

use crate::UNIT_TOLERANCE;
use crate::dispatch::arch;
use crate::kernels::prefetch_beyond;

/// How far ahead of its use a row is asked for: a fifth of the time of a scan out of DRAM; in a cache it costs next to nothing.
const AHEAD_BYTES: usize = 4096;
/// Numbers of a cache line.
const LINE: usize = 64 / size_of::<f32>();

/// How far any of these dot products may lie from the rounded [`similarity`](crate::similarity()), for two vectors that passed
/// the input checks.
///
/// Higham, *Accuracy and Stability of Numerical Algorithms* (2nd ed., 2002), eq. 3.5: summed in any order, with or without
/// fused multiply-add, |fl(q·x) − q·x| ≤ γₙ |q|·|x| with γₙ = nu/(1−nu), u = 2⁻²⁴; and |q|·|x| ≤ ‖q‖‖x‖ by Cauchy-Schwarz.
/// One more u covers the rounding of the similarity itself, three more that of `score ± bound`, and the last term
/// products too small for a normal `f32`.
pub(crate) fn dot_error(dimensions: usize) -> f32 {
    let u = f64::from(f32::EPSILON) / 2.0;
    let nu = dimensions as f64 * u;
    let norms = (1.0 + UNIT_TOLERANCE) * (1.0 + UNIT_TOLERANCE);
    let bound = (nu / (1.0 - nu) + 4.0 * u) * norms + dimensions as f64 * f64::from(f32::MIN_POSITIVE);
    (bound as f32).next_up()
}

/// The dot product of `query` with each row of `rows` (row-major, as long as `query` each): one number per row.
pub(crate) fn dots(query: &[f32], rows: &[f32], out: &mut [f32]) {
    arch().dispatch(Dots { query, rows, out });
}

struct Dots<'a> {
    query: &'a [f32],
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    // Everything below a dispatch must be inlined into it, or it is compiled without the instructions asked for.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (row, out) in self.rows.chunks_exact(self.query.len()).zip(self.out) {
            *out = if S::F32_LANES == 1 {
                dot_portable(self.query, row)
            } else {
                dot_simd(simd, self.query, row)
            };
        }
    }
}

/// One row at a time in memory order (several at once are slower from DRAM), with four accumulators to hide the latency of
/// the multiply-add.
#[inline(always)]
fn dot_simd<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let (a, a_tail) = S::as_simd_f32s(a);
    let (b, b_tail) = S::as_simd_f32s(b);
    let (a4, a1) = pulp::as_arrays::<4, _>(a);
    let (b4, b1) = pulp::as_arrays::<4, _>(b);
    let zero = simd.splat_f32s(0.0);
    let [mut s0, mut s1, mut s2, mut s3] = [zero; 4];
    // One line asked for beside each line read: bursts of them cost a sixth of the time.
    let ask = |vector: &S::f32s, number: usize| {
        if (number * S::F32_LANES).is_multiple_of(LINE) {
            prefetch_beyond(vector, AHEAD_BYTES);
        }
    };
    for (x, y) in a4.iter().zip(b4) {
        ask(&y[0], 0);
        s0 = simd.mul_add_e_f32s(x[0], y[0], s0);
        ask(&y[1], 1);
        s1 = simd.mul_add_e_f32s(x[1], y[1], s1);
        ask(&y[2], 2);
        s2 = simd.mul_add_e_f32s(x[2], y[2], s2);
        ask(&y[3], 3);
        s3 = simd.mul_add_e_f32s(x[3], y[3], s3);
    }
    for (&x, y) in a1.iter().zip(b1) {
        ask(y, 0);
        s0 = simd.mul_add_e_f32s(x, *y, s0);
    }
    if !a_tail.is_empty() {
        s1 = simd.mul_add_e_f32s(simd.partial_load_f32s(a_tail), simd.partial_load_f32s(b_tail), s1);
    }
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(s0, s1), simd.add_f32s(s2, s3)))
}

/// Without detected SIMD: lanes the compiler can map to what the target always has (SSE2, say).
#[inline(always)]
fn dot_portable(a: &[f32], b: &[f32]) -> f32 {
    let (a32, a_tail) = a.as_chunks::<32>();
    let (b32, b_tail) = b.as_chunks::<32>();
    let mut sums = [0f32; 32];
    for (x, y) in a32.iter().zip(b32) {
        for lane in 0..32 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::similarity::dot_f64;

    /// Pseudo-random unit vectors.
    pub(crate) fn unit_rows(rows: usize, dimensions: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        let mut numbers: Vec<f32> = (0..rows * dimensions)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state as f32 / u32::MAX as f32 - 0.5
            })
            .collect();
        for row in numbers.chunks_exact_mut(dimensions) {
            let norm = dot_f64(row, row).sqrt() as f32;
            row.iter_mut().for_each(|x| *x /= norm);
        }
        numbers
    }

    #[test]
    fn every_kernel_is_within_the_bound() {
        for dimensions in [1, 2, 3, 7, 8, 15, 16, 17, 31, 63, 64, 65, 100, 384, 1000, 4096] {
            let rows = unit_rows(9, dimensions, 7);
            let query = unit_rows(1, dimensions, 99);
            let mut fast = vec![0.0; 9];
            dots(&query, &rows, &mut fast);
            for (row, fast) in rows.chunks_exact(dimensions).zip(fast) {
                let exact = f64::from(crate::similarity(&query, row));
                for dot in [fast, dot_portable(&query, row), dot_simd(pulp::Scalar::new(), &query, row)] {
                    assert!(
                        (f64::from(dot) - exact).abs() <= f64::from(dot_error(dimensions)),
                        "{dimensions}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_bound_is_small() {
        assert!(
            dot_error(384) < 2.4e-5 && dot_error(4096) < 2.5e-4 && dot_error(crate::MAX_DIMENSIONS) < 4e-3
        );
    }
}
