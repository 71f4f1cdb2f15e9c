//! Entries that wait for their vectors, and those that wait for none.

use super::forward::Forward;
use super::{SqliteTx, SqliteWriteTx};
use crate::Error;
use crate::store::ReadPending;
use crate::store::SpaceId;
use crate::store::WritePending;
use rusqlite::Connection;
use std::ops::Deref;

/// Entries that have no vector in space ?1 and of whose text its model may know a word.
const MISSING: &str = "NOT EXISTS (SELECT 1 FROM embedding WHERE entry_id = entry.id AND space_id = ?1)
    AND NOT EXISTS (SELECT 1 FROM wordless WHERE entry_id = entry.id AND space_id = ?1)";

impl<C: Deref<Target = Connection>> ReadPending for SqliteTx<'_, C> {
    fn pending(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(
            &format!("(id IN (SELECT entry_id FROM pending{}) OR ({MISSING}))", self.reach.only("entry_id")),
            space,
            after,
            limit,
        )
    }

    fn without_vectors(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(MISSING, space, after, limit)
    }

    fn is_pending(&self, entry: i64) -> Result<bool, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM pending WHERE entry_id = ?1)")?;
        Ok(statement.query_row([self.stored(entry)], |row| row.get(0))?)
    }

    fn count_pending(&self) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM pending{}", self.reach.only("entry_id"));
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    fn rows_after(
        &self,
        condition: &str,
        space: SpaceId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<i64>, Error> {
        let ours = self.reach.and("id");
        let sql = format!("SELECT id FROM entry WHERE id > ?2{ours} AND {condition} ORDER BY id LIMIT ?3");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let bounds = (self.stored(space.0), self.reach.stored_after(after), limit);
        let rows = statement.query_map(bounds, |row| Ok(self.row(row.get(0)?)))?;
        let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let mut walk = Forward::after("row numbers of entries", Some(after));
        rows.iter().try_for_each(|&row| walk.step(row))?;
        Ok(rows)
    }
}

impl WritePending for SqliteWriteTx<'_> {
    fn mark_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached("INSERT INTO pending (entry_id) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([self.stored(entry)])?;
        Ok(())
    }

    fn clear_pending(&mut self, entry: i64) -> Result<(), Error> {
        let sql = "DELETE FROM pending WHERE entry_id = ?1";
        self.connection.prepare_cached(sql)?.execute([self.stored(entry)])?;
        Ok(())
    }

    fn mark_wordless(&mut self, entry: i64, space: SpaceId) -> Result<(), Error> {
        let stored = (self.stored(entry), self.stored(space.0));
        self.connection
            .prepare_cached(
                "INSERT INTO wordless (entry_id, space_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(stored)?;
        // The mark is about the active space.
        self.connection
            .prepare_cached(
                "DELETE FROM pending WHERE entry_id = ?1
                     AND EXISTS (SELECT 1 FROM space WHERE id = ?2 AND state = 'active')",
            )?
            .execute(stored)?;
        Ok(())
    }

    fn settle_pending(&mut self, space: SpaceId) -> Result<(), Error> {
        let sql = format!(
            "DELETE FROM pending
             WHERE (EXISTS (SELECT 1 FROM embedding
                            WHERE embedding.entry_id = pending.entry_id AND space_id = ?1)
                 OR EXISTS (SELECT 1 FROM wordless WHERE wordless.entry_id = pending.entry_id AND space_id = ?1)){}",
            self.reach.and("pending.entry_id")
        );
        self.connection.execute(&sql, [self.stored(space.0)])?;
        Ok(())
    }
}
