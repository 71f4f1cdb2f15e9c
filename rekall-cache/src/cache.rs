//! The cache itself: storing, lookups, and the accounting that all operations share.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::epoch::Epochs;
use crate::key::CacheKey;
use crate::options::CacheOptions;
use crate::stats::{CacheStats, Counters};
use crate::store::{Cached, Store, entry_bytes, new_store};

/// A bounded, expiring, single-flight cache of vectors, shared between threads by reference or in an `Arc`.
///
/// See the [crate's front page](crate) for what is evicted, what is fresh, and what it costs. Vectors of one
/// cache may differ in length; only [`get_matrix`](Self::get_matrix) asks for one.
///
/// The cache is `Send` and `Sync` where its keys are.
pub struct EmbeddingCache<K: CacheKey> {
    pub(crate) store: Store<K>,
    pub(crate) epochs: Epochs,
    pub(crate) counters: Counters,
    time_to_live: Option<Duration>,
    clock: Arc<dyn Clock>,
    sequence: AtomicU64,
}

/// The time by which a reading call determines ages; `None` if nothing expires, so that the clock is not
/// read.
pub(crate) type ReadTime = Option<Instant>;

impl<K: CacheKey> EmbeddingCache<K> {
    /// An empty cache. Nothing is allocated before the first vector is stored.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache: EmbeddingCache<u64> = EmbeddingCache::new(CacheOptions::new().max_bytes(1 << 20));
    /// assert!(cache.is_empty());
    /// ```
    pub fn new(options: CacheOptions) -> Self {
        let store = new_store(options.limits());
        let (time_to_live, clock) = options.into_time();
        Self {
            store,
            epochs: Epochs::default(),
            counters: Counters::default(),
            time_to_live,
            clock,
            sequence: AtomicU64::new(0),
        }
    }

    /// What an entry with this key and a vector of this many dimensions counts against
    /// [`max_bytes`](CacheOptions::max_bytes): the vector (4 bytes per dimension), the key with its
    /// [heap bytes](CacheKey::heap_bytes), and about 120 bytes of bookkeeping.
    ///
    /// ```
    /// use rekall_cache::EmbeddingCache;
    ///
    /// // To keep 10,000 vectors of 384 dimensions, a cache needs this `max_bytes`:
    /// let bytes = 10_000 * EmbeddingCache::entry_bytes(&0_u64, 384);
    /// assert!((16_000_000..17_500_000).contains(&bytes));
    /// ```
    pub fn entry_bytes(key: &K, dimensions: usize) -> u64 {
        entry_bytes(key, dimensions)
    }

    /// Stores a vector as the current one for its key, in place of any other, and returns whether it was
    /// kept.
    ///
    /// A computation of this key that is under way in
    /// [`get_or_try_insert_with`](Self::get_or_try_insert_with) will not overwrite it, even if this one is
    /// not kept. Vectors read before this call and stored after it belong in a [`Fill`](crate::Fill).
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// assert!(cache.insert("key", [0.6, 0.8]));
    /// assert!(cache.insert("key", [1.0, 0.0]), "the newer vector replaces the older one");
    /// assert_eq!(cache.get(&"key").as_deref(), Some(&[1.0, 0.0][..]));
    /// // A cache without room keeps nothing, and says so.
    /// assert!(!EmbeddingCache::new(CacheOptions::new().max_entries(0)).insert("key", [0.6, 0.8]));
    /// ```
    pub fn insert(&self, key: K, vector: impl Into<Arc<[f32]>>) -> bool {
        let cached = self.prepare(&key, vector.into());
        self.epochs.raise();
        self.store_or_clear(key, cached)
    }

    /// The vector stored for this key, if it has not expired.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// assert_eq!(cache.get(&7).as_deref(), Some(&[0.6, 0.8][..]));
    /// assert_eq!(cache.get(&8), None);
    /// ```
    pub fn get(&self, key: &K) -> Option<Arc<[f32]>> {
        let vector = self.look_up(key, self.read_time());
        self.counters.lookup(vector.is_some());
        vector
    }

