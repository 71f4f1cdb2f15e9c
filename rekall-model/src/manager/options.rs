//! How a manager behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};
use super::events::ModelEvent;

/// How long an idle model stays in memory, counted from the end of the last lease.
///
/// ```
/// use std::time::Duration;
/// use rekall_model::KeepAlive;
///
/// assert_eq!(KeepAlive::default(), KeepAlive::For(Duration::from_secs(600)));
/// ```
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
///
/// ```
/// use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelEvent, ModelManager, ModelSource};
///
/// let options = ManagerOptions::new().keep_alive(KeepAlive::Forever).observer(|event| {
///     if let ModelEvent::Loaded { source, elapsed, bytes } = event {
///         println!("{source} loaded in {elapsed:?}, {bytes} bytes");
///     }
/// });
/// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), options);
/// assert_eq!(manager.next_deadline(), None);
/// ```
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

impl ManagerOptions {
    /// The defaults.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rekall_model::{KeepAlive, ManagerOptions};
    ///
    /// let minute = KeepAlive::For(Duration::from_secs(60));
    /// let options = ManagerOptions::new().keep_alive(minute).release_memory(true);
    /// assert_eq!(options.keep_alive, minute);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// Sets [`observer`](Self::observer).
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&ModelEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`release_memory`](Self::release_memory).
    #[must_use]
    pub fn release_memory(mut self, release: bool) -> Self {
        self.release_memory = release;
        self
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
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use std::cell::Cell;
/// use rekall_model::{LeaseOptions, LoadOptions, ManagerOptions, ModelEvent, ModelManager, ModelSource};
///
/// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
/// let waited = Cell::new(false);
/// let observer = |event: &ModelEvent<'_>| {
///     waited.set(waited.get() || matches!(event, ModelEvent::Loading { .. }));
/// };
/// let lease = manager.lease_with(&LeaseOptions::new().observer(&observer))?;
/// assert!(waited.get(), "this call loaded the model");
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Default)]
#[non_exhaustive]
pub struct LeaseOptions<'a> {
    /// How long to keep the model after this lease, if it is the last to end. Default: the manager's.
    pub keep_alive: Option<KeepAlive>,
    /// Receives `Loading`, then `Loaded` or `LoadFailed`, if this call has to wait for a load.
    pub observer: Option<&'a dyn Fn(&ModelEvent<'_>)>,
}

impl<'a> LeaseOptions<'a> {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`keep_alive`](Self::keep_alive).
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = Some(keep_alive);
        self
    }

    /// Sets [`observer`](Self::observer).
    #[must_use]
    pub fn observer(mut self, observer: &'a dyn Fn(&ModelEvent<'_>)) -> Self {
        self.observer = Some(observer);
        self
    }
}

impl fmt::Debug for LeaseOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseOptions").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}
