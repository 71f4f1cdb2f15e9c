//! Figures about a memory.

use rekall_core::store::ReadStats;
use rekall_core::{Error, StoreStats};

use super::tx::{Tx, column};

impl ReadStats for Tx<'_> {
    fn stats(&self) -> Result<StoreStats, Error> {
        let sql = "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM entry WHERE status <> 'active'),
                (SELECT count(*) FROM embedding), (SELECT count(*) FROM pending), (SELECT count(*) FROM quarantine),
                (SELECT count(*) FROM link), (SELECT count(*) FROM change),
                (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r')";
        let row = self.query_one(sql, &[])?;
        let figure = |at| Ok::<_, Error>(column::<i64>(&row, at)?.unsigned_abs());
        let mut stats = StoreStats::default();
        stats.entries = figure(0)?;
        stats.obsolete = figure(1)?;
        stats.vectors = figure(2)?;
        stats.pending = figure(3)?;
        stats.quarantined = figure(4)?;
        stats.links = figure(5)?;
        stats.log_rows = figure(6)?;
        stats.file_bytes = figure(7)?;
        Ok(stats)
    }
}
