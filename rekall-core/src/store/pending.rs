//! Entries that wait for their vectors.

use std::ops::Deref;

use rusqlite::Connection;

use super::{SpaceId, Tx, WriteTx};
use crate::Error;

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Up to `limit` entries above row `after` that have no vector in the space, or whose text changed since.
    ///
    /// Finds also what another program wrote. O(entries walked).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Corrupt`].
    pub fn pending(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM entry WHERE id > ?2 AND (
                 id IN (SELECT entry_id FROM pending)
                 OR NOT EXISTS (SELECT 1 FROM embedding WHERE entry_id = entry.id AND space_id = ?1))
             ORDER BY id LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((space.0, after, limit), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Up to `limit` entries above row `after` that have no vector in the space. O(entries walked).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Corrupt`].
    pub fn without_vectors(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM entry WHERE id > ?2
                 AND NOT EXISTS (SELECT 1 FROM embedding WHERE entry_id = entry.id AND space_id = ?1)
             ORDER BY id LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((space.0, after, limit), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Number of entries marked as waiting. O(marked entries).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Corrupt`].
    pub fn count_pending(&self) -> Result<u64, Error> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM pending")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

impl WriteTx<'_> {
    /// Marks an entry as waiting for its vectors.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn mark_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached("INSERT INTO pending (entry_id) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([entry])?;
        Ok(())
    }

    /// Takes all marks away: a space was filled for every entry.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn clear_all_pending(&mut self) -> Result<(), Error> {
        self.connection.execute("DELETE FROM pending", [])?;
        Ok(())
    }

    /// Takes the mark away.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn clear_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM pending WHERE entry_id = ?1")?.execute([entry])?;
        Ok(())
    }
}
