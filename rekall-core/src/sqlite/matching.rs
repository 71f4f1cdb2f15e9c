//! Entries that pass a filter.

use super::SqliteTx;
use super::filter::Led;
use crate::store::MatchEntries;
use crate::{Error, Filter};
use rusqlite::{Connection, params_from_iter};
use std::ops::Deref;

impl<C: Deref<Target = Connection>> MatchEntries for SqliteTx<'_, C> {
    fn matching(&self, filter: &Filter) -> Result<Vec<i64>, Error> {
        let compiled = filter.compile(self.now_ms(), self.reach, Led::ByFilter)?;
        let sql = format!("SELECT entry.id FROM entry WHERE {}", compiled.condition);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows =
            statement.query_map(params_from_iter(compiled.parameters), |row| Ok(self.row(row.get(0)?)))?;
        let mut rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        rows.sort_unstable();
        Ok(rows)
    }

    fn obsolete_among(&self, entries: &[i64]) -> Result<Vec<i64>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1 AND status <> 'active')")?;
        let mut obsolete = Vec::new();
        for &entry in entries {
            if statement.query_row([self.stored(entry)], |row| row.get(0))? {
                obsolete.push(entry);
            }
        }
        Ok(obsolete)
    }

    fn obsolete(&self) -> Result<Vec<i64>, Error> {
        let sql =
            format!("SELECT id FROM entry WHERE status <> 'active'{} ORDER BY id", self.reach.and("id"));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| Ok(self.row(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn count_entries(&self) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM entry{}", self.reach.only_walk());
        Ok(self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
    }
}
