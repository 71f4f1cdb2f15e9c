//! Sums and rotations of rows: plain loops that the compiler turns into vector code once they are compiled for the instruction
//! set at hand.

use std::ops::Range;

use crate::vectorized::vectorized;

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
