//! Figures about a file.

use super::SqliteTx;
use crate::Error;
use crate::StoreStats;
use crate::store::ReadStats;
use rusqlite::Connection;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadStats for SqliteTx<'_, C> {
    fn stats(&self) -> Result<StoreStats, Error> {
        let sql =
            "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM entry WHERE status <> 'active'),
                (SELECT count(*) FROM embedding), (SELECT count(*) FROM pending),
                (SELECT count(*) FROM quarantine), (SELECT count(*) FROM link), (SELECT count(*) FROM change),
                (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(StoreStats {
                entries: row.get(0)?,
                obsolete: row.get(1)?,
                vectors: row.get(2)?,
                pending: row.get(3)?,
                quarantined: row.get(4)?,
                links: row.get(5)?,
                log_rows: row.get(6)?,
                file_bytes: row.get(7)?,
            })
        })?)
    }
}
