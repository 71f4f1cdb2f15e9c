//! The passages of a source, by their numbers in it.

use super::PassageKey;

/// A table of passages. Those of one row follow each other; a passage's index in the table is its *ordinal*.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Passages {
    pub(super) rows: Vec<i64>,
    pub(super) parts: Vec<u32>,
    pub(super) lengths: Vec<u32>,
    pub(super) checks: Vec<u32>,
}

impl Passages {
    /// Number of passages, dead ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The key of a passage.
    ///
    /// # Panics
    ///
    /// If there is no such ordinal, as all methods that take one.
    pub(crate) fn key(&self, ordinal: u32) -> PassageKey {
        PassageKey::from_part(self.rows[ordinal as usize], self.parts[ordinal as usize])
    }

    /// The row of a passage.
    pub(crate) fn row(&self, ordinal: u32) -> i64 {
        self.rows[ordinal as usize]
    }

    /// Length of a passage: the weights of its positions together.
    pub(crate) fn length(&self, ordinal: u32) -> u32 {
        self.lengths[ordinal as usize]
    }

    /// A number that follows from the passage's terms, their places and weights, whatever their order: two passages
    /// with the same one hold the same, but for one accident in four thousand million.
    pub(crate) fn check(&self, ordinal: u32) -> u32 {
        self.checks[ordinal as usize]
    }

    /// Lengths of all passages together.
    pub(crate) fn total_length(&self) -> u64 {
        self.lengths.iter().map(|&length| u64::from(length)).sum()
    }

    /// Bytes of heap.
    pub(super) fn memory_bytes(&self) -> usize {
        let numbers = self.parts.capacity() + self.lengths.capacity() + self.checks.capacity();
        self.rows.capacity() * size_of::<i64>() + numbers * size_of::<u32>()
    }

    pub(super) fn push(&mut self, key: PassageKey, length: u32, check: u32) {
        self.rows.push(key.row);
        self.parts.push(key.part());
        self.lengths.push(length);
        self.checks.push(check);
    }
}

/// Passages of a source that count no more, because a newer source speaks for their row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dead {
    /// A bit a passage; no words at all while every passage lives.
    bits: Vec<u64>,
    count: usize,
    length: u64,
}

impl Dead {
    /// Whether this passage is dead.
    #[inline]
    pub(crate) fn contains(&self, ordinal: u32) -> bool {
        self.bits.get(ordinal as usize / 64).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
    }

    /// Number of dead passages.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Lengths of the dead passages together.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
    }

    /// Marks one of `passages` as dead.
    pub(crate) fn mark(&mut self, passages: &Passages, ordinal: u32) {
        let (word, bit) = (ordinal as usize / 64, 1 << (ordinal % 64));
        if self.bits.len() <= word {
            self.bits.resize(passages.len().div_ceil(64).max(word + 1), 0);
        }
        if self.bits[word] & bit == 0 {
            self.bits[word] |= bit;
            self.count += 1;
            self.length += u64::from(passages.length(ordinal));
        }
    }

    /// Marks all passages of these rows: those that a newer source speaks for.
    ///
    /// ```ignore
    /// dead.mark_rows(older.docs(), newer.docs().rows().iter().copied());
    /// dead.mark_rows(older.docs(), delta.rows());
    /// ```
    pub(crate) fn mark_rows(&mut self, docs: &super::Docs, rows: impl IntoIterator<Item = i64>) {
        for row in rows {
            for ordinal in docs.passages_of(row) {
                self.mark(docs.passages(), ordinal);
            }
        }
    }
}
