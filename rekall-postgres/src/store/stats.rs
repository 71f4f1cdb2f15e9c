//! Figures about a memory.

use rekall_core::store::ReadStats;
use rekall_core::{Error, StoreStats};

use super::tx::{Tx, column};

impl ReadStats for Tx<'_> {
    fn stats(&self) -> Result<StoreStats, Error> {
        let of = |column| self.scope().range(column);
        let (entry, hanging, link) = (of("id"), of("entry_id"), of("source_id"));
        let sql = format!(
            "SELECT (SELECT count(*) FROM entry WHERE {entry}),
                (SELECT count(*) FROM entry WHERE status <> 'active' AND {entry}),
                (SELECT count(*) FROM embedding WHERE {hanging}), (SELECT count(*) FROM pending WHERE {hanging}),
                (SELECT count(*) FROM quarantine WHERE {hanging}), (SELECT count(*) FROM link WHERE {link}),
                (SELECT count(*) FROM change WHERE {hanging}),
                (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r')"
        );
        let row = self.query_one(&sql, &[])?;
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
