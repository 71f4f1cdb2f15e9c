//! Entries page by page, without a search.

use std::ops::Deref;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use super::forward::Forward;
use super::{Tx, rows};
use crate::{Entry, EntryId, Error, Filter};

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Up to `limit` entries that pass the filter, by id ascending, which is oldest first; with `after`, only those
    /// after that id, whether it still exists or not. Costs about 20 µs an entry returned, and a look at every
    /// entry between them that does not pass.
    ///
    /// An entry that cannot be read ends the page before it; the next page then fails with
    /// [`Error::UnreadableEntry`], whose id is what to go on `after`.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let page = tx.list(&Filter::new(), None, 1)?;
    /// let next = tx.list(&Filter::new(), Some(page[0].id), 1)?;
    /// assert_eq!((page[0].id, next[0].id), (ids[0].id, ids[1].id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`], [`Error::Sqlite`] or [`Error::Corrupt`]; what [`Filter::validate`] refuses.
    pub fn list(&self, filter: &Filter, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, Error> {
        let compiled = filter.compile()?;
        let mut parameters = compiled.parameters;
        // Ids are text, and every text is greater than none.
        parameters.push(SqlValue::Text(after.map_or_else(String::new, |id| id.to_string())));
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let condition = compiled.condition;
        let entries = rows::selected(
            &self.connection,
            &format!("WHERE ({condition}) AND entry.ulid > ? ORDER BY entry.ulid LIMIT ?"),
            params_from_iter(parameters),
        )?;
        let mut walk = Forward::after("ids", after);
        entries.iter().try_for_each(|entry| walk.step(entry.id))?;
        Ok(entries)
    }

    /// Number of entries that pass the filter. Cost as that of [`matching`](Self::matching).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.count(&Filter::new())?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn count(&self, filter: &Filter) -> Result<u64, Error> {
        let compiled = filter.compile()?;
        let sql = format!("SELECT count(*) FROM entry WHERE {}", compiled.condition);
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(compiled.parameters), |row| row.get(0))?)
    }
}
