//! Removing vectors from the cache, so that none computed before comes back.

use crate::cache::EmbeddingCache;
use crate::key::CacheKey;

impl<K: CacheKey> EmbeddingCache<K> {
    /// Drops the vector of one key, and returns whether there was an unexpired one.
    ///
    /// A computation of this key that is under way is not stored when it ends, and a call that starts after
    /// this one returns does not get its vector.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// assert!(cache.invalidate(&7));
    /// assert!(!cache.invalidate(&7), "there is none any more");
    /// ```
    pub fn invalidate(&self, key: &K) -> bool {
        self.epochs.raise();
        let now = self.read_time();
        // Removing also detaches the computation under way from the key.
        let Some((_, cached)) = self.store.remove(key) else { return false };
        self.counters.exchange_bytes(0, cached.bytes);
        let expired = self.expired(&cached, now);
        if expired {
            self.counters.expirations.one()
        } else {
            self.counters.invalidations.one()
        }
        !expired
    }

    /// Drops every unexpired vector for which `condition` holds, and returns how many there were.
    ///
    /// The condition cannot see what a computation under way will return, so no such vector is stored, and no
    /// call that starts after this one returns gets it. Vectors stored while this runs, by
    /// [`insert`](Self::insert) or by a computation that began meanwhile, may be examined or not.
    ///
    /// O(n); for each entry the lock is held briefly and the key is cloned once; `condition` itself
    /// runs under no lock and may use the cache. If it panics, what was dropped before stays dropped.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// for (space, id) in [(1, 7), (1, 8), (2, 7)] {
    ///     cache.insert((space, id), [0.6, 0.8]);
    /// }
    /// assert_eq!(cache.invalidate_if(|(space, _), _vector| *space == 1), 2);
    /// assert!(cache.contains(&(2, 7)));
    /// ```
    pub fn invalidate_if(&self, mut condition: impl FnMut(&K, &[f32]) -> bool) -> usize {
        self.epochs.raise_bulk();
        let mut dropped = 0;
        for (key, cached) in self.store.iter() {
            if self.expired(&cached, self.read_time()) {
                self.drop_expired(&key, cached.sequence);
            } else if condition(&key, &cached.vector) && self.remove_insertion(&key, cached.sequence) {
                self.counters.invalidations.one();
                dropped += 1;
            }
        }
        dropped
    }

    /// Drops every vector, under the rules of [`invalidate_if`](Self::invalidate_if) for computations under
    /// way. O(n), holding the lock once. The vectors' memory is released, the emptied tables stay.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// cache.clear();
    /// assert!(cache.is_empty());
    /// ```
    pub fn clear(&self) {
        self.epochs.raise_bulk();
        self.remove_expired();
        let removed = self.remove_where(|_| true);
        self.counters.invalidations.add(removed as u64);
    }
}
