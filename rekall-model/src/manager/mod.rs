//! A model's life: loaded late, once, held while used, let go when idle.

mod clock;
mod events;
mod lifecycle;
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
