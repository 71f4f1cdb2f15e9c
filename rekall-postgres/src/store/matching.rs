//! Entries that pass a filter.

use rekall_core::store::MatchEntries;
use rekall_core::{Error, Filter};

use super::tx::Tx;
use super::values::ints;

impl MatchEntries for Tx<'_> {
    fn matching(&self, filter: &Filter) -> Result<Vec<i64>, Error> {
        let condition = self.condition(filter)?;
        let sql = format!("SELECT entry.id FROM entry WHERE {} ORDER BY entry.id", condition.sql);
        self.selected(&sql, &condition)
    }

    fn obsolete_among(&self, entries: &[i64]) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, number)
            JOIN entry USING (id) WHERE status <> 'active' ORDER BY number";
        self.rows_in(&self.query(sql, &[ints(&self.scope().stored_all(entries))])?)
    }

    fn obsolete(&self) -> Result<Vec<i64>, Error> {
        let of_scope = self.scope().range("id");
        let sql = format!("SELECT id FROM entry WHERE status <> 'active' AND {of_scope} ORDER BY id");
        self.rows_in(&self.query(&sql, &[])?)
    }

    fn count_entries(&self) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM entry WHERE {}", self.scope().range("id"));
        Ok(self.number(&sql, &[])?.unsigned_abs())
    }
}
