//! Vector spaces, and the vectors in them.

use rekall_core::{Role, Space, VectorKey};

use crate::{EntryId, Error, Rekall};

impl Rekall {
    /// The file's vector spaces, oldest first: the one that searches use, one that [`reembed`](Self::reembed)
    /// is filling, and older ones that are kept. Empty before the first vector.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("mine", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("north"), &[0.0, 1.0])?;
    /// let spaces = rekall.spaces()?;
    /// assert_eq!((spaces.len(), spaces[0].dimensions), (1, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`].
    pub fn spaces(&self) -> Result<Vec<Space>, Error> {
        Ok(self.store.read()?.spaces()?)
    }

    /// The vector that an entry has in the space that searches use, of length 1: that of its summary (title,
    /// content and tags) or of its context, and of a longer text that of the passage with this number, from 0;
    /// see [`EntryPassages`](rekall_core::EntryPassages).
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall, Role};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("mine", 2).open()?;
    /// let id = rekall.remember_with_vector(NewEntry::new("north"), &[0.0, 2.0])?;
    /// assert_eq!(rekall.stored_vector(id, Role::Summary, 0)?, [0.0, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotEmbedded`] when it has no such vector, or an unusable one; [`Error::Core`] for an unknown
    /// id.
    pub fn stored_vector(&self, id: EntryId, role: Role, chunk: u16) -> Result<Vec<f32>, Error> {
        let tx = self.store.read()?;
        let key = VectorKey { entry: tx.row_of(id)?, role: role.number(), chunk };
        let Some(space) = tx.active_space()? else { return Err(Error::NotEmbedded { id }) };
        let found = tx.vectors_at(&space, &[key])?;
        if found.keys.is_empty() { Err(Error::NotEmbedded { id }) } else { Ok(found.rows) }
    }
}
