//! How a manager behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};
use super::events::ModelEvent;

/// How long an idle model stays in memory, counted from the end of the last lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// For this long.
    For(Duration),
    /// Until [`unload`](crate::ModelManager::unload).
    Forever,
    /// Not at all: it is dropped when the last lease ends.
    Unload,
}

impl Default for KeepAlive {
    /// Ten minutes.
    fn default() -> Self {
        Self::For(Duration::from_secs(600))
    }
}

/// Receives a manager's events.
pub type EventObserver = Arc<dyn Fn(&ModelEvent<'_>) + Send + Sync>;

/// A manager's settings.
#[derive(Clone)]
#[non_exhaustive]
pub struct ManagerOptions {
    /// How long to keep the model, for leases that do not say otherwise. Default: ten minutes.
    pub keep_alive: KeepAlive,
    /// Receives every event. Default: none.
    pub observer: Option<EventObserver>,
    /// The clock that idle times are measured by. Default: the system's monotonic clock.
    pub clock: Arc<dyn Clock>,
    /// Call [`release_memory`](crate::release_memory) after each unload. Default: false, because it concerns
    /// the whole process, which belongs to the host.
    pub release_memory: bool,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            keep_alive: KeepAlive::default(),
            observer: None,
            clock: Arc::new(SystemClock),
            release_memory: false,
        }
    }
}

impl fmt::Debug for ManagerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerOptions")
            .field("keep_alive", &self.keep_alive)
            .field("observer", &self.observer.is_some())
            .field("release_memory", &self.release_memory)
            .finish_non_exhaustive()
    }
}

/// Options of one lease.
#[derive(Default)]
#[non_exhaustive]
pub struct LeaseOptions<'a> {
    /// How long to keep the model after this lease, if it is the last to end. Default: the manager's.
    pub keep_alive: Option<KeepAlive>,
    /// Receives `Loading`, then `Loaded` or `LoadFailed`, if this call has to wait for a load.
    pub observer: Option<&'a dyn Fn(&ModelEvent<'_>)>,
}

impl fmt::Debug for LeaseOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseOptions").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}
