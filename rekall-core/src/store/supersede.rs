//! One entry in the place of another.

use crate::{Entry, EntryId, Error};

/// An entry that takes the place of another one.
pub trait WriteSupersession {
    /// Puts an entry in the place of an older one, which becomes obsolete and names the new one; gives the older one's row
    /// number, and what it is now. O(entries that replace the new one in their turn).
    ///
    /// The older one's valid time ends where that of the new one begins: at its `valid_from` or, if it has none, now, which
    /// it then gets. An end that the older one has already stays if it is earlier. So
    /// [`Filter::as_of`](crate::Filter::as_of) finds of both the one that held at a moment. The new entry does not count as
    /// changed by that.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Status, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.supersede(ids[0].id, ids[1].id)?;
    /// let old = tx.get(ids[0].id)?;
    /// assert_eq!((old.status, old.superseded_by), (Status::Obsolete, Some(ids[1].id)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] for either; [`Error::OutOfRange`] for an entry in its own place, and for one whose place
    /// the older one has taken, directly or by way of others.
    fn supersede(&mut self, old: EntryId, new: EntryId) -> Result<(i64, Entry), Error>;

    /// Names the entry that replaced another one: nothing else of that one changes, its times included. For entries that
    /// come from elsewhere.
    ///
    /// # Errors
    /// As [`supersede`](Self::supersede).
    fn name_successor(&mut self, of: EntryId, new: EntryId) -> Result<(), Error>;
}
