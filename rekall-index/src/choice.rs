//! Which index for which data, by measurement.

use crate::kernels::CODE_LANES;

/// An exact backend for vectors whose exact rows are stored elsewhere too. The approximate one is never chosen unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Choice {
    /// [`FlatIndex`](crate::FlatIndex).
    Flat,
    /// [`Sq8Index`](crate::Sq8Index).
    Sq8,
    /// [`Sq8Stream`](crate::Sq8Stream): the codes stay in the store.
    Sq8Stream,
}

/// The size of the `f32` rows from which int8 codes win.
///
/// Per query, `Sq8Index` saves three quarters of the scan and pays for exact rows from the source: some 13 of a search by
/// meaning, some 150 of a hybrid one. Medians of whole searches through the facade, rows out of SQLite, one thread, on a
/// processor with 2 MiB of L2 cache, ms: by meaning with 384 dimensions (`recall`), hybrid with 320 (`short_notes`).
///
/// | rows | meaning: flat | sq8 | hybrid: flat | sq8 |
/// | --- | --- | --- | --- | --- |
/// | 1,000 | 0.068 | 0.074 | | |
/// | 2,000 | 0.172 | 0.112 | 0.81 | 1.15 |
/// | 4,000 | | | 1.17 | 1.61 |
/// | 5,000 | 0.371 | 0.198 | | |
/// | 6,000 | | | 1.49 | 1.99 |
/// | 8,000 | | | 2.08 | 2.50 |
/// | 10,000 | 0.659 | 0.327 | | |
/// | 12,000 | | | 2.68 | 3.12 |
///
/// A hybrid search is the default one and the slower one, so it decides; beyond 8 MiB the memory that codes save is worth
/// more than what is left to gain.
const FLAT_BYTES: usize = 8 << 20;

impl Choice {
    /// The fastest exact index for `rows` rows of `dimensions` components within `memory_budget` bytes (`None`: no limit).
    ///
    /// | rows as `f32` | within the budget | choice |
    /// | --- | --- | --- |
    /// | up to 8 MiB | as `f32` | `Flat` |
    /// | up to 8 MiB | as codes | `Sq8` |
    /// | more | as codes | `Sq8` |
    /// | any | not even as codes | `Sq8Stream` |
    ///
    /// # Examples
    /// ```
    /// use rekall_index::Choice;
    /// assert_eq!(Choice::auto(1_000, 384, None), Choice::Flat);
    /// assert_eq!(Choice::auto(100_000, 384, None), Choice::Sq8);
    /// assert_eq!(Choice::auto(100_000, 384, Some(10_000_000)), Choice::Sq8Stream);
    /// ```
    #[must_use]
    pub fn auto(rows: usize, dimensions: usize, memory_budget: Option<usize>) -> Self {
        let fits = |choice: Self| memory_budget.is_none_or(|budget| choice.bytes(rows, dimensions) <= budget);
        if rows <= Self::most_flat_rows(dimensions) && fits(Self::Flat) {
            Self::Flat
        } else if fits(Self::Sq8) {
            Self::Sq8
        } else {
            Self::Sq8Stream
        }
    }

    /// The most rows that `Flat` is chosen for: without a budget, how many more there are makes no difference.
    #[must_use]
    pub const fn most_flat_rows(dimensions: usize) -> usize {
        FLAT_BYTES / size_of::<f32>() / if dimensions == 0 { 1 } else { dimensions }
    }

    /// About the bytes such an index holds in memory (within 5 % from some thousand rows on).
    ///
    /// ```
    /// use rekall_index::Choice;
    /// assert_eq!(Choice::Sq8.bytes(100_000, 384), 41_600_000);
    /// assert_eq!(Choice::Sq8Stream.bytes(100_000, 384), 0);
    /// ```
    #[must_use]
    pub fn bytes(self, rows: usize, dimensions: usize) -> usize {
        let row = match self {
            Self::Flat => dimensions.saturating_mul(size_of::<f32>()) + 20,
            Self::Sq8 => dimensions.next_multiple_of(CODE_LANES) + 32,
            Self::Sq8Stream => 0,
        };
        rows.saturating_mul(row)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{NaiveIndex, Random, unit_rows};
    use crate::{FlatIndex, Key, Sq8Index, VectorIndex, VectorSearch};

    #[test]
    fn follows_size_and_budget() {
        assert_eq!(Choice::auto(0, 384, None), Choice::Flat);
        assert_eq!(Choice::auto(5_400, 384, None), Choice::Flat);
        assert_eq!(Choice::auto(5_500, 384, None), Choice::Sq8);
        assert_eq!(Choice::auto(2_500, 384, Some(3 << 20)), Choice::Sq8);
        assert_eq!(Choice::auto(2_500, 384, Some(1 << 19)), Choice::Sq8Stream);
        assert_eq!(Choice::auto(usize::MAX, 384, Some(usize::MAX - 1)), Choice::Sq8Stream);
    }

    #[test]
    fn estimates_are_near() {
        let (rows, dimensions) = (5_000, 100);
        let keys: Vec<Key> = (0..rows as i64).map(|entry| Key::new(entry, 0, 0)).collect();
        let data = unit_rows(&mut Random::new(90), rows, dimensions);
        let mut flat = FlatIndex::new(dimensions).unwrap();
        let mut sq8 = Sq8Index::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap();
        flat.upsert(&keys, &data).unwrap();
        sq8.upsert(&keys, &data).unwrap();
        for (choice, bytes) in [(Choice::Flat, flat.memory_bytes()), (Choice::Sq8, sq8.memory_bytes())] {
            let estimate = choice.bytes(rows, dimensions);
            assert!(estimate.abs_diff(bytes) * 20 <= bytes, "{choice:?}: {estimate} for {bytes}");
        }
    }
}
