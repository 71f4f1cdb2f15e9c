//! Vector spaces: whose vectors the memory holds.

use rekall_core::engine::check_dimensions;
use rekall_core::store::{ReadSpaces, WriteSpaces};
use rekall_core::{Error, Space, SpaceId, SpaceState};
use tokio_postgres::Row;

use super::scope::{Numbering, Scope};
use super::tx::{Tx, column};
use super::values::{int, limit, text};

const COLUMNS: &str = "SELECT id, fingerprint, dimensions, state FROM space";

/// Asks for the active space; its row is for [`space`].
pub(super) fn active_space(scope: Scope) -> String {
    format!("{COLUMNS} WHERE state = 'active' AND {}", scope.same("id"))
}

impl ReadSpaces for Tx<'_> {
    fn spaces(&self) -> Result<Vec<Space>, Error> {
        let sql = format!("{COLUMNS} WHERE {} ORDER BY id", self.scope().range("id"));
        self.query(&sql, &[])?.iter().map(|row| space(row, self.scope())).collect()
    }

    fn active_space(&self) -> Result<Option<Space>, Error> {
        let row = self.query_opt(&active_space(self.scope()), &[])?;
        row.map(|row| space(&row, self.scope())).transpose()
    }

    fn space(&self, id: SpaceId) -> Result<Space, Error> {
        let stored = self.scope().stored_space(id);
        let row = self.query_opt(&format!("{COLUMNS} WHERE id = $1"), &[int(&stored)])?;
        space(&row.ok_or(Error::SpaceNotFound { id: id.0 })?, self.scope())
    }
}

impl WriteSpaces for Tx<'_> {
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
        check_dimensions(dimensions)?;
        if state == SpaceState::Active && self.active_space()?.is_some() {
            return Err(Error::OutOfRange {
                field: "state",
                expected: "the only active space",
                got: "a second one".to_owned(),
            });
        }
        let Numbering { with, column, overriding, value, from } = self.scope().numbering("spaces", "1", "1");
        let sql = format!(
            "{with}INSERT INTO space ({column}fingerprint, dimensions, state, created_at)
            {overriding}SELECT {value}new.* FROM {from}(VALUES ($1, $2, $3, $4)) AS new RETURNING id"
        );
        let now = self.now_ms();
        let rows = self.returning(
            &sql,
            &[text(&fingerprint), int(&limit(dimensions)), text(&state.name()), int(&now)],
        )?;
        let id = self.rows_in(&rows)?.first().copied().unwrap_or_default();
        Ok(Space { id: SpaceId(id), fingerprint: fingerprint.to_owned(), dimensions, state })
    }

    fn activate_space(&mut self, id: SpaceId) -> Result<(), Error> {
        self.space(id)?;
        let of_scope = self.scope().same("id");
        let sql = format!("UPDATE space SET state = 'leaving' WHERE state = 'active' AND {of_scope}");
        self.execute(&sql, &[])?;
        let stored = self.scope().stored_space(id);
        self.execute("UPDATE space SET state = 'active' WHERE id = $1", &[int(&stored)]).map(drop)
    }

    fn abandon_space(&mut self, id: SpaceId) -> Result<(), Error> {
        let sql = "UPDATE space SET state = 'leaving' WHERE id = $1 AND state = 'building'";
        self.execute(sql, &[int(&self.scope().stored_space(id))]).map(drop)
    }

    fn thin_space(&mut self, id: SpaceId, vectors: usize) -> Result<bool, Error> {
        let sql = format!(
            "DELETE FROM embedding WHERE ctid = ANY (ARRAY(SELECT ctid FROM embedding WHERE space_id =
                (SELECT id FROM space WHERE id = $1 AND state = 'leaving') AND {} ORDER BY entry_id, role, chunk LIMIT $2))",
            self.scope().range("entry_id")
        );
        let stored = self.scope().stored_space(id);
        let dropped = self.execute(&sql, &[int(&stored), int(&limit(vectors))])?;
        if dropped < vectors as u64 {
            self.execute("DELETE FROM space WHERE id = $1 AND state = 'leaving'", &[int(&stored)])?;
            self.drop_pushed_tables(Some(id))?;
        }
        Ok(dropped == vectors as u64)
    }

    fn drop_space(&mut self, id: SpaceId) -> Result<(), Error> {
        let stored = self.scope().stored_space(id);
        match self.execute("DELETE FROM space WHERE id = $1", &[int(&stored)])? {
            0 => Err(Error::SpaceNotFound { id: id.0 }),
            _ => self.drop_pushed_tables(Some(id)),
        }
    }
}

pub(super) fn space(row: &Row, scope: Scope) -> Result<Space, Error> {
    // Memory is sized by it, so it is judged here, where every reader gets it from.
    let stored: i64 = column(row, 2)?;
    let dimensions = usize::try_from(stored).ok().filter(|&dimensions| check_dimensions(dimensions).is_ok());
    let impossible = || Error::Corrupt { detail: format!("a space of {stored} dimensions") };
    Ok(Space {
        id: SpaceId(scope.row(column(row, 0)?)),
        fingerprint: column(row, 1)?,
        dimensions: dimensions.ok_or_else(impossible)?,
        state: SpaceState::from_name(column(row, 3)?),
    })
}
