//! Entries that pass a filter.

use std::ops::Deref;

use rusqlite::{Connection, params_from_iter};

use super::Tx;
use crate::{Error, Filter};

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Row numbers of the entries that pass, in ascending order.
    ///
    /// Cost: from an index where the filter names a project, tag or id; otherwise a walk over a narrow index
    /// (some milliseconds for 100,000 entries), or over the entries when metadata is asked for.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.matching(&Filter::new())?, [ids[0].row, ids[1].row]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn matching(&self, filter: &Filter) -> Result<Vec<i64>, Error> {
        let compiled = filter.compile(self.now_ms())?;
        let sql = format!("SELECT entry.id FROM entry WHERE {}", compiled.condition);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(compiled.parameters), |row| row.get(0))?;
        let mut rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        rows.sort_unstable();
        Ok(rows)
    }

    /// Those of the given entries that exist and are obsolete.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn obsolete_among(&self, entries: &[i64]) -> Result<Vec<i64>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1 AND status <> 'active')")?;
        let mut obsolete = Vec::new();
        for &entry in entries {
            if statement.query_row([entry], |row| row.get(0))? {
                obsolete.push(entry);
            }
        }
        Ok(obsolete)
    }

    /// Row numbers of the obsolete entries, in ascending order. O(obsolete entries).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.supersede(ids[0].id, ids[1].id)?;
    /// assert_eq!(tx.obsolete()?, [ids[0].row]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn obsolete(&self) -> Result<Vec<i64>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM entry WHERE status <> 'active' ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Number of entries. O(entries), from the narrowest index.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.count_entries()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn count_entries(&self) -> Result<u64, Error> {
        Ok(self.connection.prepare_cached("SELECT count(*) FROM entry")?.query_row([], |row| row.get(0))?)
    }
}
