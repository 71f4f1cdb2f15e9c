//! How a manager behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};
use super::events::ModelEvent;

/// How long an idle model stays in memory. Idle begins when the last lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// So long.
    For(Duration),
    /// Until [`unload`](crate::ModelManager::unload).
    Forever,
    /// Not at all: gone when the last lease ends.
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
    /// For calls that do not say otherwise. Default: ten minutes.
    pub keep_alive: KeepAlive,
    /// Told of every event. Default: nobody.
    pub observer: Option<EventObserver>,
    /// The time. Default: the system's monotonic clock.
    pub clock: Arc<dyn Clock>,
    /// Call [`release_memory`](crate::release_memory) after each unload. Default: no, since it concerns
    /// the whole process, which is the host's.
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

/// Wishes of one call.
#[derive(Default)]
#[non_exhaustive]
pub struct LeaseOptions<'a> {
    /// How long to keep the model after this lease, if it is the last to end. Default: the manager's.
    pub keep_alive: Option<KeepAlive>,
    /// Told "loading", then "loaded" or "failed", if this call has to wait for a load.
    pub observer: Option<&'a dyn Fn(&ModelEvent<'_>)>,
}

impl fmt::Debug for LeaseOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseOptions").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}
