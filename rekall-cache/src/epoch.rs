//! The count of invalidations, by which a late computation is recognized as stale.
//!
//! The rule, for a vector whose computation began at some epoch:
//!
//! 1. A call that invalidates first raises the epoch (with exclusive access to the gate), then removes what
//!    is stored.
//! 2. A call that stores holds the gate (shared) while it compares the epoch and stores.
//!
//! Storing therefore either ends before the epoch rises, and the removal finds the vector, or begins
//! afterwards, and sees that it is late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[derive(Debug, Default)]
pub(crate) struct Epochs {
    gate: RwLock<()>,
    bulk: AtomicU64,
    any: AtomicU64,
}

/// A moment in the order of invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// Raised if any key may be affected. (For a single key, removing it also detaches the computation under
    /// way, so no epoch is needed.)
    pub(crate) bulk: u64,
    /// Raised by every change a caller announces, for one key or for many.
    pub(crate) any: u64,
}

impl Epochs {
    /// The current epoch. Without the gate it may be outdated at once. That is safe for the beginning of a
    /// computation, because the comparison looks for changes after it.
    pub(crate) fn now(&self) -> Epoch {
        let epoch = Epoch { bulk: self.bulk.load(Ordering::Acquire), any: self.any.load(Ordering::Acquire) };
        // Widens the window between comparing and storing, for the tests of that race.
        #[cfg(test)]
        std::thread::yield_now();
        epoch
    }

    /// Keeps the epoch from rising. The holder must not run the caller's code.
    pub(crate) fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn raise(&self) {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.any.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn raise_bulk(&self) {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.any.fetch_add(1, Ordering::Release);
        self.bulk.fetch_add(1, Ordering::Release);
    }
}
