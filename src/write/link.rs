//! What one entry is to another: links, and the one that supersedes it.

use rekall_core::Relation;

use crate::{Entry, EntryId, Error, Rekall};

impl Rekall {
    /// Puts an entry in the place of an older one, in one transaction: the older one becomes obsolete, so
    /// that searches leave it out unless asked, and names the new one in `superseded_by`. Gives the older one
    /// as it is now. Its valid time ends where that of the new one begins: at its `valid_from` or now, so that
    /// [`Filter::as_of`](crate::Filter::as_of) an earlier moment finds the older one.
    ///
    /// A patch with [`superseded_by`](crate::EntryPatch::superseded_by) alone sets the reference and leaves
    /// the status as it is. Not to be confused with [`Recall::supersede`](crate::Recall::supersede), which is
    /// about searches.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall, Status};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let old = rekall.remember(NewEntry::new("The build takes 40 minutes"))?;
    /// let new = rekall.remember(NewEntry::new("The build takes 12 minutes"))?;
    /// let replaced = rekall.supersede_entry(old, new)?;
    /// assert_eq!((replaced.status, replaced.superseded_by), (Status::Obsolete, Some(new)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`]: kind `NotFound` for either id; kind `InvalidInput` for an entry in its own place, and
    /// for one that the older one replaces, directly or by way of others.
    pub fn supersede_entry(&self, old: EntryId, new: EntryId) -> Result<Entry, Error> {
        self.write(|tx| Ok(tx.supersede(old, new)?.1))
    }

    /// Links two entries; a link of the same relation that is already there gets the new reason.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let fix = rekall.remember(NewEntry::new("Raise client_max_body_size"))?;
    /// rekall.link(fix, bug, "solves", Some("the proxy refused it"))?;
    /// assert_eq!(rekall.links(bug)?[0].source, fix);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id, an entry linked to itself, or a blank relation.
    pub fn link(
        &self,
        source: EntryId,
        target: EntryId,
        relation: impl Into<Relation>,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.write(|tx| Ok(tx.link(source, target, &relation.into(), reason)?))
    }

    /// Removes a link; says whether there was one.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let fix = rekall.remember(NewEntry::new("Raise client_max_body_size"))?;
    /// rekall.link(fix, bug, "solves", None)?;
    /// assert!(rekall.unlink(fix, bug, "solves")?);
    /// assert!(!rekall.unlink(fix, bug, "solves")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn unlink(
        &self,
        source: EntryId,
        target: EntryId,
        relation: impl Into<Relation>,
    ) -> Result<bool, Error> {
        self.write(|tx| Ok(tx.unlink(source, target, &relation.into())?))
    }
}
