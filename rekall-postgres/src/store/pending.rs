//! Entries that wait for their vectors, and those that wait for none.

use rekall_core::store::{ReadPending, WritePending};
use rekall_core::{Error, SpaceId};

use super::tx::{Tx, column, numbers};
use super::values::{int, limit};

/// Entries that have no vector in space $1 and of whose text its model may know a word.
const MISSING: &str = "NOT EXISTS (SELECT FROM embedding WHERE entry_id = entry.id AND space_id = $1)
    AND NOT EXISTS (SELECT FROM wordless WHERE entry_id = entry.id AND space_id = $1)";

impl ReadPending for Tx<'_> {
    fn pending(&self, space: SpaceId, after: i64, count: usize) -> Result<Vec<i64>, Error> {
        let condition = format!("(EXISTS (SELECT FROM pending WHERE entry_id = entry.id) OR ({MISSING}))");
        self.rows_after(&condition, space, after, count)
    }

    fn without_vectors(&self, space: SpaceId, after: i64, count: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(MISSING, space, after, count)
    }

    fn is_pending(&self, entry: i64) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT FROM pending WHERE entry_id = $1)";
        column(&self.query_one(sql, &[int(&entry)])?, 0)
    }

    fn count_pending(&self) -> Result<u64, Error> {
        Ok(self.number("SELECT count(*) FROM pending", &[])?.unsigned_abs())
    }
}

impl Tx<'_> {
    fn rows_after(
        &self,
        condition: &str,
        space: SpaceId,
        after: i64,
        count: usize,
    ) -> Result<Vec<i64>, Error> {
        let sql = format!("SELECT id FROM entry WHERE id > $2 AND {condition} ORDER BY id LIMIT $3");
        numbers(&self.query(&sql, &[int(&space.0), int(&after), int(&limit(count))])?)
    }
}

impl WritePending for Tx<'_> {
    fn mark_pending(&mut self, entry: i64) -> Result<(), Error> {
        let sql = "INSERT INTO pending (entry_id) VALUES ($1) ON CONFLICT DO NOTHING";
        self.execute(sql, &[int(&entry)]).map(drop)
    }

    fn clear_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.execute("DELETE FROM pending WHERE entry_id = $1", &[int(&entry)]).map(drop)
    }

    fn mark_wordless(&mut self, entry: i64, space: SpaceId) -> Result<(), Error> {
        let values = [int(&entry), int(&space.0)];
        let sql = "INSERT INTO wordless (entry_id, space_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.execute(sql, &values)?;
        // The mark is about the active space.
        let sql = "DELETE FROM pending WHERE entry_id = $1
            AND EXISTS (SELECT FROM space WHERE id = $2 AND state = 'active')";
        self.execute(sql, &values).map(drop)
    }

    fn settle_pending(&mut self, space: SpaceId) -> Result<(), Error> {
        let sql = "DELETE FROM pending
            WHERE EXISTS (SELECT FROM embedding WHERE embedding.entry_id = pending.entry_id AND space_id = $1)
               OR EXISTS (SELECT FROM wordless WHERE wordless.entry_id = pending.entry_id AND space_id = $1)";
        self.execute(sql, &[int(&space.0)]).map(drop)
    }
}
