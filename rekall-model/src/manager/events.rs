//! What a manager reports.

use std::time::Duration;

use crate::{Error, ReleasedMemory};

/// Something that happened to a managed model. Delivered outside all locks, on the thread that caused it or
/// waited for it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ModelEvent<'a> {
    /// A load begins. The manager's observer receives it once per load; the observer of each call that waits
    /// for the load receives it once.
    Loading {
        /// Where from, as [`ModelSource`](crate::ModelSource) prints it.
        source: &'a str,
    },
    /// A load ended well. Delivered like `Loading`.
    Loaded {
        /// Where from.
        source: &'a str,
        /// How long it took; for a waiting call, how long it waited.
        elapsed: Duration,
        /// Heap the model holds, in bytes.
        bytes: usize,
    },
    /// A load failed. Delivered like `Loading`; the next call tries again.
    LoadFailed {
        /// Where from.
        source: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// The model was dropped. Only the manager's observer receives it.
    Unloaded {
        /// Where it came from.
        source: &'a str,
        /// Heap it held, in bytes.
        bytes: usize,
        /// What the allocator gave back to the operating system, if that was asked for.
        released: Option<ReleasedMemory>,
    },
}

/// A manager's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    /// Not in memory.
    Unloaded,
    /// Some thread is loading it.
    Loading,
    /// In memory.
    Ready,
}

/// What [`ModelManager::unload`](crate::ModelManager::unload) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnloadOutcome {
    /// The model was dropped.
    Done {
        /// Heap it held, in bytes.
        bytes: usize,
    },
    /// It is in use or being loaded, and is dropped when the last lease ends.
    Pending {
        /// Leases in use; 0 while it is being loaded.
        leases: usize,
    },
    /// It was not in memory.
    NotLoaded,
}

/// A manager's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagerStats {
    /// The state now.
    pub state: ModelState,
    /// Leases in use now.
    pub leases: usize,
    /// Loads that succeeded.
    pub loads: u64,
    /// Loads that failed.
    pub failed_loads: u64,
    /// Times the model was dropped.
    pub unloads: u64,
    /// How long the last successful load took.
    pub last_load: Option<Duration>,
    /// How long it has been idle, if it is in memory and not leased.
    pub idle: Option<Duration>,
    /// Heap it holds now, in bytes; 0 when unloaded.
    pub bytes: usize,
}
