//! Entries that wait for their vectors, and those that wait for none.

use rekall_core::store::{ReadPending, WritePending};
use rekall_core::{Error, SpaceId};

use super::scope::Scope;
use super::tx::{Tx, column};
use super::values::{int, limit};

/// The condition on entries that have no vector in space $1 and of whose text its model may know a word. Bounds stand in the subqueries, too:
/// the server may run each of them once, for all entries.
fn missing(scope: Scope) -> String {
    let of_scope = scope.range("entry_id");
    format!(
        "NOT EXISTS (SELECT FROM embedding WHERE entry_id = entry.id AND space_id = $1 AND {of_scope})
            AND NOT EXISTS (SELECT FROM wordless WHERE entry_id = entry.id AND space_id = $1 AND {of_scope})"
    )
}

impl ReadPending for Tx<'_> {
    fn pending(&self, space: SpaceId, after: i64, count: usize) -> Result<Vec<i64>, Error> {
        let (missing, of_scope) = (missing(self.scope()), self.scope().range("entry_id"));
        let marked = format!("EXISTS (SELECT FROM pending WHERE entry_id = entry.id AND {of_scope})");
        let condition = format!("({marked} OR ({missing}))");
        self.rows_after(&condition, space, after, count)
    }

    fn without_vectors(&self, space: SpaceId, after: i64, count: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(&missing(self.scope()), space, after, count)
    }

    fn is_pending(&self, entry: i64) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT FROM pending WHERE entry_id = $1)";
        column(&self.query_one(sql, &[int(&self.scope().stored(entry))])?, 0)
    }

    fn count_pending(&self) -> Result<u64, Error> {
        if self.none_wait() {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM pending WHERE {}", self.scope().range("entry_id"));
        Ok(self.number(&sql, &[])?.unsigned_abs())
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
        let scope = self.scope();
        let sql = format!(
            "SELECT id FROM entry WHERE {} AND {condition} ORDER BY id LIMIT $3",
            scope.after("id", "$2")
        );
        let (space, after) = (scope.stored_space(space), scope.stored_after(after));
        self.rows_in(&self.query(&sql, &[int(&space), int(&after), int(&limit(count))])?)
    }
}

impl WritePending for Tx<'_> {
    fn mark_pending(&mut self, entry: i64) -> Result<(), Error> {
        let sql = "INSERT INTO pending (entry_id) VALUES ($1) ON CONFLICT DO NOTHING";
        self.execute(sql, &[int(&self.scope().stored(entry))]).map(drop)
    }

    fn clear_pending(&mut self, entry: i64) -> Result<(), Error> {
        let entry = self.scope().stored(entry);
        self.execute("DELETE FROM pending WHERE entry_id = $1", &[int(&entry)]).map(drop)
    }

    fn mark_wordless(&mut self, entry: i64, space: SpaceId) -> Result<(), Error> {
        let (entry, space) = (self.scope().stored(entry), self.scope().stored_space(space));
        let values = [int(&entry), int(&space)];
        // No words of an entry change with its mark.
        let words = self.kept_words();
        let sql = "INSERT INTO wordless (entry_id, space_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.execute(sql, &values)?;
        // The mark is about the active space.
        let sql = "DELETE FROM pending WHERE entry_id = $1
            AND EXISTS (SELECT FROM space WHERE id = $2 AND state = 'active')";
        self.execute(sql, &values)?;
        words.into_iter().for_each(|words| self.keep_words(words));
        Ok(())
    }

    fn settle_pending(&mut self, space: SpaceId) -> Result<(), Error> {
        let of_scope = self.scope().range("entry_id");
        let sql = format!(
            "DELETE FROM pending WHERE {of_scope} AND entry_id IN (
                SELECT entry_id FROM embedding WHERE space_id = $1 AND {of_scope}
                UNION ALL SELECT entry_id FROM wordless WHERE space_id = $1 AND {of_scope})"
        );
        self.execute(&sql, &[int(&self.scope().stored_space(space))]).map(drop)
    }
}
