//! Figures about a file.

use super::SqliteTx;
use crate::Error;
use crate::StoreStats;
use crate::store::ReadStats;
use rusqlite::Connection;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadStats for SqliteTx<'_, C> {
    fn stats(&self) -> Result<StoreStats, Error> {
        let (entries, of_entries) = (self.reach.only_walk(), self.reach.only("entry_id"));
        let (obsolete, links) = (self.reach.and("id"), self.reach.only("source_id"));
        let sql = format!(
            "SELECT (SELECT count(*) FROM entry{entries}),
                (SELECT count(*) FROM entry WHERE status <> 'active'{obsolete}),
                (SELECT count(*) FROM embedding{of_entries}), (SELECT count(*) FROM pending{of_entries}),
                (SELECT count(*) FROM quarantine{of_entries}), (SELECT count(*) FROM link{links}),
                (SELECT count(*) FROM change{of_entries}),
                (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)"
        );
        Ok(self.connection.prepare_cached(&sql)?.query_row([], |row| {
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
