//! Time as the manager sees it.

use std::time::Instant;

/// A monotonic clock. Tests pass their own and never sleep.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::{Duration, Instant};
/// use rekall_model::{Clock, ManagerOptions};
///
/// /// A clock that a test moves by hand.
/// struct ManualClock(Mutex<Instant>);
///
/// impl Clock for ManualClock {
///     fn now(&self) -> Instant {
///         *self.0.lock().unwrap()
///     }
/// }
///
/// let options = ManagerOptions::new().clock(ManualClock(Mutex::new(Instant::now())));
/// let before = options.clock.now();
/// assert_eq!(options.clock.now() - before, Duration::ZERO);
/// ```
pub trait Clock: Send + Sync {
    /// The present instant; never earlier than one given before.
    fn now(&self) -> Instant;
}

/// The operating system's monotonic clock, the default.
///
/// ```
/// use rekall_model::{Clock, SystemClock};
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

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}
