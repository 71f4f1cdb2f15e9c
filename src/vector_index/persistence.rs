//! What of the index is kept in the file, and when it is renewed.

use std::sync::{Mutex, PoisonError};

use rekall_core::{LogPosition, Space, WriteTx};

use super::file::{IndexFile, drop_vec0_table};
use crate::{CancelToken, Error};

/// What of the index is kept in the file. The settings decide, not the backend in use: one that is too small to be worth
/// persisting grows into one that is.
pub(crate) trait Persistence: Send + Sync {
    /// Marks what is persisted as damaged, because it speaks of rows that are not there.
    fn distrust(&self, file: &IndexFile, space: &Space) -> Result<(), Error>;

    /// Drops what any backend has persisted. A form that is made from the rows alone, in the same transaction, may be made
    /// again at once.
    fn reset(&self, file: &IndexFile, _cancel: Option<&CancelToken>) -> Result<(), Error> {
        file.drop_persisted()
    }

    /// Drops, in a transaction that erases vectors, the copies that another backend has persisted and that nobody brings up
    /// to date with these settings. Blocks of codes are dropped by the storage itself.
    fn erase_copies(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        drop_vec0_table(tx)
    }

    /// Looks, after a write, whether what is persisted should be renewed.
    fn check(&self, file: &IndexFile) -> Result<Renewal, Error>;
}

/// Whether what is persisted should be renewed.
pub(crate) enum Renewal {
    /// Nothing is ever persisted.
    Never,
    /// Not before the change log comes to this position, unless damage is found or the file is replaced by an older state.
    NotBefore(LogPosition),
    /// Now, from the index that the keeper has.
    Due,
    /// It was due, and is done; the index in memory is out of date.
    Done,
}

/// Nothing is kept in the file.
pub(crate) struct NotPersisted;

impl Persistence for NotPersisted {
    fn distrust(&self, _: &IndexFile, _: &Space) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, _: &IndexFile) -> Result<Renewal, Error> {
        Ok(Renewal::Never)
    }
}

/// When to look next whether what is persisted should be renewed, so that a write need not look in the file each time.
#[derive(Default)]
pub(crate) struct RenewalClock(Mutex<Option<LogPosition>>);

impl RenewalClock {
    /// Whether a renewal may be due now that the change log stands at `now`.
    pub(crate) fn has_struck(&self, now: LogPosition) -> bool {
        let next = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_none_or(|next| !next.same_history(now) || now.number() >= next.number())
    }

    /// There is nothing to do before the change log comes to `next`; `None`: the next write looks.
    pub(crate) fn set(&self, next: Option<LogPosition>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_strikes_at_its_position_and_in_another_history() {
        let clock = RenewalClock::default();
        let at = |number| LogPosition::new(7, number);
        assert!(clock.has_struck(at(0)), "never set");
        clock.set(Some(at(100)));
        assert!(!clock.has_struck(at(99)));
        assert!(clock.has_struck(at(100)));
        assert!(clock.has_struck(LogPosition::new(8, 1)), "an older state was put into the file");
        clock.set(None);
        assert!(clock.has_struck(at(1)));
    }
}
