//! The optional thread that unloads an idle model in time.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;

use super::{Inner, lock};
use crate::Error;

/// Wakes the reaper.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Default)]
struct BellState {
    /// Something changed since the reaper last looked.
    ringing: bool,
    stop: bool,
}

impl Bell {
    pub(super) fn ring(&self) {
        lock(&self.state).ringing = true;
        self.rung.notify_all();
    }

    fn stop(&self) {
        lock(&self.state).stop = true;
        self.rung.notify_all();
    }
}

thread_local! {
    /// Where the manager lies whose reaper this thread is. Asking std for this thread's handle would leave that allocated for
    /// as long as the host's thread lives that drops the manager.
    static REAPS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// The thread; stopped and joined when dropped.
pub(super) struct Reaper {
    inner: Weak<Inner>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    pub(super) fn start(inner: &Arc<Inner>) -> Result<Self, Error> {
        let shared = Arc::clone(inner);
        let thread = std::thread::Builder::new()
            .name("rekall-reaper".into())
            .spawn(move || run(&shared))
            .map_err(|error| Error::Compute { reason: format!("no thread for the reaper: {error}") })?;
        Ok(Self { inner: Arc::downgrade(inner), thread: Some(thread) })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.bell.stop();
        }
        let Some(thread) = self.thread.take() else { return };
        // An observer of an event may drop the manager on the reaper's own thread: that thread
        // cannot join itself, and ends right after.
        if REAPS_FOR.get() != self.inner.as_ptr().addr() {
            // It catches panics of the observers it runs.
            drop(thread.join());
        }
    }
}

fn run(inner: &Inner) {
    REAPS_FOR.set(std::ptr::from_ref(inner).addr());
    let mut state = lock(&inner.bell.state);
    while !state.stop {
        state.ringing = false;
        drop(state);
        let now = inner.options.clock.now();
        // An observer that panics concerns the host, whose panic hook has told it; the next model has to go all the same.
        let unloaded = catch_unwind(AssertUnwindSafe(|| inner.unload_if_idle(now)));
        if unloaded.is_err() {
            tracing::warn!("an observer panicked when the model was unloaded");
        }
        let wait = inner.next_deadline().map(|deadline| deadline.saturating_duration_since(now));
        state = lock(&inner.bell.state);
        if state.ringing || state.stop {
            continue;
        }
        state = match wait {
            Some(time) => match inner.bell.rung.wait_timeout(state, time) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            },
            None => inner.bell.rung.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner),
        };
    }
}
