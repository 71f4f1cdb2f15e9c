//! Forgetting entries.

use crate::{EntryId, Error, Rekall};

impl Rekall {
    /// Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared.
    ///
    /// # Errors
    /// [`Error::Core`], kind `NotFound`.
    pub fn forget(&self, id: EntryId) -> Result<(), Error> {
        self.write(|tx| Ok(tx.delete(id)?))
    }
}
