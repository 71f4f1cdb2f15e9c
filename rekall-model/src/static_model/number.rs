//! How the numbers of token vectors are stored, and sums of rows of them.

use half::f16;

use crate::vectorized::vectorized;

/// How a number is stored. Integers need no scale: one common to all rows disappears when the sum is normalized, and
/// one of each row is part of its token's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// Four-bit integer, -8 to 7, stored with 8 added, two a byte. Of a row of `n` numbers, byte `i` has number `i` in
    /// its low half and number `i + n / 2` in its high half, so that the halves of a row are summed side by side,
    /// without shuffling.
    I4,
    /// Eight-bit integer.
    I8,
    F16,
    F32,
    F64,
}

impl Number {
    /// Bytes of a row of so many numbers.
    pub(super) fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::I4 => width / 2,
            Self::I8 => width,
            Self::F16 => width * 2,
            Self::F32 => width * 4,
            Self::F64 => width * 8,
        }
    }

    /// `sum += weight × row` for each row, in that order: the result does not depend on the processor.
    pub(super) fn add_rows(self, rows: &[(&[u8], f32)], sum: &mut [f32]) {
        vectorized(
            #[inline(always)]
            || match self {
                Self::I4 => add_four_bit_rows(rows, sum),
                Self::I8 => add(rows, sum, |[byte]: [u8; 1]| f32::from(byte.cast_signed())),
                Self::F16 => add(rows, sum, |bytes| f16::from_le_bytes(bytes).to_f32()),
                Self::F32 => add(rows, sum, f32::from_le_bytes),
                Self::F64 => add(rows, sum, |bytes| f64::from_le_bytes(bytes) as f32),
            },
        );
    }
}

/// The two numbers of a byte of [`Number::I4`]: of the low half, and of the high half.
#[inline(always)]
pub(super) fn halves(byte: u8) -> [i32; 2] {
    [i32::from(byte & 15) - 8, i32::from(byte >> 4) - 8]
}

#[inline(always)]
fn add<const N: usize>(rows: &[(&[u8], f32)], sum: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    for &(row, weight) in rows {
        for (sum, bytes) in sum.iter_mut().zip(row.as_chunks().0) {
            *sum += weight * number(*bytes);
        }
    }
}

/// Column by column, so that the sums stay in registers.
#[inline(always)]
fn add_four_bit_rows(rows: &[(&[u8], f32)], sum: &mut [f32]) {
    /// Bytes of a row summed at once.
    const COLUMN: usize = 16;
    let (low, high) = sum.split_at_mut(sum.len() / 2);
    let (low_columns, low_rest) = low.as_chunks_mut::<COLUMN>();
    let (high_columns, high_rest) = high.as_chunks_mut::<COLUMN>();
    for (column, (low, high)) in low_columns.iter_mut().zip(high_columns).enumerate() {
        let (mut low_sum, mut high_sum) = (*low, *high);
        for &(row, weight) in rows {
            let Some(bytes) = row.as_chunks::<COLUMN>().0.get(column) else { continue };
            for ((low, high), &byte) in low_sum.iter_mut().zip(&mut high_sum).zip(bytes) {
                let [of_low, of_high] = halves(byte);
                *low += weight * of_low as f32;
                *high += weight * of_high as f32;
            }
        }
        (*low, *high) = (low_sum, high_sum);
    }
    for &(row, weight) in rows {
        let rest = row.as_chunks::<COLUMN>().1;
        for ((low, high), &byte) in low_rest.iter_mut().zip(&mut *high_rest).zip(rest) {
            let [of_low, of_high] = halves(byte);
            *low += weight * of_low as f32;
            *high += weight * of_high as f32;
        }
    }
}

/// Brings a row to length 1, and gives the length it had; left alone if that is not a number or is 0.
pub(super) fn normalize(row: &mut [f32]) -> f64 {
    /// Partial sums: the compiler may not reorder a sum on its own.
    const LANES: usize = 16;
    vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let (runs, rest) = row.as_chunks::<LANES>();
            for run in runs {
                for (sum, &x) in sums.iter_mut().zip(run) {
                    *sum += f64::from(x) * f64::from(x);
                }
            }
            for (sum, &x) in sums.iter_mut().zip(rest) {
                *sum += f64::from(x) * f64::from(x);
            }
            let norm = sums.iter().sum::<f64>().sqrt();
            if norm > 0.0 && norm.is_finite() {
                for x in &mut *row {
                    *x = (f64::from(*x) / norm) as f32;
                }
            }
            norm
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_holds_two_numbers() {
        assert_eq!((halves(0x00), halves(0xFF), halves(0x81)), ([-8, -8], [7, 7], [-7, 0]));
    }

    /// Rows with whole columns, with a rest, and with a rest only.
    #[test]
    fn four_bit_rows_are_summed_as_their_definition_says() {
        for width in [2, 6, 32, 64, 100, 512] {
            let rows: Vec<Vec<u8>> = (0..5_usize)
                .map(|row| (0..width / 2).map(|at| (row * 89 + at * 37) as u8).collect())
                .collect();
            let weighted: Vec<(&[u8], f32)> =
                rows.iter().enumerate().map(|(at, row)| (&row[..], 0.3 + at as f32 / 7.0)).collect();
            let mut sum = vec![0.25; width];
            Number::I4.add_rows(&weighted, &mut sum);
            let expected: Vec<f32> = (0..width)
                .map(|at| {
                    let half = at / (width / 2);
                    let number = |row: &[u8]| halves(row[at % (width / 2)])[half] as f32;
                    weighted.iter().fold(0.25, |sum, (row, weight)| sum + weight * number(row))
                })
                .collect();
            assert_eq!(sum, expected, "{width} numbers a row");
        }
    }

    #[test]
    fn a_row_is_brought_to_length_one() {
        for width in [1, 7, 16, 100] {
            let mut row: Vec<f32> = (0..width).map(|at| at as f32 - 3.5).collect();
            let expected = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            assert!((normalize(&mut row) - expected).abs() < 1e-9);
            assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert_eq!(normalize(&mut [0.0, 0.0]), 0.0);
    }
}
