//! Entries with an end: which they are, and deleting those that have come to it.

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};

use super::{Tx, WriteTx};
use crate::{EntryId, Error};

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Row numbers of the entries that expire at some time, past or to come, and when: milliseconds since 1970 (UTC).
    /// O(entries that expire).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let notes = [NewEntry::new("CORS fails on Safari"), NewEntry::new("Release freeze").expires_at(1_900_000_000_000)];
    /// let rows = tx.insert(&notes.each_ref().map(Draft::new))?;
    /// assert_eq!(tx.expiries()?, [(rows[1].row, 1_900_000_000_000)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn expiries(&self) -> Result<Vec<(i64, i64)>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, expires_at FROM entry WHERE expires_at IS NOT NULL ORDER BY expires_at, id",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The same of those among the given entries.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn expiries_among(&self, entries: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT expires_at FROM entry WHERE id = ?1 AND expires_at IS NOT NULL")?;
        let mut expiries = Vec::new();
        for &entry in entries {
            if let Some(at) = statement.query_row([entry], |row| row.get(0)).optional()? {
                expiries.push((entry, at));
            }
        }
        Ok(expiries)
    }

    /// Row numbers of the entries that have expired by now, in ascending order.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn expired(&self) -> Result<Vec<i64>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM entry WHERE expires_at <= ?1 ORDER BY id")?;
        let rows = statement.query_map([self.now_ms()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Deletes the entries that have expired by now and gives their ids, in the order in which they were written. O(expired
    /// entries).
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn delete_expired(&mut self) -> Result<Vec<EntryId>, Error> {
        let rows = self.expired()?;
        self.delete_rows(&rows)
    }
}
