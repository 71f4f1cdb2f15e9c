//! Links between entries.

use crate::{EntryId, Error, Link, Relation};

/// Links between entries, read.
pub trait ReadLinks {
    /// The links that start or end at an entry, oldest first.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Relation, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.link(ids[0].id, ids[1].id, &Relation::from("caused_by"), Some("found while debugging"))?;
    /// let links = tx.links(ids[1].id)?;
    /// assert_eq!((links[0].source, links[0].target), (ids[0].id, ids[1].id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn links(&self, id: EntryId) -> Result<Vec<Link>, Error>;

    /// The entries within `depth` links of an entry, in either direction, nearest first, with their distance.
    /// O(entries reached).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Relation, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.link(ids[0].id, ids[1].id, &Relation::from("caused_by"), None)?;
    /// assert_eq!(tx.neighbors(ids[1].id, 1)?, [(ids[0].id, 1)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn neighbors(&self, id: EntryId, depth: usize) -> Result<Vec<(EntryId, usize)>, Error>;
}

/// Links between entries, made and removed.
pub trait WriteLinks {
    /// Links two entries. A link of the same relation that is already there gets the new reason.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Relation, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.link(ids[0].id, ids[1].id, &Relation::from("caused_by"), Some("found while debugging"))?;
    /// assert_eq!(tx.links(ids[0].id)?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`]; [`Error::OutOfRange`] for an entry linked to itself; [`Error::Empty`] for a
    /// blank relation; [`Error::TooLong`] for a relation over [`limits::NAME_BYTES`](crate::limits::NAME_BYTES) or a reason over
    /// [`limits::REASON_BYTES`](crate::limits::REASON_BYTES); [`Error::Nul`].
    fn link(
        &mut self,
        source: EntryId,
        target: EntryId,
        relation: &Relation,
        reason: Option<&str>,
    ) -> Result<(), Error>;

    /// As [`link`](Self::link), for a link that comes from elsewhere: made at this time (milliseconds since 1970, UTC), or
    /// now.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    fn link_made_at(
        &mut self,
        source: EntryId,
        target: EntryId,
        relation: &Relation,
        reason: Option<&str>,
        created_at: Option<i64>,
    ) -> Result<(), Error>;

    /// Removes a link; says whether there was one.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Relation, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let relation = Relation::from("caused_by");
    /// tx.link(ids[0].id, ids[1].id, &relation, None)?;
    /// assert!(tx.unlink(ids[0].id, ids[1].id, &relation)?);
    /// assert!(!tx.unlink(ids[0].id, ids[1].id, &relation)?, "it is gone");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn unlink(&mut self, source: EntryId, target: EntryId, relation: &Relation) -> Result<bool, Error>;
}
