//! Layer norm, softmax, rotations, GELU and SiLU: plain loops that the compiler turns into vector code once they are
//! compiled for the instruction set at hand.

use std::ops::Range;

use crate::vectorized::vectorized;

/// Independent partial sums, so that a sum vectorizes: floating-point addition is not associative,
/// and the compiler may not reorder it on its own.
const LANES: usize = 16;

/// Normalizes each row of `x` in place: (x − mean) / √(variance + epsilon) · gamma + beta.
pub(crate) fn layer_norm(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    vectorized(
        #[inline(always)]
        || {
            for row in x.chunks_exact_mut(gamma.len()) {
                normalize_row(row, gamma, beta, epsilon);
            }
        },
    );
}

/// `x = layer_norm(x + y)`, row by row.
pub(crate) fn add_layer_norm(x: &mut [f32], y: &[f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let width = gamma.len();
    vectorized(
        #[inline(always)]
        || {
            for (x, y) in x.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                for (x, y) in x.iter_mut().zip(y) {
                    *x += y;
                }
                normalize_row(x, gamma, beta, epsilon);
            }
        },
    );
}

/// `x = x + y` and `out = layer_norm(x)`, row by row.
pub(crate) fn add_then_norm(
    x: &mut [f32],
    y: &[f32],
    out: &mut [f32],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f32,
) {
    let width = gamma.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact_mut(width).zip(y.chunks_exact(width));
            for ((x, y), out) in rows.zip(out.chunks_exact_mut(width)) {
                for (x, y) in x.iter_mut().zip(y) {
                    *x += y;
                }
                out.copy_from_slice(x);
                normalize_row(out, gamma, beta, epsilon);
            }
        },
    );
}

#[inline(always)]
fn normalize_row(row: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let n = row.len() as f32;
    let mean = sum_of(row, |x| x) / n;
    let variance = sum_of(row, |x| (x - mean) * (x - mean)) / n;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
        *x = (*x - mean) * inverse * gamma + beta;
    }
}

/// `x = scale · x + factor · y`
pub(crate) fn add_scaled(x: &mut [f32], scale: f32, y: &[f32], factor: f32) {
    vectorized(
        #[inline(always)]
        || {
            for (x, y) in x.iter_mut().zip(y) {
                *x = *x * scale + y * factor;
            }
        },
    );
}

/// Softmax of `scale · x` over a part of each row of length `stride`, which `part` gives by the row's number; the
/// rest is set to zero.
pub(crate) fn softmax_rows(x: &mut [f32], stride: usize, scale: f32, part: impl Fn(usize) -> Range<usize>) {
    vectorized(
        #[inline(always)]
        || {
            for (number, row) in x.chunks_exact_mut(stride).enumerate() {
                let part = part(number);
                // Whole rows, padding included, so that all of it goes through full registers; what is outside becomes zero.
                row[..part.start].fill(f32::NEG_INFINITY);
                row[part.end..].fill(f32::NEG_INFINITY);
                let max = max_of(row);
                let (chunks, rest) = row.as_chunks_mut::<LANES>();
                for chunk in chunks {
                    chunk.iter_mut().for_each(|x| *x = exp((*x - max) * scale));
                }
                rest.iter_mut().for_each(|x| *x = exp((*x - max) * scale));
                row[..part.start].fill(0.0);
                row[part.end..].fill(0.0);
                let inverse = 1.0 / sum_of(row, |x| x);
                for x in row {
                    *x *= inverse;
                }
            }
        },
    );
}

/// Scales each run of as many numbers as `gamma` has, in the given columns of rows of `stride` numbers, to a root mean square
/// of 1, and by `gamma`.
pub(crate) fn rms_norm(x: &mut [f32], stride: usize, columns: Range<usize>, gamma: &[f32], epsilon: f32) {
    vectorized(
        #[inline(always)]
        || {
            for row in x.chunks_exact_mut(stride) {
                for run in row[columns.clone()].chunks_exact_mut(gamma.len()) {
                    let square = sum_of(run, |x| x * x) / run.len() as f32;
                    let inverse = 1.0 / (square + epsilon).sqrt();
                    for (x, gamma) in run.iter_mut().zip(gamma) {
                        *x = *x * inverse * gamma;
                    }
                }
            }
        },
    );
}

