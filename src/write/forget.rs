//! Forgetting entries.

use crate::{EntryId, Error, Rekall};

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
}
