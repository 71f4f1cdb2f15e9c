//! Entries that pass a filter.

use crate::{Error, Filter};

/// Which entries a filter admits.
pub trait MatchEntries {
    /// Row numbers of the entries that pass, in ascending order.
    ///
    /// Cost: from an index where the filter names a project, tag or id; otherwise a walk over a narrow index
    /// (some milliseconds for 100,000 entries), or over the entries when metadata is asked for.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.matching(&Filter::new())?, [ids[0].row, ids[1].row]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn matching(&self, filter: &Filter) -> Result<Vec<i64>, Error>;

    /// Those of the given entries that exist and are obsolete.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn obsolete_among(&self, entries: &[i64]) -> Result<Vec<i64>, Error>;

    /// Row numbers of the obsolete entries, in ascending order. O(obsolete entries).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.supersede(ids[0].id, ids[1].id)?;
    /// assert_eq!(tx.obsolete()?, [ids[0].row]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn obsolete(&self) -> Result<Vec<i64>, Error>;

    /// Number of entries. O(entries), from the narrowest index.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.count_entries()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn count_entries(&self) -> Result<u64, Error>;
}
