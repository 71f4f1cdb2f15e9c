//! The count of invalidations, by which a late computation is recognised as stale.
//!
//! The rule, for a vector whose computation began at some epoch:
//!
//! 1. Whoever invalidates first raises the epoch (taking the gate alone), then removes what is stored.
//! 2. Whoever stores holds the gate (shared) while it compares the epoch and stores.
//!
//! So a store either ends before the epoch rises, and the removal meets it, or begins after, and sees
//! that it is late. There is no moment between.

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
    /// Raised where any key may be concerned. (For one key, removing it also cuts off the computation
    /// under way, so no epoch is needed.)
    pub(crate) bulk: u64,
    /// Raised by every change a caller announces, for one key or for many.
    pub(crate) any: u64,
}

impl Epochs {
    /// The present epoch. Outside the gate it may be outdated at once, which is safe where it is taken as
    /// the beginning of a computation: a change after that is what the comparison looks for.
    pub(crate) fn now(&self) -> Epoch {
        let epoch = Epoch { bulk: self.bulk.load(Ordering::Acquire), any: self.any.load(Ordering::Acquire) };
        // Widens the window between comparing and storing, for the tests that look into it.
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
