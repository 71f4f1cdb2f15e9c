//! When entries were made, changed or used.

use std::collections::HashMap;
use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::Tx;
use crate::Error;

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
    /// When a use of it was last recorded ([`WriteTx::record_usage`](crate::WriteTx::record_usage)); when it was made, if none
    /// was.
    LastUsed,
}

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The time of each of these entries, by row number, in milliseconds since 1970 (UTC); rows without an entry are left
    /// out. A look-up for each, some microseconds.
    ///
    /// ```
    /// # use rekall_core::{Draft, EntryTime, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let note = NewEntry::new("CORS fails on Safari").created_at(1_700_000_000_000);
    /// let row = tx.insert(&[Draft::new(&note)])?[0].row;
    /// assert_eq!(tx.times(EntryTime::Created, &[row])?[&row], 1_700_000_000_000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn times(&self, time: EntryTime, rows: &[i64]) -> Result<HashMap<i64, i64>, Error> {
        let sql = match time {
            EntryTime::Updated => "SELECT updated_at FROM entry WHERE id = ?1",
            EntryTime::Created => "SELECT created_at FROM entry WHERE id = ?1",
            EntryTime::LastUsed => {
                "SELECT ifnull((SELECT last_used_at FROM usage WHERE entry_id = entry.id), created_at)
                 FROM entry WHERE id = ?1"
            }
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut times = HashMap::with_capacity(rows.len());
        for &row in rows {
            if let Some(at) = statement.query_row([row], |found| found.get(0)).optional()? {
                times.insert(row, at);
            }
        }
        Ok(times)
    }
}
