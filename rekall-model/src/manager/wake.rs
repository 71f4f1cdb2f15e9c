//! The signal that wakes the reaper's thread.

use std::sync::PoisonError;
use std::time::Duration;

use super::sync::{Condvar, Mutex, lock};

/// Says that the next deadline may have changed, or that the thread is to end.
#[derive(Default)]
pub(super) struct WakeSignal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The deadline may have changed since the present round began.
    notified: bool,
    stopped: bool,
}

impl WakeSignal {
    /// The deadline may have changed.
    pub(super) fn notify(&self) {
        lock(&self.state).notified = true;
        self.changed.notify_all();
    }

    /// The thread is to end.
    pub(super) fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }

    /// Begins a round of the thread; false if it is to end. What is notified from now on ends this round's
    /// wait.
    pub(super) fn begin_round(&self) -> bool {
        let mut state = lock(&self.state);
        state.notified = false;
        !state.stopped
    }

    /// Blocks until something is notified, the thread is to end, or the time has passed; it may also return
    /// early.
    pub(super) fn wait(&self, time: Option<Duration>) {
        let state = lock(&self.state);
        if state.notified || state.stopped {
            return;
        }
        match time {
            Some(time) => drop(self.changed.wait_timeout(state, time)),
            None => drop(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)),
        }
    }
}
