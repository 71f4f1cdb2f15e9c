//! One entry in the place of another.

use crate::sqlite::SqliteWriteTx;
use crate::store::ReadEntries;
use crate::store::WriteEntries;
use crate::store::WriteSupersession;
use crate::{Entry, EntryId, EntryPatch, Error, Status};

/// The entries that replace entry ?1, one after the other; a circle that a foreign program closed ends it, too.
const SUCCESSORS: &str = "WITH RECURSIVE successor (id) AS (
        SELECT ?1 UNION
        SELECT superseded_by FROM entry JOIN successor USING (id) WHERE superseded_by IS NOT NULL)
    SELECT EXISTS (SELECT 1 FROM successor WHERE id = ?2)";

impl WriteSupersession for SqliteWriteTx<'_> {
    fn supersede(&mut self, old: EntryId, new: EntryId) -> Result<(i64, Entry), Error> {
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
                .execute((self.stored(successor), at))?;
        }
        Ok(superseded)
    }

    fn name_successor(&mut self, of: EntryId, new: EntryId) -> Result<(), Error> {
        let row = self.row_of(of)?;
        self.check_successor(row, new)?;
        let successor = self.row_of(new)?;
        self.connection
            .prepare_cached("UPDATE entry SET superseded_by = ?2 WHERE id = ?1")?
            .execute((self.stored(row), self.stored(successor)))?;
        Ok(())
    }
}

impl SqliteWriteTx<'_> {
    /// Refuses a successor that would close a circle.
    pub(super) fn check_successor(&self, row: i64, new: EntryId) -> Result<(), Error> {
        let successor = self.row_of(new)?;
        let mut statement = self.connection.prepare_cached(SUCCESSORS)?;
        if statement.query_row((self.stored(successor), self.stored(row)), |found| found.get(0))? {
            let expected = match successor == row {
                true => "another entry",
                false => "an entry that this one does not supersede itself",
            };
            return Err(Error::OutOfRange { field: "superseded_by", expected, got: new.to_string() });
        }
        Ok(())
    }
}
