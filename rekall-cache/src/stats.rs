//! What a cache counts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counts since the cache was made, and what it holds now.
///
/// When no call is under way, these hold exactly:
///
/// * `hits + misses` = lookups: one for each call of [`get`](crate::EmbeddingCache::get) and of
///   [`get_or_try_insert_with`](crate::EmbeddingCache::get_or_try_insert_with), one for each key given to
///   [`get_matrix`](crate::EmbeddingCache::get_matrix). `contains` and `len` count as neither.
/// * `insertions = entries + replacements + evictions + expirations + invalidations`: what was stored is
///   still there, or was removed in one of four ways.
///
/// While other threads work, figures read together may differ by the calls under way.
///
/// ```
/// use rekall_cache::{CacheOptions, EmbeddingCache};
///
/// let cache = EmbeddingCache::new(CacheOptions::new().max_entries(10));
/// (0..30_u64).for_each(|key| drop(cache.insert(key, [0.6, 0.8])));
/// let stats = cache.stats();
/// let removed = stats.replacements + stats.evictions + stats.expirations + stats.invalidations;
/// assert_eq!(stats.insertions, stats.entries + removed);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups answered without the caller computing anything: from a stored vector, or from the
    /// computation of another thread that the call waited for.
    pub hits: u64,
    /// All other lookups: nothing was stored, or the entry had expired.
    pub misses: u64,
    /// Computations begun by `get_or_try_insert_with`.
    pub loads: u64,
    /// Those of the loads that returned an error or panicked.
    pub load_failures: u64,
    /// Vectors stored.
    pub insertions: u64,
    /// Vectors offered and not stored: larger than the limits allow, a capacity or time to live of zero,
    /// invalidated while computed, overtaken by a newer vector, or turned away by the eviction policy.
    pub rejections: u64,
    /// Vectors that were replaced by a newer one for the same key.
    pub replacements: u64,
    /// Vectors dropped to keep within the limits.
    pub evictions: u64,
    /// Vectors dropped because a call found them expired.
    pub expirations: u64,
    /// Unexpired vectors dropped by `invalidate`, `invalidate_if` and `clear`.
    pub invalidations: u64,
    /// Entries held now, including expired ones that no call has found yet.
    pub entries: u64,
    /// Bytes held now by these entries, counted as
    /// [`entry_bytes`](crate::EmbeddingCache::entry_bytes).
    pub bytes: u64,
}

impl CacheStats {
    /// Hits per lookup, from 0 to 1; `None` before the first lookup.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// assert_eq!(cache.stats().hit_rate(), None);
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// for key in [7, 7, 7, 8] {
    ///     cache.get(&key);
    /// }
    /// assert_eq!(cache.stats().hit_rate(), Some(0.75));
    /// ```
    pub fn hit_rate(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Count,
    pub(crate) misses: Count,
    pub(crate) loads: Count,
    pub(crate) load_failures: Count,
    pub(crate) insertions: Count,
    pub(crate) rejections: Count,
    pub(crate) replacements: Count,
    pub(crate) evictions: Count,
    pub(crate) expirations: Count,
    pub(crate) invalidations: Count,
    /// Signed, because a removal may be counted before the insertion that it follows.
    bytes: AtomicI64,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn lookup(&self, hit: bool) {
        if hit { self.hits.one() } else { self.misses.one() }
    }

    /// Counts one operation's bytes in one step, so that freed and used room appear together.
    pub(crate) fn exchange_bytes(&self, added: u64, removed: u64) {
        self.bytes.fetch_add(added.wrapping_sub(removed) as i64, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, entries: u64) -> CacheStats {
        CacheStats {
            hits: self.hits.read(),
            misses: self.misses.read(),
            loads: self.loads.read(),
            load_failures: self.load_failures.read(),
            insertions: self.insertions.read(),
            rejections: self.rejections.read(),
            replacements: self.replacements.read(),
            evictions: self.evictions.read(),
            expirations: self.expirations.read(),
            invalidations: self.invalidations.read(),
            entries,
            bytes: u64::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hit_rate_is_undefined_before_the_first_lookup() {
        assert_eq!(CacheStats::default().hit_rate(), None);
        let stats = CacheStats { hits: 3, misses: 1, ..CacheStats::default() };
        assert_eq!(stats.hit_rate(), Some(0.75));
    }

    #[test]
    fn bytes_never_read_below_zero() {
        let counters = Counters::default();
        counters.exchange_bytes(0, 100);
        assert_eq!(counters.read(0).bytes, 0);
        counters.exchange_bytes(150, 20);
        assert_eq!(counters.read(0).bytes, 30);
    }
}
