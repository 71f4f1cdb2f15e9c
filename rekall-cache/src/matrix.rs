//! Many vectors as one contiguous batch.

use std::slice::ChunksExact;

use crate::cache::EmbeddingCache;
use crate::error::Error;
use crate::key::CacheKey;

/// The vectors found for a list of keys, in the order of the keys, and which keys had none.
///
/// ```
/// use rekall_cache::{CacheOptions, EmbeddingCache};
///
/// let cache = EmbeddingCache::new(CacheOptions::new());
/// cache.insert("a", [1.0, 0.0]);
/// cache.insert("b", [0.0, 1.0]);
/// let matrix = cache.get_matrix(&["b", "x", "a"], 2)?;
/// assert_eq!(matrix.data, [0.0, 1.0, 1.0, 0.0]);
/// assert_eq!((matrix.found, matrix.missing), (vec![0, 2], vec![1]));
/// # Ok::<(), rekall_cache::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Matrix {
    /// The rows, one after the other: `found.len() * dimensions` values.
    pub data: Vec<f32>,
    /// Length of each row.
    pub dimensions: usize,
    /// For each row, the position of its key among the keys given, ascending.
    pub found: Vec<usize>,
    /// Positions of the keys without a row, ascending. Every position is in one of the two lists.
    pub missing: Vec<usize>,
}

impl Matrix {
    /// How many rows there are.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert("a", [1.0, 0.0]);
    /// cache.insert("b", [0.0, 1.0]);
    /// assert_eq!(cache.get_matrix(&["b", "x", "a"], 2)?.rows(), 2);
    /// # Ok::<(), rekall_cache::Error>(())
    /// ```
    pub fn rows(&self) -> usize {
        self.found.len()
    }

    /// The rows in order.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert("a", [1.0, 0.0]);
    /// cache.insert("b", [0.0, 1.0]);
    /// let matrix = cache.get_matrix(&["b", "x", "a"], 2)?;
    /// for (row, position) in matrix.iter_rows().zip(&matrix.found) {
    ///     assert_eq!(row.len(), matrix.dimensions);
    ///     assert_ne!(*position, 1, "there is no vector for x");
    /// }
    /// # Ok::<(), rekall_cache::Error>(())
    /// ```
    pub fn iter_rows(&self) -> ChunksExact<'_, f32> {
        // The fields are public: a value set to 0 by hand must not make this panic.
        self.data.chunks_exact(self.dimensions.max(1))
    }

    /// Whether every key had a vector.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert("a", [1.0, 0.0]);
    /// cache.insert("b", [0.0, 1.0]);
    /// assert!(cache.get_matrix(&["a", "b"], 2)?.is_complete());
    /// assert!(!cache.get_matrix(&["a", "x"], 2)?.is_complete());
    /// # Ok::<(), rekall_cache::Error>(())
    /// ```
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

impl<K: CacheKey> EmbeddingCache<K> {
    /// The vectors of many keys as one row-major matrix, and the keys that have none.
    ///
    /// All ages are determined at one moment. Each key counts as one lookup, and a key given twice has two
    /// rows. Other threads may add and remove entries between two keys: the matrix is not a snapshot of the
    /// cache. It copies each vector once, into one allocation of the size needed.
    ///
    /// # Errors
    ///
    /// [`Error::DimensionMismatch`] for the first key whose vector has another length, which leaves the keys
    /// after it unread; [`Error::ZeroDimensions`] if `dimensions` is 0.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// use rekall_cache::Error;
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(1_u64, [1.0, 0.0]);
    /// assert_eq!(cache.get_matrix(&[1, 2], 2)?.missing, [1]);
    /// let error = Error::DimensionMismatch { index: 0, expected: 3, got: 2 };
    /// assert_eq!(cache.get_matrix(&[1], 3), Err(error));
    /// # Ok::<(), rekall_cache::Error>(())
    /// ```
    pub fn get_matrix(&self, keys: &[K], dimensions: usize) -> Result<Matrix, Error> {
        if dimensions == 0 {
            return Err(Error::ZeroDimensions);
        }
        let now = self.read_time();
        let mut vectors = Vec::new();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (index, key) in keys.iter().enumerate() {
            let vector = self.look_up(key, now);
            self.counters.lookup(vector.is_some());
            match vector {
                Some(vector) if vector.len() != dimensions => {
                    return Err(Error::DimensionMismatch { index, expected: dimensions, got: vector.len() });
                }
                Some(vector) => {
                    vectors.push(vector);
                    found.push(index);
                }
                None => missing.push(index),
            }
        }
        let mut data = Vec::with_capacity(vectors.len() * dimensions);
        for vector in &vectors {
            data.extend_from_slice(vector);
        }
        Ok(Matrix { data, dimensions, found, missing })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{CacheOptions, ManualClock};

    #[test]
    fn rows_stand_in_the_order_of_the_keys() {
        let cache = EmbeddingCache::new(CacheOptions::new());
        cache.insert("a", [1.0, 2.0]);
        cache.insert("b", [3.0, 4.0]);
        let matrix = cache.get_matrix(&["b", "x", "a", "b", "y"], 2).unwrap();
        assert_eq!(matrix.data, [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!((&matrix.found[..], &matrix.missing[..]), (&[0, 2, 3][..], &[1, 4][..]));
        assert_eq!((matrix.rows(), matrix.dimensions, matrix.is_complete()), (3, 2, false));
        assert_eq!(matrix.iter_rows().nth(1), Some(&[1.0, 2.0][..]));
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses), (3, 2));
    }

    #[test]
    fn an_empty_list_and_a_list_of_unknown_keys_are_no_error() {
        let cache = EmbeddingCache::<u64>::new(CacheOptions::new());
        let matrix = cache.get_matrix(&[], 384).unwrap();
        assert!(matrix.is_complete() && matrix.data.is_empty() && matrix.rows() == 0);
        let matrix = cache.get_matrix(&[1, 2], 384).unwrap();
        assert_eq!(matrix.missing, [0, 1]);
        assert_eq!(matrix.data.capacity(), 0);
    }

    #[test]
    fn a_wrong_length_is_named() {
        let cache = EmbeddingCache::new(CacheOptions::new());
        cache.insert(1, [1.0, 2.0]);
        cache.insert(2, [1.0, 2.0, 3.0]);
        let error = Error::DimensionMismatch { index: 2, expected: 2, got: 3 };
        assert_eq!(cache.get_matrix(&[1, 7, 2, 1], 2), Err(error));
        assert_eq!(cache.get_matrix(&[1], 0), Err(Error::ZeroDimensions));
    }

    #[test]
    fn expired_rows_are_missing_and_never_served_again() {
        let clock = ManualClock::new();
        let ttl = Duration::from_secs(10);
        let cache = EmbeddingCache::new(CacheOptions::new().time_to_live(ttl).clock(clock.clone()));
        cache.insert(1, [1.0]);
        clock.advance(Duration::from_secs(5));
        cache.insert(2, [2.0]);
        assert!(cache.get_matrix(&[1, 2], 1).unwrap().is_complete());
        clock.advance(Duration::from_secs(5));
        let matrix = cache.get_matrix(&[1, 2], 1).unwrap();
        assert_eq!((matrix.data, matrix.missing), (vec![2.0], vec![0]));
        assert_eq!(cache.stats().expirations, 1);
    }
}
