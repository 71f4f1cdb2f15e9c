//! Entries with an end: which they are, and deleting those that have come to it.

use crate::{EntryId, Error};

/// Which entries expire, and when.
pub trait ReadExpiry {
    /// Row numbers of the entries that expire at some time, past or to come, and when: milliseconds since 1970 (UTC).
    /// O(entries that expire).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let notes = [NewEntry::new("CORS fails on Safari"), NewEntry::new("Release freeze").expires_at(1_900_000_000_000)];
    /// let rows = tx.insert(&notes.each_ref().map(Draft::new))?;
    /// assert_eq!(tx.expiries()?, [(rows[1].row, 1_900_000_000_000)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn expiries(&self) -> Result<Vec<(i64, i64)>, Error>;

    /// The same of those among the given entries.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn expiries_among(&self, entries: &[i64]) -> Result<Vec<(i64, i64)>, Error>;

    /// Row numbers of the entries that have expired by now, in ascending order.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn expired(&self) -> Result<Vec<i64>, Error>;
}

/// Deleting what has expired.
pub trait WriteExpiry {
    /// Deletes the entries that have expired by now and gives their ids, in the order in which they were written. O(expired
    /// entries).
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn delete_expired(&mut self) -> Result<Vec<EntryId>, Error>;
}
