//! Entries with an end: which they are, and deleting those that have come to it.

use super::{SqliteTx, SqliteWriteTx};
use crate::store::ReadExpiry;
use crate::store::WriteExpiry;
use crate::{EntryId, Error};
use rusqlite::{Connection, OptionalExtension};
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadExpiry for SqliteTx<'_, C> {
    fn expiries(&self) -> Result<Vec<(i64, i64)>, Error> {
        let sql = format!(
            "SELECT id, expires_at FROM entry WHERE expires_at IS NOT NULL AND {} ORDER BY expires_at, id",
            self.reach.walk("id")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| Ok((self.row(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn expiries_among(&self, entries: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT expires_at FROM entry WHERE id = ?1 AND expires_at IS NOT NULL")?;
        let mut expiries = Vec::new();
        for &entry in entries {
            if let Some(at) = statement.query_row([self.stored(entry)], |row| row.get(0)).optional()? {
                expiries.push((entry, at));
            }
        }
        Ok(expiries)
    }

    fn expired(&self) -> Result<Vec<i64>, Error> {
        // By the index of these times, not in the order of the table: few entries have one.
        let sql =
            format!("SELECT id FROM entry WHERE expires_at <= ?1 AND {} ORDER BY +id", self.reach.walk("id"));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([self.now_ms()], |row| Ok(self.row(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteExpiry for SqliteWriteTx<'_> {
    fn delete_expired(&mut self) -> Result<Vec<EntryId>, Error> {
        let rows = self.expired()?;
        self.delete_rows(&rows)
    }
}
