//! How large a cache may grow and how long it keeps things.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::limits::Limits;

/// Limits, time to live and clock of an [`EmbeddingCache`](crate::EmbeddingCache).
///
/// Each setter takes a value, or `None` for "no such limit".
///
/// ```
/// use rekall_cache::CacheOptions;
///
/// let by_size_alone = CacheOptions::new().max_entries(None).max_bytes(64 << 20);
/// let for_good = CacheOptions::new().time_to_live(None);
/// ```
#[derive(Clone)]
pub struct CacheOptions {
    max_entries: Option<usize>,
    max_bytes: Option<u64>,
    time_to_live: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl CacheOptions {
    /// 1000 entries, no limit in bytes, 600 seconds, the system's monotonic clock.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// (0..2_000_u64).for_each(|key| drop(cache.insert(key, [0.6, 0.8])));
    /// assert!(cache.len() <= 1_000);
    /// ```
    pub fn new() -> Self {
        Self {
            max_entries: Some(1000),
            max_bytes: None,
            time_to_live: Some(Duration::from_secs(600)),
            clock: Arc::new(SystemClock),
        }
    }

    /// Most entries held at once. Any number; 0 stores nothing; `None` sets no such limit.
    ///
    /// Defaults to 1000. It stays in force beside [`max_bytes`](Self::max_bytes); give `None` to limit by
    /// bytes alone.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new().max_entries(2));
    /// (0..10_u64).for_each(|key| drop(cache.insert(key, [0.6, 0.8])));
    /// assert!(cache.len() <= 2);
    /// ```
    #[must_use]
    pub fn max_entries(mut self, entries: impl Into<Option<usize>>) -> Self {
        self.max_entries = entries.into();
        self
    }

    /// Most bytes held at once, each entry counted as
    /// [`entry_bytes`](crate::EmbeddingCache::entry_bytes). Any number; 0 stores nothing; `None` sets no
    /// such limit. A vector that would take more than 97 % of it is not kept.
    ///
    /// Defaults to `None`.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let room = 5 * EmbeddingCache::entry_bytes(&0_u64, 384);
    /// let cache = EmbeddingCache::new(CacheOptions::new().max_entries(None).max_bytes(room));
    /// (0..10_u64).for_each(|key| drop(cache.insert(key, vec![0.0; 384])));
    /// assert!(cache.stats().bytes <= room);
    /// ```
    #[must_use]
    pub fn max_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_bytes = bytes.into();
        self
    }

    /// Age at which a vector expires, counted from when it was stored; reading does not renew it. Zero means
    /// that every vector has expired at once, so nothing is stored; `None` that vectors never expire.
    ///
    /// Defaults to 600 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_cache::{CacheOptions, EmbeddingCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let options = CacheOptions::new().time_to_live(Duration::from_secs(10)).clock(clock.clone());
    /// let cache = EmbeddingCache::new(options);
    /// cache.insert(7_u64, [0.6, 0.8]);
    /// clock.advance(Duration::from_secs(9));
    /// assert!(cache.contains(&7));
    /// clock.advance(Duration::from_secs(1));
    /// assert!(!cache.contains(&7));
    /// ```
    #[must_use]
    pub fn time_to_live(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.time_to_live = age.into();
        self
    }

    /// The clock that ages are measured by.
    ///
    /// Defaults to [`SystemClock`].
    ///
    /// ```
    /// use std::time::Instant;
    /// use rekall_cache::{CacheOptions, Clock, EmbeddingCache};
    ///
    /// /// Coarse time that the host's event loop keeps anyway.
    /// struct LoopTime(Instant);
    ///
    /// impl Clock for LoopTime {
    ///     fn now(&self) -> Instant {
    ///         self.0
    ///     }
    /// }
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new().clock(LoopTime(Instant::now())));
    /// assert!(cache.insert(7_u64, [0.6, 0.8]));
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits::new(self.max_entries.map(|entries| entries as u64), self.max_bytes)
    }

    pub(crate) fn into_time(self) -> (Option<Duration>, Arc<dyn Clock>) {
        (self.time_to_live, self.clock)
    }
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CacheOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheOptions")
            .field("max_entries", &self.max_entries)
            .field("max_bytes", &self.max_bytes)
            .field("time_to_live", &self.time_to_live)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_documented_ones() {
        let options = CacheOptions::default();
        assert_eq!(options.max_entries, Some(1000));
        assert_eq!(options.max_bytes, None);
        assert_eq!(options.time_to_live, Some(Duration::from_secs(600)));
        assert_eq!(
            format!("{options:?}"),
            "CacheOptions { max_entries: Some(1000), max_bytes: None, time_to_live: Some(600s), .. }"
        );
    }
}
