//! When entries were last used, and how often. Kept beside the entries: using one does not change it.

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::{Tx, WriteTx};
use crate::{EntryId, Error};

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

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// How each of these entries was used, in the order given; `None` where no use is recorded or no entry has the id.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn usage(&self, ids: &[EntryId]) -> Result<Vec<Option<Usage>>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT last_used_at, uses FROM usage
             WHERE entry_id = (SELECT entry.id FROM entry WHERE entry.ulid = ?1)",
        )?;
        let mut usage = |id: &EntryId| {
            let found = statement.query_row([id.to_string()], |row| {
                Ok(Usage { last_used_at: row.get(0)?, uses: row.get(1)? })
            });
            Ok(found.optional()?)
        };
        ids.iter().map(&mut usage).collect()
    }
}

impl WriteTx<'_> {
    /// Adds uses to those recorded; of the times the latest stays. Gives the number of entries: those that are gone are left
    /// out. No entry changes, and no reader of the change log hears of it.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions, Usage};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn record_usage(&mut self, usage: &[(EntryId, Usage)]) -> Result<usize, Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO usage (entry_id, last_used_at, uses)
             SELECT id, ?2, ?3 FROM entry WHERE ulid = ?1
             ON CONFLICT (entry_id) DO UPDATE SET
                 last_used_at = max(last_used_at, excluded.last_used_at), uses = uses + excluded.uses",
        )?;
        let mut recorded = 0;
        for (id, usage) in usage {
            recorded += statement.execute((id.to_string(), usage.last_used_at, usage.uses))?;
        }
        Ok(recorded)
    }
}
