//! Keeps a model in memory only while it is needed: loaded on first use, once; held while in use; dropped
//! when idle.

mod clock;
mod events;
mod lifecycle;
mod managed;
mod model_manager;
mod options;
mod reaper;
#[cfg(test)]
mod shuttle_tests;
mod slot;
mod sync;
#[cfg(test)]
mod tests;
mod wake;

pub use clock::{Clock, SystemClock};
pub use events::{ManagerStats, ModelEvent, ModelState, UnloadOutcome};
pub use lifecycle::ModelLease;
pub use model_manager::ModelManager;
pub use options::{EventObserver, KeepAlive, LeaseOptions, ManagerOptions};
