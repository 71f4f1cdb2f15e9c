//! Filling the cache from a batch that was read elsewhere.

use std::fmt;
use std::sync::Arc;

use crate::cache::EmbeddingCache;
use crate::epoch::Epoch;
use crate::key::CacheKey;

/// Accepts vectors read since a moment, as long as they are fresh; made by [`EmbeddingCache::begin_fill`].
///
/// ```
/// use rekall_cache::{CacheOptions, EmbeddingCache};
///
/// let cache = EmbeddingCache::new(CacheOptions::new());
/// let fill = cache.begin_fill();
/// assert!(fill.insert(1_u64, [1.0, 0.0]));
/// // Another thread changes something: what this fill has read may be stale now.
/// cache.invalidate(&2);
/// assert!(!fill.insert(2, [0.0, 1.0]));
/// ```
pub struct Fill<'a, K: CacheKey> {
    cache: &'a EmbeddingCache<K>,
    began: Epoch,
}

impl<K: CacheKey> EmbeddingCache<K> {
    /// Begins to fill the cache with vectors that are about to be read in one batch.
    ///
    /// Between reading a row and storing its vector, another thread may change the row and invalidate the
    /// key; the vector would then be stale for its whole time to live. A `Fill` begun *before* the rows are
    /// read stores nothing once anything was invalidated or inserted meanwhile.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// # fn read_rows(ids: &[i64], missing: &[usize]) -> Vec<(i64, Vec<f32>)> {
    /// #     missing.iter().map(|&index| (ids[index], vec![1.0, 0.0])).collect()
    /// # }
    /// # fn main() -> Result<(), rekall_cache::Error> {
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// let ids = [3_i64, 5, 8];
    /// let matrix = cache.get_matrix(&ids, 2)?;
    /// let fill = cache.begin_fill();
    /// for (id, vector) in read_rows(&ids, &matrix.missing) {
    ///     fill.insert(id, vector);
    /// }
    /// assert_eq!(cache.get_matrix(&ids, 2)?.rows(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_fill(&self) -> Fill<'_, K> {
        Fill { cache: self, began: self.epochs.now() }
    }
}

impl<K: CacheKey> Fill<'_, K> {
    /// Stores a vector read since the fill began, and returns whether it was kept.
    ///
    /// It is not kept after any [`insert`](EmbeddingCache::insert),
    /// [`invalidate`](EmbeddingCache::invalidate), [`invalidate_if`](EmbeddingCache::invalidate_if) or
    /// [`clear`](EmbeddingCache::clear) of this cache, whatever the key, that began after the fill. Other
    /// fills and computations do not prevent it.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// let fill = cache.begin_fill();
    /// assert!(fill.insert(1_u64, [0.6, 0.8]));
    /// assert_eq!(cache.get(&1).as_deref(), Some(&[0.6, 0.8][..]));
    /// ```
    pub fn insert(&self, key: K, vector: impl Into<Arc<[f32]>>) -> bool {
        let cached = self.cache.prepare(&key, vector.into());
        let _held = self.cache.epochs.hold();
        if self.cache.epochs.now() != self.began {
            self.cache.counters.rejections.one();
            return false;
        }
        self.cache.store_or_clear(key, cached)
    }
}

impl<K: CacheKey> fmt::Debug for Fill<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill").field("began", &self.began).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CacheOptions;

    #[test]
    fn a_fill_stores_until_something_is_announced() {
        let changes: [fn(&EmbeddingCache<u32>); 4] = [
            |cache| {
                cache.insert(9, [1.0]);
            },
            |cache| {
                cache.invalidate(&9);
            },
            |cache| {
                cache.invalidate_if(|_, _| false);
            },
            EmbeddingCache::clear,
        ];
        for change in changes {
            let cache = EmbeddingCache::new(CacheOptions::new());
            let fill = cache.begin_fill();
            assert!(fill.insert(1, [1.0]));
            assert!(cache.begin_fill().insert(2, [2.0]), "another fill");
            let computed = cache.get_or_try_insert_with(&3, || Ok::<_, ()>([3.0].into()));
            assert!(computed.is_ok() && fill.insert(4, [4.0]), "neither stands in the way");
            change(&cache);
            assert!(!fill.insert(5, [5.0]));
            assert_eq!(cache.get(&5), None);
            assert!(cache.begin_fill().insert(5, [5.5]));
            assert_eq!(cache.stats().rejections, 1);
        }
    }
}
