//! When entries were made, changed or used.

use std::collections::HashMap;

use rekall_core::store::ReadTimes;
use rekall_core::{EntryTime, Error};

use super::ENGINE;
use super::tx::{Tx, column};
use super::values::ints;

impl ReadTimes for Tx<'_> {
    fn times(&self, time: EntryTime, rows: &[i64]) -> Result<HashMap<i64, i64>, Error> {
        let sql = match time {
            EntryTime::Updated => "SELECT id, updated_at FROM entry WHERE id = ANY ($1)",
            EntryTime::Created => "SELECT id, created_at FROM entry WHERE id = ANY ($1)",
            EntryTime::LastUsed => {
                "SELECT id, coalesce(last_used_at, created_at) FROM entry LEFT JOIN usage ON entry_id = id
                 WHERE id = ANY ($1)"
            }
            _ => return Err(Error::Unsupported { capability: "this time of entries", engine: ENGINE }),
        };
        let found = self.query(sql, &[ints(&self.scope().stored_all(rows))])?;
        found.iter().map(|row| Ok((self.scope().row(column(row, 0)?), column(row, 1)?))).collect()
    }
}
