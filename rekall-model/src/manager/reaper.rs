//! The optional thread that unloads an idle model.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use super::lifecycle::Lifecycle;
use super::managed::Managed;
use crate::Error;

thread_local! {
    /// Address of the manager whose reaper this thread is. Comparing thread handles instead would allocate
    /// one in the host's thread that drops the manager, for as long as that thread lives.
    static REAPS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// The thread; stopped and joined when dropped.
pub(super) struct Reaper<M: Managed + ?Sized> {
    lifecycle: Weak<Lifecycle<M>>,
    thread: Option<JoinHandle<()>>,
}

impl<M: Managed + ?Sized> Reaper<M> {
    pub(super) fn start(lifecycle: &Arc<Lifecycle<M>>) -> Result<Self, Error> {
        let shared = Arc::clone(lifecycle);
        let thread = std::thread::Builder::new()
            .name("rekall-reaper".into())
            .spawn(move || run(&shared))
            .map_err(|error| Error::Compute { reason: format!("no thread for the reaper: {error}") })?;
        Ok(Self { lifecycle: Arc::downgrade(lifecycle), thread: Some(thread) })
    }
}

impl<M: Managed + ?Sized> Drop for Reaper<M> {
    fn drop(&mut self) {
        if let Some(lifecycle) = self.lifecycle.upgrade() {
            lifecycle.wake.stop();
        }
        let Some(thread) = self.thread.take() else { return };
        // An observer of an event may drop the manager on the reaper's own thread: that thread
        // cannot join itself, and ends right after.
        if REAPS_FOR.get() != self.lifecycle.as_ptr().addr() {
            // It catches panics of the observers it runs.
            drop(thread.join());
        }
    }
}

fn run<M: Managed + ?Sized>(lifecycle: &Lifecycle<M>) {
    REAPS_FOR.set(std::ptr::from_ref(lifecycle).addr());
    while lifecycle.wake.begin_round() {
        let now = lifecycle.options.clock.now();
        // The host's panic hook has reported an observer's panic; the next model has to be unloaded all the
        // same.
        let unloaded = catch_unwind(AssertUnwindSafe(|| lifecycle.unload_if_idle(now)));
        if unloaded.is_err() {
            tracing::warn!("an observer panicked when the model was unloaded");
        }
        let deadline = lifecycle.next_deadline();
        lifecycle.wake.wait(deadline.map(|deadline| deadline.saturating_duration_since(now)));
    }
}
