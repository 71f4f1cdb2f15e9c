//! Token vectors in the precision of their file, widened as they are summed.

use half::f16;

use super::four_bit::numbers;
use crate::Error;
use crate::bytes::Bytes;

/// How a number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// Four-bit integer, two a byte; see [`four_bit`](super::four_bit). No scale, as for eight bits.
    I4,
    /// Eight-bit integer. It needs no scale: a scale common to all rows disappears when the sum is
    /// normalized.
    I8,
    F16,
    F32,
    F64,
}

impl Number {
    /// Bytes of a row of so many numbers.
    fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::I4 => width / 2,
            Self::I8 => width,
            Self::F16 => width * 2,
            Self::F32 => width * 4,
            Self::F64 => width * 8,
        }
    }
}

/// Rows, an optional weight per token, an optional map from token to row.
#[derive(Debug)]
pub(crate) struct TokenVectors {
    pub(super) rows: Bytes,
    pub(super) number: Number,
    /// Numbers in a row.
    pub(super) width: usize,
    /// Little-endian `f32`, one per token.
    pub(super) weights: Option<Bytes>,
    /// Row of each token; identity if absent.
    pub(super) mapping: Option<Vec<u32>>,
}

impl TokenVectors {
    pub(super) fn dimensions(&self) -> usize {
        self.width
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.rows.heap_bytes()
            + self.weights.as_ref().map_or(0, Bytes::heap_bytes)
            + self.mapping.as_ref().map_or(0, |mapping| mapping.len() * 4)
    }

    /// `sum += weight × row`. The tensors' sizes were checked against the vocabulary when they were
    /// read, so only an id outside the vocabulary can fail, which a tokenizer does not give.
    #[inline]
    pub(super) fn add_to(&self, id: u32, sum: &mut [f32]) -> Result<(), Error> {
        let lost =
            || Error::Compute { reason: format!("the tokenizer gave token {id}, which has no vector") };
        let weight = match &self.weights {
            Some(weights) => {
                let bytes = weights.get(id as usize * 4..).and_then(|tail| tail.first_chunk());
                f32::from_le_bytes(*bytes.ok_or_else(lost)?)
            }
            None => 1.0,
        };
        let row = match &self.mapping {
            Some(mapping) => *mapping.get(id as usize).ok_or_else(lost)? as usize,
            None => id as usize,
        };
        let size = self.number.row_bytes(self.width);
        let row = self.rows.get(row * size..(row + 1) * size).ok_or_else(lost)?;
        match self.number {
            Number::I4 => {
                let (low, high) = sum.split_at_mut(row.len());
                for ((low, high), &byte) in low.iter_mut().zip(high).zip(row) {
                    let (of_low, of_high) = numbers(byte);
                    *low += weight * of_low as f32;
                    *high += weight * of_high as f32;
                }
            }
            Number::I8 => {
                for (sum, &byte) in sum.iter_mut().zip(row) {
                    *sum += weight * f32::from(byte.cast_signed());
                }
            }
            Number::F16 => {
                for (sum, bytes) in sum.iter_mut().zip(row.as_chunks().0) {
                    *sum += weight * f16::from_le_bytes(*bytes).to_f32();
                }
            }
            Number::F32 => {
                for (sum, bytes) in sum.iter_mut().zip(row.as_chunks().0) {
                    *sum += weight * f32::from_le_bytes(*bytes);
                }
            }
            Number::F64 => {
                for (sum, bytes) in sum.iter_mut().zip(row.as_chunks().0) {
                    *sum += weight * f64::from_le_bytes(*bytes) as f32;
                }
            }
        }
        Ok(())
    }
}
