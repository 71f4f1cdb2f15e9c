//! Where the cache reads the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A monotonic clock.
///
/// **An implementer must**: return the same instant or a later one on a later call, on any thread (wall-clock
/// time, which can be set back, is not suitable); neither block nor panic; and cost nanoseconds, because
/// every read of a cache whose entries expire calls it.
///
/// **An implementer may rely on**: the cache calls it under none of its locks, and never when
/// [`time_to_live`](crate::CacheOptions::time_to_live) is `None`, except once for each vector stored.
///
/// ```
/// use std::time::Instant;
/// use rekall_cache::Clock;
///
/// /// A clock that stands still.
/// struct Stopped(Instant);
///
/// impl Clock for Stopped {
///     fn now(&self) -> Instant {
///         self.0
///     }
/// }
///
/// let clock = Stopped(Instant::now());
/// assert_eq!(clock.now(), clock.now());
/// ```
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Instant;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// The operating system's monotonic clock, [`Instant::now`]. The default.
///
/// ```
/// use rekall_cache::{Clock, SystemClock};
///
/// let before = SystemClock.now();
/// assert!(SystemClock.now() >= before);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is told to move, for tests.
///
/// Clones share one time, so a test keeps one and gives the other to the cache.
///
/// ```
/// use std::time::Duration;
/// use rekall_cache::{CacheOptions, EmbeddingCache, ManualClock};
///
/// let clock = ManualClock::new();
/// let cache = EmbeddingCache::new(CacheOptions::new().clock(clock.clone()));
/// cache.insert(7_u64, vec![1.0, 2.0]);
/// clock.advance(Duration::from_secs(599));
/// assert!(cache.contains(&7));
/// clock.advance(Duration::from_secs(1));
/// assert!(!cache.contains(&7));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    base: Instant,
    elapsed_nanos: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows some fixed instant.
    pub fn new() -> Self {
        Self { base: Instant::now(), elapsed_nanos: Arc::new(AtomicU64::new(0)) }
    }

    /// Moves this clock and its clones forward. The sum of all moves ends at about 584 years.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_cache::{Clock, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let before = clock.now();
    /// clock.advance(Duration::from_millis(1500));
    /// assert_eq!(clock.now() - before, Duration::from_millis(1500));
    /// ```
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // The closure always returns a value, so the update cannot fail.
        let _ = self
            .elapsed_nanos
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |nanos| Some(nanos.saturating_add(by)));
    }

    /// How far the clock has been moved since it was made.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_cache::ManualClock;
    ///
    /// let clock = ManualClock::new();
    /// clock.advance(Duration::from_secs(3));
    /// assert_eq!(clock.elapsed(), Duration::from_secs(3));
    /// ```
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanos.load(Ordering::Acquire))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.base.checked_add(self.elapsed()).unwrap_or(self.base)
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("elapsed", &self.elapsed()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time() {
        let clock = ManualClock::new();
        let shared = clock.clone();
        let before = shared.now();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(shared.now() - before, Duration::from_millis(1500));
        assert_eq!(shared.elapsed(), Duration::from_millis(1500));
    }

    #[test]
    fn advancing_beyond_the_range_stays_at_its_end() {
        let clock = ManualClock::new();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.elapsed(), Duration::from_nanos(u64::MAX));
        let _ = clock.now();
    }
}
