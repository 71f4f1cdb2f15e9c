//! When entries were last used, and how often. Kept beside the entries: using one does not change it.

use std::collections::{BTreeMap, HashMap, HashSet};

use rekall_core::store::{ReadUsage, WriteUsage};
use rekall_core::{EntryId, Error, Usage};

use super::tx::{Tx, column};
use super::values::{ints, texts};

impl ReadUsage for Tx<'_> {
    fn usage(&self, ids: &[EntryId]) -> Result<Vec<Option<Usage>>, Error> {
        let ulids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
        let sql = format!(
            "SELECT ulid, last_used_at, uses FROM usage JOIN entry ON entry.id = entry_id
             WHERE ulid = ANY ($1) AND {}",
            self.scope().holds("entry.id")
        );
        let rows = self.query(&sql, &[texts(&ulids)])?;
        let mut found = HashMap::new();
        for row in &rows {
            let usage = Usage::new(column(row, 1)?, column::<i64>(row, 2)?.unsigned_abs());
            found.insert(column::<&str>(row, 0)?, usage);
        }
        Ok(ulids.iter().map(|ulid| found.get(ulid.as_str()).copied()).collect())
    }
}

impl WriteUsage for Tx<'_> {
    fn record_usage(&mut self, usage: &[(EntryId, Usage)]) -> Result<usize, Error> {
        // One statement touches a row once.
        let mut each: BTreeMap<String, (i64, u64)> = BTreeMap::new();
        for (id, Usage { last_used_at, uses, .. }) in usage {
            let (last, sum) = each.entry(id.to_string()).or_insert((*last_used_at, 0));
            *last = (*last).max(*last_used_at);
            *sum = sum.saturating_add(*uses);
        }
        let ulids: Vec<&String> = each.keys().collect();
        let last: Vec<i64> = each.values().map(|(last, _)| *last).collect();
        let uses: Vec<i64> =
            each.values().map(|(_, uses)| i64::try_from(*uses).unwrap_or(i64::MAX)).collect();
        let sql = format!(
            "INSERT INTO usage (entry_id, last_used_at, uses)
            SELECT entry.id, used.at, used.uses
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS used (ulid, at, uses) JOIN entry USING (ulid)
            WHERE {}
            ON CONFLICT (entry_id) DO UPDATE SET
                last_used_at = greatest(usage.last_used_at, excluded.last_used_at), uses = usage.uses + excluded.uses
            RETURNING (SELECT ulid FROM entry WHERE entry.id = entry_id)",
            self.scope().holds("entry.id")
        );
        let rows = self.returning(&sql, &[texts(&ulids), ints(&last), ints(&uses)])?;
        let recorded: HashSet<&str> = rows.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
        Ok(usage.iter().filter(|(id, _)| recorded.contains(id.to_string().as_str())).count())
    }
}
