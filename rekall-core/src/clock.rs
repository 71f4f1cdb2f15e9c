//! The wall clock, passed in so that no test has to sleep.

use std::time::{SystemTime, UNIX_EPOCH};

/// Gives the time of day, with which entries are stamped.
///
/// Implementers may go backwards (people set clocks): ids stay monotonic all the same.
///
/// ```
/// use rekall_core::WallClock;
///
/// #[derive(Debug)]
/// struct Fixed;
///
/// impl WallClock for Fixed {
///     fn now_ms(&self) -> i64 {
///         1_735_689_600_000
///     }
/// }
///
/// let mut options = rekall_core::StoreOptions::default();
/// options.clock = std::sync::Arc::new(Fixed);
/// ```
pub trait WallClock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWallClock;

impl WallClock for SystemWallClock {
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
