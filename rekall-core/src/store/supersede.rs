//! One entry in the place of another.

use super::WriteTx;
use crate::{Entry, EntryId, EntryPatch, Error, Status};

/// The entries that replace entry ?1, one after the other; a circle that a foreign program closed ends it, too.
const SUCCESSORS: &str = "WITH RECURSIVE successor (id) AS (
        SELECT ?1 UNION
        SELECT superseded_by FROM entry JOIN successor USING (id) WHERE superseded_by IS NOT NULL)
    SELECT EXISTS (SELECT 1 FROM successor WHERE id = ?2)";

impl WriteTx<'_> {
    /// Puts an entry in the place of an older one, which becomes obsolete and names the new one; gives the older one's row
    /// number, and what it is now. O(entries that replace the new one in their turn).
    ///
    /// The older one's valid time ends where that of the new one begins: at its `valid_from` or, if it has none, now, which
    /// it then gets. An end that the older one has already stays if it is earlier. So
    /// [`Filter::as_of`](crate::Filter::as_of) finds of both the one that held at a moment. The new entry does not count as
    /// changed by that.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Status, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn supersede(&mut self, old: EntryId, new: EntryId) -> Result<(i64, Entry), Error> {
        let (successor, begun) = self.locate(new)?;
        let (_, former) = self.locate(old)?;
        let ended = begun.valid_to.unwrap_or(i64::MAX);
        let at = begun.valid_from.unwrap_or_else(|| self.now_ms().min(ended));
        let mut patch = EntryPatch::new().status(Status::Obsolete).superseded_by(Some(new));
        if former.valid_to.is_none_or(|end| end > at) {
            // One that was to hold later only never did.
            patch = patch.valid_to(Some(former.valid_from.map_or(at, |from| from.max(at))));
        }
        let superseded = self.update(old, &patch)?;
        if begun.valid_from.is_none() {
            self.connection
                .prepare_cached("UPDATE entry SET valid_from = ?2 WHERE id = ?1")?
                .execute((successor, at))?;
        }
        Ok(superseded)
    }

    /// Names the entry that replaced another one: nothing else of that one changes, its times included. For entries that
    /// come from elsewhere.
    ///
    /// # Errors
    /// As [`supersede`](Self::supersede).
    pub fn name_successor(&mut self, of: EntryId, new: EntryId) -> Result<(), Error> {
        let row = self.row_of(of)?;
        self.check_successor(row, new)?;
        let successor = self.row_of(new)?;
        self.connection
            .prepare_cached("UPDATE entry SET superseded_by = ?2 WHERE id = ?1")?
            .execute((row, successor))?;
        Ok(())
    }

    /// Refuses a successor that would close a circle.
    pub(super) fn check_successor(&self, row: i64, new: EntryId) -> Result<(), Error> {
        let successor = self.row_of(new)?;
        let mut statement = self.connection.prepare_cached(SUCCESSORS)?;
        if statement.query_row((successor, row), |found| found.get(0))? {
            let expected = match successor == row {
                true => "another entry",
                false => "an entry that this one does not supersede itself",
            };
            return Err(Error::OutOfRange { field: "superseded_by", expected, got: new.to_string() });
        }
        Ok(())
    }
}
