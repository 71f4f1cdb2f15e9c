//! Blocks that an index has laid by, so that the next process need not read every vector.

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};

use super::{SpaceId, Tx, WriteTx};
use crate::Error;

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The change log's position that the blocks of this kind stand for; `None`: there are none.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Corrupt`].
    pub fn index_position(&self, space: SpaceId, kind: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT seq FROM index_block WHERE space_id = ?1 AND kind = ?2 ORDER BY number LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row((space.0, kind), |row| row.get(0)).optional()?)
    }

    /// Hands over the blocks of this kind, in order, one at a time.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Corrupt`]; what `each` gives.
    pub fn index_blocks<E: From<Error>>(
        &self,
        space: SpaceId,
        kind: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT data FROM index_block WHERE space_id = ?1 AND kind = ?2 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::from)?;
        let mut rows = statement.query((space.0, kind)).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            let data = row.get_ref(0).map_err(Error::from)?;
            each(data.as_blob().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl WriteTx<'_> {
    /// Replaces the blocks of this kind by others that stand for `position`.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    pub fn replace_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        position: i64,
        blocks: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), Error> {
        self.drop_index_blocks(space, kind)?;
        for (number, data) in blocks.into_iter().enumerate() {
            self.put_index_block(space, kind, number, position, &data)?;
        }
        Ok(())
    }

    /// Adds one block to those of this kind, for blocks that are made one after the other. All of them must stand for the
    /// same position.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    pub fn put_index_block(
        &mut self,
        space: SpaceId,
        kind: &str,
        number: usize,
        position: i64,
        data: &[u8],
    ) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO index_block (space_id, kind, number, seq, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((space.0, kind, number as i64, position, data))?;
        Ok(())
    }

    /// Drops the blocks of this kind.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    pub fn drop_index_blocks(&mut self, space: SpaceId, kind: &str) -> Result<(), Error> {
        self.connection
            .prepare_cached("DELETE FROM index_block WHERE space_id = ?1 AND kind = ?2")?
            .execute((space.0, kind))?;
        Ok(())
    }

    /// Drops the blocks of all kinds and spaces, and commits.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    pub fn drop_all_index_blocks(self) -> Result<(), Error> {
        self.connection.execute("DELETE FROM index_block", [])?;
        self.commit()
    }
}
