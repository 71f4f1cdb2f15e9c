//! Softmax of rows of scores.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::functions::exp;

/// Softmax of `scale · x` over a part of each row of length `stride`, which `part` gives by the row's number; the
/// rest is set to zero. Rows consist of whole panels, and no part is empty.
pub(crate) fn softmax_rows(x: &mut [f32], stride: usize, scale: f32, part: impl Fn(usize) -> Range<usize>) {
    Arch::new().dispatch(SoftmaxRows { x, stride, scale, part });
}

struct SoftmaxRows<'a, P> {
    x: &'a mut [f32],
    stride: usize,
    scale: f32,
    part: P,
}

impl<P: Fn(usize) -> Range<usize>> WithSimd for SoftmaxRows<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let scale = simd.splat_f32s(self.scale);
        for (number, row) in self.x.chunks_exact_mut(self.stride).enumerate() {
            let (all, rest) = S::as_mut_simd_f32s(row);
            debug_assert!(rest.is_empty(), "{} numbers are no whole panels", self.stride);
            let part = (self.part)(number);
            let (first, end) = (part.start / S::F32_LANES, part.end.div_ceil(S::F32_LANES));
            let (before, others) = all.split_at_mut(first);
            let (registers, behind) = others.split_at_mut(end - first);
            before.fill(simd.splat_f32s(0.0));
            behind.fill(simd.splat_f32s(0.0));
            let part = part.start - first * S::F32_LANES..part.end - first * S::F32_LANES;
            set_outside(simd, registers, &part, f32::NEG_INFINITY);
            powers(simd, registers, scale);
            set_outside(simd, registers, &part, 0.0);
            divide_by_sum(simd, registers);
        }
    }
}

/// `exp(scale · (x − max))`, none of which is too large.
#[inline(always)]
fn powers<S: Simd>(simd: S, x: &mut [S::f32s], scale: S::f32s) {
    // Two at a time, since each step waits for the one before.
    let mut most = [simd.splat_f32s(f32::NEG_INFINITY); 2];
    let (pairs, last) = x.as_chunks::<2>();
    for pair in pairs {
        most[0] = simd.max_f32s(most[0], pair[0]);
        most[1] = simd.max_f32s(most[1], pair[1]);
    }
    for &x in last {
        most[0] = simd.max_f32s(most[0], x);
    }
    let most = simd.splat_f32s(simd.reduce_max_f32s(simd.max_f32s(most[0], most[1])));
    for x in x {
        *x = exp(simd, simd.mul_f32s(simd.sub_f32s(*x, most), scale));
    }
}

#[inline(always)]
fn divide_by_sum<S: Simd>(simd: S, x: &mut [S::f32s]) {
    let mut sums = [simd.splat_f32s(0.0); 2];
    let (pairs, last) = x.as_chunks::<2>();
    for pair in pairs {
        sums[0] = simd.add_f32s(sums[0], pair[0]);
        sums[1] = simd.add_f32s(sums[1], pair[1]);
    }
    for &x in last {
        sums[0] = simd.add_f32s(sums[0], x);
    }
    let sum = simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]));
    let inverse = simd.splat_f32s(1.0 / sum);
    for x in x {
        *x = simd.mul_f32s(*x, inverse);
    }
}

/// Sets what lies outside of a part that begins in the first register and ends in the last one. In registers, since the processor would
/// wait for numbers that were written one by one.
#[inline(always)]
fn set_outside<S: Simd>(simd: S, registers: &mut [S::f32s], part: &Range<usize>, number: f32) {
    let number = simd.splat_f32s(number);
    if part.start > 0 {
        let inside = simd.mask_between_m32s(part.start as u32, S::F32_LANES as u32).mask();
        registers[0] = simd.select_f32s(inside, registers[0], number);
    }
    let last = registers.len() - 1;
    let end = part.end - last * S::F32_LANES;
    if end < S::F32_LANES {
        let inside = simd.mask_between_m32s(0, end as u32).mask();
        registers[last] = simd.select_f32s(inside, registers[last], number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Width;
    use super::*;

    const STRIDE: usize = 96;

    /// Parts that begin and end within a register, at its borders, and both in one; whatever is outside is larger than all within, by
    /// more than powers can bear.
    #[test]
    fn softmax_of_a_part_of_each_row() {
        let parts = [0..96, 0..61, 1..62, 16..80, 33..34, 35..39, 90..96, 63..65];
        let number = |at: usize| -(at.abs_diff(40) as f32) / 4.0 - 1e3;
        let mut rows = Vec::new();
        for part in &parts {
            rows.extend((0..STRIDE).map(|at| if part.contains(&at) { number(at) } else { 1e30 }));
        }
        for width in Width::all() {
            let mut x = rows.clone();
            let part = |row: usize| parts[row].clone();
            width.run(SoftmaxRows { x: &mut x, stride: STRIDE, scale: 0.5, part });
            for (row, part) in x.chunks(STRIDE).zip(&parts) {
                let power = |at: usize| (0.5 * (f64::from(number(at)) + 1e3)).exp();
                let sum: f64 = part.clone().map(power).sum();
                for (at, &x) in row.iter().enumerate() {
                    let expected = if part.contains(&at) { power(at) / sum } else { 0.0 };
                    let allowed = 1e-6 * expected;
                    assert!(
                        (f64::from(x) - expected).abs() <= allowed,
                        "{width:?} {part:?} {at}: {x} {expected}"
                    );
                }
            }
        }
    }

    /// What is less than the largest by more than powers can bear is next to nothing, and never so little that it is slow.
    #[test]
    fn weights_are_normal_numbers() {
        for width in Width::all() {
            let mut x: Vec<f32> =
                (0..STRIDE).map(|at| if at % 2 == 0 { 0.0 } else { -3.0 * at as f32 }).collect();
            width.run(SoftmaxRows { x: &mut x, stride: STRIDE, scale: 1.0, part: |_| 0..STRIDE });
            assert!(x.iter().all(|x| x.is_normal()), "{width:?}: {x:?}");
        }
    }

    #[test]
    fn nan_is_not_hidden() {
        for width in Width::all() {
            for at in 0..STRIDE {
                let mut x = vec![1.0; STRIDE];
                x[at] = f32::NAN;
                width.run(SoftmaxRows { x: &mut x, stride: STRIDE, scale: 1.0, part: |_| 0..STRIDE });
                assert!(x.iter().all(|x| x.is_nan()), "{width:?} {at}: {x:?}");
            }
        }
    }
}
