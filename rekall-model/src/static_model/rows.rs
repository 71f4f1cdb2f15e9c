//! Token vectors in the precision of their file, widened as they are summed.

use super::number::Number;
use crate::Error;
use crate::bytes::Bytes;

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

    /// Adds the weighted row of each token to `sum`. The tensors' sizes were checked against the vocabulary
    /// when they were read, so only an id outside the vocabulary can fail, which a tokenizer does not give.
    pub(super) fn add(&self, ids: impl Iterator<Item = u32>, sum: &mut [f32]) -> Result<(), Error> {
        /// Rows summed at once: few enough to stay in the first-level cache.
        const BATCH: usize = 32;
        let mut batch: [(&[u8], f32); BATCH] = [(&[], 0.0); BATCH];
        let mut filled = 0;
        for id in ids {
            if filled == BATCH {
                self.number.add_rows(&batch, sum);
                filled = 0;
            }
            batch[filled] = self.weighted_row(id).ok_or_else(|| Error::Compute {
                reason: format!("the tokenizer gave token {id}, which has no vector"),
            })?;
            filled += 1;
        }
        self.number.add_rows(&batch[..filled], sum);
        Ok(())
    }

    /// A token's row and weight.
    #[inline]
    fn weighted_row(&self, id: u32) -> Option<(&[u8], f32)> {
        let weight = match &self.weights {
            Some(weights) => f32::from_le_bytes(*weights.get(id as usize * 4..)?.first_chunk()?),
            None => 1.0,
        };
        let row = match &self.mapping {
            Some(mapping) => *mapping.get(id as usize)?,
            None => id,
        };
        let size = self.number.row_bytes(self.width);
        let start = row as usize * size;
        Some((self.rows.get(start..start + size)?, weight))
    }
}
