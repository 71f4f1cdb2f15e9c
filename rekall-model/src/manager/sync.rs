//! The manager's locks. The model checker compiles [`slot`](super::slot) a second time with `shuttle`'s
//! primitives in the place of these.

pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Nothing panics while a lock taken here is held, so a poisoned one still guards a sound state.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
