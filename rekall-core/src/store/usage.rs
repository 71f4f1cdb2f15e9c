//! When entries were last used, and how often. Kept beside the entries: using one does not change it.

use crate::{EntryId, Error};
use serde::Serialize;

/// How an entry was used, as its users recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// When last: milliseconds since 1970 (UTC).
    pub last_used_at: i64,
    /// How often.
    pub uses: u64,
}

impl Usage {
    /// So many uses, the last one at that time.
    #[must_use]
    pub const fn new(last_used_at: i64, uses: u64) -> Self {
        Self { last_used_at, uses }
    }
}

/// How often entries were used.
pub trait ReadUsage {
    /// How each of these entries was used, in the order given; `None` where no use is recorded or no entry has the id.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn usage(&self, ids: &[EntryId]) -> Result<Vec<Option<Usage>>, Error>;
}

/// Recording that entries were used.
pub trait WriteUsage {
    /// Adds uses to those recorded; of the times the latest stays. Gives the number of entries: those that are gone are left
    /// out. No entry changes, and no reader of the change log hears of it.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions, Usage};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let id = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?[0].id;
    /// tx.record_usage(&[(id, Usage::new(1_700_000_000_000, 2))])?;
    /// tx.record_usage(&[(id, Usage::new(1_600_000_000_000, 1))])?;
    /// assert_eq!(tx.usage(&[id])?, [Some(Usage::new(1_700_000_000_000, 3))]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn record_usage(&mut self, usage: &[(EntryId, Usage)]) -> Result<usize, Error>;
}
