//! Layer norm and root mean square norm of rows.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

/// Normalizes each row of `x` in place: (x − mean) / √(variance + epsilon) · gamma + beta.
pub(crate) fn layer_norm(x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    Arch::new().dispatch(LayerNorm { x, added: None, out: None, gamma, beta, epsilon });
}

/// `x = layer_norm(x + y)`, row by row.
pub(crate) fn add_layer_norm(x: &mut [f32], y: &[f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    Arch::new().dispatch(LayerNorm { x, added: Some(y), out: None, gamma, beta, epsilon });
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
    Arch::new().dispatch(LayerNorm { x, added: Some(y), out: Some(out), gamma, beta, epsilon });
}

/// Scales each run of as many numbers as `gamma` has, in the given columns of rows of `stride` numbers, to a root mean square
/// of 1, and by `gamma`.
pub(crate) fn rms_norm(x: &mut [f32], stride: usize, columns: Range<usize>, gamma: &[f32], epsilon: f32) {
    Arch::new().dispatch(RmsNorm { x, stride, columns, gamma, epsilon });
}

struct LayerNorm<'a> {
    x: &'a mut [f32],
    added: Option<&'a [f32]>,
    /// Where the normalized rows go, if not in place of the others.
    out: Option<&'a mut [f32]>,
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f32,
}

impl WithSimd for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, added, out, gamma, beta, epsilon } = self;
        let width = gamma.len();
        debug_assert!(added.is_none_or(|added| added.len() == x.len()));
        debug_assert!(out.as_ref().is_none_or(|out| out.len() == x.len()));
        let mut added = added.map(|added| added.chunks_exact(width));
        let mut out = out.map(|out| out.chunks_exact_mut(width));
        for row in x.chunks_exact_mut(width) {
            if let Some(added) = added.as_mut().and_then(Iterator::next) {
                row.iter_mut().zip(added).for_each(|(x, y)| *x += y);
            }
            let row = match out.as_mut().and_then(Iterator::next) {
                Some(out) => {
                    out.copy_from_slice(row);
                    out
                }
                None => row,
            };
            let mean = sum(simd, row) / width as f32;
            let variance = sum_of_squares(simd, row, mean) / width as f32;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
                *x = (*x - mean) * inverse * gamma + beta;
            }
        }
    }
}

struct RmsNorm<'a> {
    x: &'a mut [f32],
    stride: usize,
    columns: Range<usize>,
    gamma: &'a [f32],
    epsilon: f32,
}

impl WithSimd for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, stride, columns, gamma, epsilon } = self;
        for row in x.chunks_exact_mut(stride) {
            for run in row[columns.clone()].chunks_exact_mut(gamma.len()) {
                let square = sum_of_squares(simd, run, 0.0) / run.len() as f32;
                let inverse = 1.0 / (square + epsilon).sqrt();
                for (x, gamma) in run.iter_mut().zip(gamma) {
                    *x = *x * inverse * gamma;
                }
            }
        }
    }
}

/// Independent partial sums: each addition waits for the one before.
const SUMS: usize = 4;

/// The sum of all numbers, always taken in the same order.
#[inline(always)]
fn sum<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let (registers, rest) = S::as_simd_f32s(row);
    let mut sums = [simd.splat_f32s(0.0); SUMS];
    let (fours, others) = registers.as_chunks::<SUMS>();
    for x in fours {
        for i in 0..SUMS {
            sums[i] = simd.add_f32s(sums[i], x[i]);
        }
    }
    for &x in others {
        sums[0] = simd.add_f32s(sums[0], x);
    }
    across(simd, sums) + rest.iter().sum::<f32>()
}

/// The sum of (x − mean)², always taken in the same order.
#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, row: &[f32], mean: f32) -> f32 {
    let (registers, rest) = S::as_simd_f32s(row);
    let mut sums = [simd.splat_f32s(0.0); SUMS];
    let all = simd.splat_f32s(mean);
    let (fours, others) = registers.as_chunks::<SUMS>();
    for x in fours {
        for i in 0..SUMS {
            let off = simd.sub_f32s(x[i], all);
            sums[i] = simd.mul_add_e_f32s(off, off, sums[i]);
        }
    }
    for &x in others {
        let off = simd.sub_f32s(x, all);
        sums[0] = simd.mul_add_e_f32s(off, off, sums[0]);
    }
    across(simd, sums) + rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>()
}

#[inline(always)]
fn across<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SUMS]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Width;
    use super::*;

    /// Less than a register, some, and some with numbers beyond them.
    const WIDTHS: [usize; 5] = [1, 8, 19, 64, 136];

    #[test]
    fn rms_norm_changes_the_given_columns_alone() {
        for (width, run) in Width::all().into_iter().flat_map(|width| WIDTHS.map(|run| (width, run))) {
            let (stride, columns) = (2 * run + 14, 10..2 * run + 10);
            let before: Vec<f32> = (0..2 * stride).map(|i| (i * i % 23) as f32 - 7.5).collect();
            let mut x = before.clone();
            let gamma = vec![2.0; run];
            let norm = RmsNorm { x: &mut x, stride, columns: columns.clone(), gamma: &gamma, epsilon: 0.0 };
            width.run(norm);
            for (row, before) in x.chunks(stride).zip(before.chunks(stride)) {
                assert_eq!((&row[..10], &row[columns.end..]), (&before[..10], &before[columns.end..]));
                for part in row[columns.clone()].chunks(run) {
                    let square = part.iter().map(|x| x * x).sum::<f32>() / run as f32;
                    assert!((square - 4.0).abs() < 1e-4, "{width:?} {run}: {square}");
                }
            }
        }
    }

    #[test]
    fn layer_norm_with_and_without_a_sum() {
        for (width, length) in Width::all().into_iter().flat_map(|width| WIDTHS.map(|length| (width, length)))
        {
            let (gamma, beta) = (&vec![2.0; length][..], &vec![1.0; length][..]);
            let before: Vec<f32> = (0..2 * length).map(|i| (i * i % 23) as f32).collect();
            let mut x = before.clone();
            width.run(LayerNorm { x: &mut x, added: None, out: None, gamma, beta, epsilon: 1e-12 });
            for (row, before) in x.chunks(length).zip(before.chunks(length)) {
                let before = before.iter().map(|&x| f64::from(x));
                let mean = before.clone().sum::<f64>() / length as f64;
                let variance = before.clone().map(|x| (x - mean) * (x - mean)).sum::<f64>() / length as f64;
                for (&x, before) in row.iter().zip(before) {
                    let expected = (before - mean) / (variance + 1e-12).sqrt() * 2.0 + 1.0;
                    assert!((f64::from(x) - expected).abs() < 1e-5, "{width:?} {length}: {x} {expected}");
                }
            }
            let half = vec![0.5; 2 * length];
            let mut sum: Vec<f32> = before.iter().map(|x| x - 0.5).collect();
            let mut out = vec![f32::NAN; 2 * length];
            let (added, into) = (Some(&half[..]), Some(&mut out[..]));
            width.run(LayerNorm { x: &mut sum, added, out: into, gamma, beta, epsilon: 1e-12 });
            assert_eq!((&sum, &out), (&before, &x), "{width:?} {length}");
            let mut sum: Vec<f32> = before.iter().map(|x| x - 0.5).collect();
            width.run(LayerNorm { x: &mut sum, added, out: None, gamma, beta, epsilon: 1e-12 });
            assert_eq!(sum, x, "{width:?} {length}");
        }
    }
}
