//! When entries were made, changed or used.

use super::SqliteTx;
use crate::EntryTime;
use crate::Error;
use crate::store::ReadTimes;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadTimes for SqliteTx<'_, C> {
    fn times(&self, time: EntryTime, rows: &[i64]) -> Result<HashMap<i64, i64>, Error> {
        let sql = match time {
            EntryTime::Updated => "SELECT updated_at FROM entry WHERE id = ?1",
            EntryTime::Created => "SELECT created_at FROM entry WHERE id = ?1",
            EntryTime::LastUsed => {
                "SELECT ifnull((SELECT last_used_at FROM usage WHERE entry_id = entry.id), created_at)
                 FROM entry WHERE id = ?1"
            }
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut times = HashMap::with_capacity(rows.len());
        for &row in rows {
            if let Some(at) = statement.query_row([self.stored(row)], |found| found.get(0)).optional()? {
                times.insert(row, at);
            }
        }
        Ok(times)
    }
}
