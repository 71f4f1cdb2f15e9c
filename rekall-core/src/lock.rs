//! Locks that a panic does not take away.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic of another holder. What these locks guard is whole at any moment: a transaction that a panic
/// left open is rolled back by the next writer.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
