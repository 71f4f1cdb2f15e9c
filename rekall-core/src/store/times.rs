//! When entries were made, changed or used.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A time that an entry has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryTime {
    /// When it was last changed; when it was made, if it never was.
    #[default]
    Updated,
    /// When it was made.
    Created,
    /// When a use of it was last recorded ([`record_usage`](crate::store::WriteUsage::record_usage)); when it was made, if none
    /// was.
    LastUsed,
}

/// The times of entries.
pub trait ReadTimes {
    /// The time of each of these entries, by row number, in milliseconds since 1970 (UTC); rows without an entry are left
    /// out. A look-up for each, some microseconds.
    ///
    /// ```
    /// # use rekall_core::{Draft, EntryTime, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let note = NewEntry::new("CORS fails on Safari").created_at(1_700_000_000_000);
    /// let row = tx.insert(&[Draft::new(&note)])?[0].row;
    /// assert_eq!(tx.times(EntryTime::Created, &[row])?[&row], 1_700_000_000_000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn times(&self, time: EntryTime, rows: &[i64]) -> Result<HashMap<i64, i64>, Error>;
}
