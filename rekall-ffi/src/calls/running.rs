//! The calls that run on a handle and can be stopped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekall::CancelToken;

/// Calls that run now and can be stopped.
#[derive(Default)]
pub(crate) struct RunningCalls {
    next: AtomicU64,
    /// How often all were stopped: a call that finds it changed since it began was meant, too.
    stops: AtomicU64,
    calls: Mutex<Vec<(u64, CancelToken)>>,
}

impl RunningCalls {
    pub(crate) fn add(&self, token: &CancelToken) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.calls().push((number, token.clone()));
        number
    }

    pub(crate) fn remove(&self, number: u64) {
        self.calls().retain(|(other, _)| *other != number);
    }

    pub(crate) fn stop_all(&self) {
        // Counted first: a call that is being added either finds the new number or is found in the list.
        self.stops.fetch_add(1, Ordering::AcqRel);
        self.calls().iter().for_each(|(_, token)| token.cancel());
    }

    pub(crate) fn stops(&self) -> u64 {
        self.stops.load(Ordering::Acquire)
    }

    fn calls(&self) -> MutexGuard<'_, Vec<(u64, CancelToken)>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