/// Turns heads of `size` numbers, the given columns of rows of `stride` numbers. The row of a number has that row of
/// `angles`: cosines, then sines of the planes of a head, whose coordinates stand half a head apart.
pub(crate) fn rotate_rows(
    rows: &mut [f32],
    stride: usize,
    columns: Range<usize>,
    size: usize,
    angles: &[f32],
) {
    vectorized(
        #[inline(always)]
        || {
            for (row, angles) in rows.chunks_exact_mut(stride).zip(angles.chunks_exact(size)) {
                let (cosines, sines) = angles.split_at(size / 2);
                for head in row[columns.clone()].chunks_exact_mut(size) {
                    let (first, second) = head.split_at_mut(size / 2);
                    let angles = cosines.iter().zip(sines);
                    for ((x, y), (cosine, sine)) in first.iter_mut().zip(second).zip(angles) {
                        (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
                    }
                }
            }
        },
    );
}

/// SiLU, x · σ(x), in place; to be inlined into code compiled for the right instruction set.
#[inline(always)]
pub(super) fn silu_slice(row: &mut [f32]) {
    for x in row {
        let power = exp(-x.abs());
        // σ(x) is 1 / (1 + e⁻ˣ), and for x < 0 also eˣ / (1 + eˣ): never the exponential of a large number.
        let above = if *x < 0.0 { power } else { 1.0 };
        *x *= above / (1.0 + power);
    }
}

/// GELU by the hyperbolic tangent, x/2 · (1 + tanh u) = x · σ(2u), in place; to be inlined into code compiled for the right
/// instruction set.
#[inline(always)]
pub(super) fn gelu_tanh_slice(row: &mut [f32]) {
    const TWICE_ROOT: f32 = 2.0 * std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2;
    for x in row {
        let u = TWICE_ROOT * (*x + 0.044_715 * *x * *x * *x);
        let power = exp(-u.abs());
        let above = if u < 0.0 { power } else { 1.0 };
        *x *= above / (1.0 + power);
    }
}

/// GELU in place; to be inlined into code compiled for the right instruction set.
#[inline(always)]
pub(super) fn gelu_slice(row: &mut [f32]) {
    for x in row {
        *x = 0.5 * *x * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

#[inline(always)]
fn sum_of(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += f(x);
        }
    }
    across(sums, |x, y| x + y) + rest.iter().map(|&x| f(x)).sum::<f32>()
}

#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (most, &x) in most.iter_mut().zip(chunk) {
            *most = if x > *most { x } else { *most };
        }
    }
    rest.iter().copied().fold(across(most, f32::max), f32::max)
}

