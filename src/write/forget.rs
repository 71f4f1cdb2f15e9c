//! Forgetting entries.

use crate::{EntryId, Error, Filter, Rekall};

impl Rekall {
    /// Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let id = rekall.remember(NewEntry::new("disk full"))?;
    /// rekall.forget(id)?;
    /// assert!(rekall.get(id).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`], kind `NotFound`.
    pub fn forget(&self, id: EntryId) -> Result<(), Error> {
        self.write(|tx| Ok(tx.delete(id)?))
    }

    /// Forgets several entries in one transaction, and gives the ids of those that were there, in the order
    /// given and each once. An id that no entry has is left aside: to be sure that all were there, compare
    /// the numbers.
    ///
    /// Other writers wait for the whole of it; nothing is forgotten when it fails.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let one = rekall.remember(NewEntry::new("one"))?;
    /// let two = rekall.remember(NewEntry::new("two"))?;
    /// rekall.forget(one)?;
    /// assert_eq!(rekall.forget_many(&[one, two])?, [two]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be written.
    pub fn forget_many(&self, ids: &[EntryId]) -> Result<Vec<EntryId>, Error> {
        self.write(|tx| Ok(tx.delete_many(ids)?))
    }

    /// Forgets the entries that have expired ([`NewEntry::expires_at`](crate::NewEntry#structfield.expires_at)), in one
    /// transaction, and gives their ids, in the order in which they were written. Searches and lists have not shown them since
    /// they expired; [`compact`](Self::compact) forgets them, too. O(expired entries); if there is none, nothing is written.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let id = rekall.remember(NewEntry::new("No releases this week").expires_at(1_700_000_000_000))?;
    /// assert!(rekall.recall("releases").run()?.is_empty());
    /// assert_eq!(rekall.forget_expired()?, [id]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be written.
    pub fn forget_expired(&self) -> Result<Vec<EntryId>, Error> {
        if self.store.read()?.expired()?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|tx| Ok(tx.delete_expired()?))
    }

    /// Forgets the entries that pass a filter, in one transaction, and gives their ids, in the order in which
    /// they were written.
    ///
    /// A filter without a condition, which only active entries or all of them pass, is refused:
    /// [`forget_all`](Self::forget_all) says that explicitly. A filter by metadata fails where an entry's
    /// metadata cannot be read, instead of forgetting what it may not mean.
    ///
    /// ```
    /// # use rekall::{Filter, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let old = rekall.remember(NewEntry::new("one").project("old"))?;
    /// rekall.remember(NewEntry::new("two").project("new"))?;
    /// assert_eq!(rekall.forget_matching(&Filter::new().any_status().project("old"))?, [old]);
    /// assert!(rekall.forget_matching(&Filter::new()).is_err(), "that would have been everything");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`]: [`Unconditional`](rekall_core::Error::Unconditional), an
    /// [unreadable entry](rekall_core::Error::UnreadableEntry), what [`Filter::validate`] refuses, and when
    /// the file cannot be written. Nothing is forgotten then.
    pub fn forget_matching(&self, filter: &Filter) -> Result<Vec<EntryId>, Error> {
        self.write(|tx| Ok(tx.delete_matching(filter)?))
    }

    /// Forgets all entries, whatever their status, in one transaction, and gives their ids, in the order in
    /// which they were written. The file keeps its settings and its model.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let one = rekall.remember(NewEntry::new("one"))?;
    /// assert_eq!(rekall.forget_all()?, [one]);
    /// assert_eq!(rekall.stats()?.store.entries, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be written. Nothing is forgotten then.
    pub fn forget_all(&self) -> Result<Vec<EntryId>, Error> {
        self.write(|tx| Ok(tx.delete_all()?))
    }
}
