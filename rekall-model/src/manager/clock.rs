//! Time as the manager sees it.

use std::time::Instant;

/// A monotonic clock. Tests pass their own and never sleep.
pub trait Clock: Send + Sync {
    /// The present instant; never earlier than one given before.
    fn now(&self) -> Instant;
}

/// The operating system's monotonic clock, the default.
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