/// All lanes joined by `f`, half with half: one by one each would wait for the one before.
#[inline(always)]
fn across(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = f(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// eˣ for x ≤ 0, to 2 units in the last place; 0 below −87. Cephes' `expf`: 2ⁿ · P(r), with n rounded
/// by adding a large constant so that no conversion to integers is needed.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the integer in the low bits
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that n · ln 2 is subtracted without loss.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_66;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p * power
}

/// The error function, off by at most 5e-7: the rational approximation Eigen uses for
/// `float` (`generic_fast_erf_float`), clamped where erf is 1 in `f32`.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let x2 = x * x;
    let p = -2.726_142_3e-10_f32;
    let p = p * x2 + 2.770_681_4e-8;
    let p = p * x2 - 2.101_024e-6;
    let p = p * x2 - 5.692_506_4e-5;
    let p = p * x2 - 7.349_906_3e-4;
    let p = p * x2 - 2.954_6e-3;
    let p = p * x2 - 1.609_603_4e-2;
    let q = -1.456_607_1e-5_f32;
    let q = q * x2 - 2.133_740_6e-4;
    let q = q * x2 - 1.682_827e-3;
    let q = q * x2 - 7.373_329e-3;
    let q = q * x2 - 1.426_474e-2;
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Taylor series, in f64.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn erf_and_exp_are_exact_to_single_precision() {
        for i in -4_000..=4_000 {
            let x = i as f32 / 1_000.0;
            assert!((f64::from(erf(x)) - exact_erf(f64::from(x))).abs() < 5e-7, "erf({x})");
        }
        for i in 0..=86_000 {
            let x = -i as f32 / 1_000.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) - exact).abs() <= 3e-7 * exact, "exp({x})");
        }
        assert!(exp(-1e30) < 1e-37);
        assert_eq!((erf(9.0), erf(-9.0)), (erf(4.0), erf(-4.0)));
    }

    #[test]
    fn silu_is_exact_to_single_precision() {
        for i in -30_000..=30_000 {
            let x = i as f32 / 1_000.0;
            let mut row = [x];
            silu_slice(&mut row);
            let exact = f64::from(x) / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(row[0]) - exact).abs() <= 5e-7 * exact.abs().max(1e-12), "silu({x})");
        }
    }

    #[test]
    fn gelu_by_tanh_is_exact_to_single_precision() {
        for i in -10_000..=10_000 {
            let x = i as f32 / 1_000.0;
            let mut row = [x];
            gelu_tanh_slice(&mut row);
            let x = f64::from(x);
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
            let exact = 0.5 * x * (1.0 + u.tanh());
            assert!((f64::from(row[0]) - exact).abs() <= 1e-6 * x.abs().max(1e-3), "gelu({x})");
        }
    }

    #[test]
    fn rms_norm_changes_the_given_columns_alone() {
        let before: Vec<f32> = (0..60).map(|i| (i * i % 23) as f32 - 7.0).collect();
        let mut x = before.clone();
        rms_norm(&mut x, 30, 10..26, &[2.0; 8], 0.0);
        for (row, before) in x.chunks(30).zip(before.chunks(30)) {
            assert_eq!((&row[..10], &row[26..]), (&before[..10], &before[26..]));
            for run in row[10..26].chunks(8) {
                let square = run.iter().map(|x| x * x).sum::<f32>() / 8.0;
                assert!((square - 4.0).abs() < 1e-4, "{square}");
            }
        }
    }

    #[test]
    fn softmax_and_layer_norm() {
        // What is outside of the part is larger than all within it, by more than powers can bear.
        let outside = |i: usize| i % 20 >= 17 || i == 20;
        let mut x: Vec<f32> = (0..40).map(|i| if outside(i) { 1e30 } else { (i % 20) as f32 }).collect();
        softmax_rows(&mut x, 20, 0.5, |row| row..17);
        for (number, row) in x.chunks(20).enumerate() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert_eq!((&row[..number], &row[17..]), (&[0.0][..number], &[0.0; 3][..]));
            assert!((row[16] / row[15] - 0.5_f32.exp()).abs() < 1e-5);
        }
        let mut x: Vec<f32> = (0..38).map(|i| (i * i % 23) as f32).collect();
        let mut y = x.clone();
        layer_norm(&mut x, &[2.0; 19], &[1.0; 19], 1e-12);
        for row in x.chunks(19) {
            let mean = row.iter().sum::<f32>() / 19.0;
            let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 19.0;
            assert!((mean - 1.0).abs() < 1e-5 && (variance - 4.0).abs() < 1e-4);
        }
        let mut sum: Vec<f32> = y.iter().map(|y| y - 0.5).collect();
        let mut out = vec![f32::NAN; 38];
        add_then_norm(&mut sum, &[0.5; 38], &mut out, &[2.0; 19], &[1.0; 19], 1e-12);
        assert_eq!((&sum, &out), (&y, &x));
        add_layer_norm(&mut y, &[0.0; 38], &[2.0; 19], &[1.0; 19], 1e-12);
        assert_eq!(x, y);
    }
}
