//! The heads of a network's layers, and where their queries, keys and values stand in a token's row.

use std::ops::Range;

/// A row has the queries of all heads, then the keys, then the values. Several heads may look at the same keys and values
/// (grouped-query attention, after Ainslie et al., "GQA", 2023).
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub(super) count: usize,
    /// Heads of keys and of values, each for as many heads of queries.
    pub(super) keys: usize,
    /// Numbers of one head.
    pub(super) size: usize,
}

impl Heads {
    /// Heads with keys and values of their own.
    pub(super) fn own(count: usize, size: usize) -> Self {
        Self { count, keys: count, size }
    }

    /// Numbers of what all heads give.
    pub(super) fn width(self) -> usize {
        self.count * self.size
    }

    /// Numbers of a row of queries, keys and values.
    pub(super) fn row(self) -> usize {
        (self.count + 2 * self.keys) * self.size
    }

    /// Which keys and values a head looks at.
    pub(super) fn keys_of(self, head: usize) -> usize {
        head / (self.count / self.keys)
    }

    /// The columns of some heads' queries, and of the keys and the values that they look at.
    pub(super) fn columns(self, heads: Range<usize>) -> [Range<usize>; 3] {
        let Self { count, keys, size } = self;
        let own = heads.start * keys / count..(heads.end * keys).div_ceil(count);
        let [first_key, first_value] = [count, count + keys].map(|before| before * size);
        [
            heads.start * size..heads.end * size,
            first_key + own.start * size..first_key + own.end * size,
            first_value + own.start * size..first_value + own.end * size,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_heads_take_the_keys_that_they_look_at() {
        let own = Heads::own(4, 8);
        assert_eq!((own.width(), own.row()), (32, 96));
        assert_eq!(own.columns(1..3), [8..24, 40..56, 72..88]);
        let shared = Heads { count: 6, keys: 2, size: 4 };
        assert_eq!((shared.width(), shared.row()), (24, 40));
        assert_eq!([0, 2, 3, 5].map(|head| shared.keys_of(head)), [0, 0, 1, 1]);
        assert_eq!(shared.columns(0..6), [0..24, 24..32, 32..40]);
        assert_eq!(shared.columns(1..3), [4..12, 24..28, 32..36]);
        assert_eq!(shared.columns(2..4), [8..16, 24..32, 32..40]);
        assert_eq!(shared.columns(5..6), [20..24, 28..32, 36..40]);
    }
}
