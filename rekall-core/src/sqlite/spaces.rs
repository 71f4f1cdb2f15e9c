//! Vector spaces: whose vectors the file holds.

use super::reach::{Numbered, Reach};
use super::{SqliteTx, SqliteWriteTx};
use crate::Error;
use crate::Space;
use crate::SpaceId;
use crate::SpaceState;
use crate::store::ReadSpaces;
use crate::store::WriteSpaces;
use crate::vector::SPACE_DIMENSIONS;
use rusqlite::{Connection, OptionalExtension, Row};
use std::ops::Deref;

const COLUMNS: &str = "SELECT id, fingerprint, dimensions, state FROM space";

impl<C: Deref<Target = Connection>> ReadSpaces for SqliteTx<'_, C> {
    fn spaces(&self) -> Result<Vec<Space>, Error> {
        let mut statement =
            self.connection.prepare_cached(&format!("{COLUMNS}{} ORDER BY id", self.reach.only("id")))?;
        let spaces = statement.query_map([], |row| space(row, self.reach))?;
        Ok(spaces.collect::<Result<_, _>>()?)
    }

    fn active_space(&self) -> Result<Option<Space>, Error> {
        let ours = self.reach.of_space();
        let mut statement =
            self.connection.prepare_cached(&format!("{COLUMNS} WHERE state = 'active' AND {ours}"))?;
        Ok(statement.query_row([], |row| space(row, self.reach)).optional()?)
    }

    fn space(&self, id: SpaceId) -> Result<Space, Error> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
        let found = statement.query_row([self.stored(id.0)], |row| space(row, self.reach));
        found.optional()?.ok_or(Error::SpaceNotFound { id: id.0 })
    }
}

impl WriteSpaces for SqliteWriteTx<'_> {
    fn ensure_active_space(&mut self, fingerprint: &str, dimensions: usize) -> Result<Space, Error> {
        match self.active_space()? {
            Some(space) if space.fingerprint == fingerprint => Ok(space),
            Some(space) => {
                Err(Error::SpaceMismatch { stored: space.fingerprint, requested: fingerprint.to_owned() })
            }
            None => self.add_space(fingerprint, dimensions, SpaceState::Active),
        }
    }

    fn add_space(&mut self, fingerprint: &str, dimensions: usize, state: SpaceState) -> Result<Space, Error> {
        if !SPACE_DIMENSIONS.contains(&dimensions) {
            return Err(Error::OutOfRange {
                field: "dimensions",
                expected: "1 to 65536",
                got: dimensions.to_string(),
            });
        }
        if state == SpaceState::Active && self.active_space()?.is_some() {
            return Err(Error::OutOfRange {
                field: "state",
                expected: "the only active space",
                got: "a second one".to_owned(),
            });
        }
        let (now, number) = (self.now_ms(), self.next_number(Numbered::Space)?);
        self.connection
            .prepare_cached(
                "INSERT INTO space (id, fingerprint, dimensions, state, created_at) VALUES (?5, ?1, ?2, ?3, ?4)",
            )?
            .execute((fingerprint, dimensions as i64, state.name(), now, number))?;
        let id = SpaceId(self.row(self.connection.last_insert_rowid()));
        Ok(Space { id, fingerprint: fingerprint.to_owned(), dimensions, state })
    }

    fn activate_space(&mut self, id: SpaceId) -> Result<(), Error> {
        self.space(id)?;
        let ours = self.reach.of_space();
        let leave = format!("UPDATE space SET state = 'leaving' WHERE state = 'active' AND {ours}");
        self.connection.execute(&leave, [])?;
        let id = self.stored(id.0);
        self.connection.execute("UPDATE space SET state = 'active' WHERE id = ?1", [id])?;
        Ok(())
    }

    fn abandon_space(&mut self, id: SpaceId) -> Result<(), Error> {
        let sql = "UPDATE space SET state = 'leaving' WHERE id = ?1 AND state = 'building'";
        self.connection.execute(sql, [self.stored(id.0)])?;
        Ok(())
    }

    fn thin_space(&mut self, id: SpaceId, vectors: usize) -> Result<bool, Error> {
        // The key's index covers the inner query: the vectors that stay are not read.
        let sql = format!(
            "DELETE FROM embedding WHERE rowid IN (SELECT rowid FROM embedding WHERE space_id =
                 (SELECT id FROM space WHERE id = ?1 AND state = 'leaving'){} LIMIT ?2)",
            self.reach.and("entry_id")
        );
        let id = self.stored(id.0);
        let dropped = self
            .connection
            .prepare_cached(&sql)?
            .execute((id, i64::try_from(vectors).unwrap_or(i64::MAX)))?;
        if dropped < vectors {
            self.connection.execute("DELETE FROM space WHERE id = ?1 AND state = 'leaving'", [id])?;
        }
        Ok(dropped == vectors)
    }

    fn drop_space(&mut self, id: SpaceId) -> Result<(), Error> {
        match self.connection.execute("DELETE FROM space WHERE id = ?1", [self.stored(id.0)])? {
            0 => Err(Error::SpaceNotFound { id: id.0 }),
            _ => Ok(()),
        }
    }
}

fn space(row: &Row<'_>, reach: Reach) -> rusqlite::Result<Space> {
    // Memory is sized by it, so it is judged here, where every reader gets it from.
    let dimensions = row.get::<_, i64>(2)?;
    let possible = usize::try_from(dimensions).ok().filter(|count| SPACE_DIMENSIONS.contains(count));
    Ok(Space {
        id: SpaceId(reach.row(row.get(0)?)),
        fingerprint: row.get(1)?,
        dimensions: possible.ok_or(rusqlite::Error::IntegralValueOutOfRange(2, dimensions))?,
        state: SpaceState::from_name(row.get_ref(3)?.as_str()?),
    })
}
