//! Reading entries by id, and following their links.

use rekall_core::Link;

use crate::{Entry, EntryId, Error, Rekall};

impl Rekall {
    /// The entry with this id. Costs tens of microseconds and takes no write lock.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let id = rekall.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.get(id)?.title, "disk full");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`], kind `NotFound`.
    pub fn get(&self, id: EntryId) -> Result<Entry, Error> {
        Ok(self.store.get(id)?)
    }

    /// The entries with these ids, all of one moment, in the order given; `None` where no entry has the id.
    /// An id that is given twice is answered twice. Tens of microseconds an entry; takes no write lock.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let (kept, gone) = (rekall.remember(NewEntry::new("kept"))?, rekall.remember(NewEntry::new("gone"))?);
    /// rekall.forget(gone)?;
    /// let entries = rekall.get_many(&[gone, kept])?;
    /// assert!(entries[0].is_none());
    /// assert_eq!(entries[1].as_ref().map(|entry| entry.title.as_str()), Some("kept"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`]. An id that no entry has is no error.
    pub fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Option<Entry>>, Error> {
        Ok(self.store.read()?.get_many(ids)?)
    }

    /// The links that start or end at an entry, oldest first.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let fix = rekall.remember(NewEntry::new("Raise client_max_body_size"))?;
    /// rekall.link(fix, bug, "solves", Some("the proxy refused it"))?;
    /// let links = rekall.links(bug)?;
    /// assert_eq!((links[0].source, links[0].reason.as_deref()), (fix, Some("the proxy refused it")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn links(&self, id: EntryId) -> Result<Vec<Link>, Error> {
        Ok(self.store.read()?.links(id)?)
    }

    /// The entries within `depth` links of an entry, nearest first, with their distance.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let fix = rekall.remember(NewEntry::new("Raise client_max_body_size"))?;
    /// rekall.link(fix, bug, "solves", None)?;
    /// assert_eq!(rekall.neighbors(bug, 1)?, [(fix, 1)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn neighbors(&self, id: EntryId, depth: usize) -> Result<Vec<(EntryId, usize)>, Error> {
        Ok(self.store.read()?.neighbors(id, depth)?)
    }
}