    /// Whether [`get`](Self::get) would return a vector now. It is not counted as a lookup and does not mark
    /// the entry as used.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// assert!(cache.contains(&7) && !cache.contains(&8));
    /// assert_eq!((cache.stats().hits, cache.stats().misses), (0, 0));
    /// ```
    pub fn contains(&self, key: &K) -> bool {
        match self.store.peek(key) {
            Some(cached) if self.expired(&cached, self.read_time()) => {
                self.drop_expired(key, cached.sequence);
                false
            }
            found => found.is_some(),
        }
    }

    /// How many entries are held and have not expired.
    ///
    /// If entries can expire, it first drops those that have, so it is O(n) under the lock; otherwise O(1).
    /// [`stats`](Self::stats) counts what is held, expired entries included, in O(1).
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_cache::{CacheOptions, EmbeddingCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let options = CacheOptions::new().time_to_live(Duration::from_secs(10)).clock(clock.clone());
    /// let cache = EmbeddingCache::new(options);
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// assert_eq!(cache.len(), 1);
    /// clock.advance(Duration::from_secs(10));
    /// assert_eq!(cache.len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.remove_expired();
        self.store.len()
    }

    /// Whether [`len`](Self::len) is 0, at the same cost.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// assert!(cache.is_empty());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// assert!(!cache.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every expired entry and returns how many there were. O(n) under the lock.
    ///
    /// Results are correct without it: it only frees memory early, for example when a host goes idle.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_cache::{CacheOptions, EmbeddingCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let options = CacheOptions::new().time_to_live(Duration::from_secs(10)).clock(clock.clone());
    /// let cache = EmbeddingCache::new(options);
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// clock.advance(Duration::from_secs(10));
    /// assert_eq!(cache.stats().entries, 1, "no call has found it expired yet");
    /// assert_eq!(cache.remove_expired(), 1);
    /// assert_eq!(cache.stats().entries, 0);
    /// ```
    pub fn remove_expired(&self) -> usize {
        let now = self.read_time();
        if now.is_none() {
            return 0;
        }
        let removed = self.remove_where(|cached| self.expired(cached, now));
        self.counters.expirations.add(removed as u64);
        removed
    }

    /// Counts since the cache was made, and what it holds now.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// cache.get(&7);
    /// cache.get(&8);
    /// let stats = cache.stats();
    /// assert_eq!((stats.entries, stats.hits, stats.misses), (1, 1, 1));
    /// assert_eq!(stats.bytes, EmbeddingCache::entry_bytes(&7_u64, 2));
    /// ```
    pub fn stats(&self) -> CacheStats {
        self.counters.read(self.store.len() as u64)
    }

    pub(crate) fn read_time(&self) -> ReadTime {
        self.time_to_live.map(|_| self.clock.now())
    }

    pub(crate) fn expired(&self, cached: &Cached, now: ReadTime) -> bool {
        match (self.time_to_live, now) {
            (Some(limit), Some(now)) => now.saturating_duration_since(cached.stored_at) >= limit,
            _ => false,
        }
    }

    pub(crate) fn stores_nothing(&self) -> bool {
        self.time_to_live == Some(Duration::ZERO)
    }

    pub(crate) fn look_up(&self, key: &K, now: ReadTime) -> Option<Arc<[f32]>> {
        let cached = self.store.get(key)?;
        if self.expired(&cached, now) {
            self.drop_expired(key, cached.sequence);
            return None;
        }
        Some(cached.vector)
    }

    /// Removes exactly this insertion: a newer one under the same key stays.
    pub(crate) fn remove_insertion(&self, key: &K, sequence: u64) -> bool {
        let removed = self.store.remove_if(key, |cached| cached.sequence == sequence);
        if let Some((_, cached)) = &removed {
            self.counters.exchange_bytes(0, cached.bytes);
        }
        removed.is_some()
    }

    pub(crate) fn drop_expired(&self, key: &K, sequence: u64) {
        if self.remove_insertion(key, sequence) {
            self.counters.expirations.one();
        }
    }

