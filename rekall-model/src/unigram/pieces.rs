//! The pieces of a vocabulary, and how likely each is.

use super::trie::Trie;
use crate::bytes::Bytes;

/// Bytes of a piece. The time per character grows with the longest piece; those of known models have fewer
/// than a hundred bytes.
pub(crate) const MAX_PIECE_BYTES: usize = 1024;

/// A trie of the pieces with a score for each.
#[derive(Debug, Clone)]
pub(super) struct Pieces {
    pub(super) trie: Trie,
    /// Log probability of each piece, `f64` little-endian, by id.
    pub(super) scores: Bytes,
    /// Log probability given to an unknown character.
    pub(super) unknown_score: f64,
    pub(super) unknown_id: u32,
}

impl Pieces {
    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.scores.len() / 8
    }

    /// Log probability of a piece.
    pub(super) fn score(&self, id: u32) -> f64 {
        let at = id as usize * 8;
        match self.scores.get(at..at + 8).and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => f64::from_le_bytes(*bytes),
            // Ids come from the trie, which was built or checked with the scores.
            None => f64::NEG_INFINITY,
        }
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.trie.memory_bytes() + self.scores.heap_bytes()
    }
}