    /// Removes what the cache's own condition (never the caller's code) applies to, holding the lock once.
    pub(crate) fn remove_where(&self, condition: impl Fn(&Cached) -> bool) -> usize {
        let (removed, bytes) = (Cell::new(0), Cell::new(0));
        self.store.retain(|_, cached| {
            let goes = condition(cached);
            if goes {
                removed.set(removed.get() + 1);
                bytes.set(bytes.get() + cached.bytes);
            }
            !goes
        });
        self.counters.exchange_bytes(0, bytes.get());
        removed.get()
    }

    /// Makes the value to store. All calls of foreign code (clock, key size) are here, before any lock is
    /// taken.
    pub(crate) fn prepare(&self, key: &K, vector: Arc<[f32]>) -> Cached {
        Cached {
            stored_at: self.clock.now(),
            bytes: entry_bytes(key, vector.len()),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed),
            handed_over: None,
            vector,
        }
    }

    /// Stores in place of anything under the key, including a computation under way. If the vector is not
    /// kept, the key ends up empty, because an older vector must not outlive a newer one.
    pub(crate) fn store_or_clear(&self, key: K, cached: Cached) -> bool {
        let kept = !self.stores_nothing() && self.try_store(&key, &cached);
        if !kept {
            if let Some((_, older)) = self.store.remove(&key) {
                self.counters.exchange_bytes(0, older.bytes);
                self.counters.replacements.one();
            }
            self.counters.rejections.one();
        }
        kept
    }

    pub(crate) fn try_store(&self, key: &K, cached: &Cached) -> bool {
        let mut dropped = Vec::new();
        self.store.insert_with_lifecycle(key.clone(), cached.clone(), &mut dropped);
        self.record_insertion(key, cached, true, &dropped)
    }

    /// Counts the effects of storing `inserted`, and returns whether it is in the store. quick_cache reports
    /// a rejected value in the same list as evicted and replaced ones.
    pub(crate) fn record_insertion(
        &self,
        key: &K,
        inserted: &Cached,
        accepted: bool,
        dropped: &[(K, Cached)],
    ) -> bool {
        let mut kept = accepted;
        let mut removed_bytes = 0;
        for (other_key, other) in dropped {
            if other.sequence == inserted.sequence {
                kept = false;
                continue;
            }
            removed_bytes += other.bytes;
            if other_key == key { self.counters.replacements.one() } else { self.counters.evictions.one() }
        }
        if kept {
            self.counters.insertions.one();
        }
        self.counters.exchange_bytes(if kept { inserted.bytes } else { 0 }, removed_bytes);
        kept
    }
}

impl<K: CacheKey> fmt::Debug for EmbeddingCache<K> {
    /// Shows the counts, never keys or vectors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingCache")
            .field("time_to_live", &self.time_to_live)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_size_covers_what_quick_cache_really_takes() {
        assert_eq!(EmbeddingCache::entry_bytes(&0_u64, 0) as usize, 8 + size_of::<Cached>() + 40 + 16);
        assert!((1_600..1_750).contains(&EmbeddingCache::entry_bytes(&0_u64, 384)));
        let cache = EmbeddingCache::new(CacheOptions::new());
        (0..1000_u64).for_each(|key| assert!(cache.insert(key, Vec::new())));
        let real = cache.store.memory_used().total() as u64;
        assert!(real <= cache.stats().bytes, "{real} bytes of slots, {} counted", cache.stats().bytes);
        // Evicted keys' hashes take slots too.
        (1000..100_000_u64).for_each(|key| assert!(cache.insert(key, Vec::new())));
        let real = cache.store.memory_used().total() as u64;
        assert!(real <= 3 * cache.stats().bytes, "{real} bytes of slots, {} counted", cache.stats().bytes);
    }

    #[test]
    fn debug_output_shows_no_keys_and_no_vectors() {
        let cache = EmbeddingCache::new(CacheOptions::new());
        cache.insert("secret".to_owned(), [0.123]);
        let shown = format!("{cache:?}");
        assert!(shown.contains("entries: 1") && !shown.contains("secret") && !shown.contains("0.123"));
    }
}
