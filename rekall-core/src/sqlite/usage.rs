//! When entries were last used, and how often. Kept beside the entries: using one does not change it.

use super::{SqliteTx, SqliteWriteTx};
use crate::Usage;
use crate::store::ReadUsage;
use crate::store::WriteUsage;
use crate::{EntryId, Error};
use rusqlite::{Connection, OptionalExtension};
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadUsage for SqliteTx<'_, C> {
    fn usage(&self, ids: &[EntryId]) -> Result<Vec<Option<Usage>>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT last_used_at, uses FROM usage
             WHERE entry_id = (SELECT entry.id FROM entry WHERE entry.ulid = ?1)",
        )?;
        let mut usage = |id: &EntryId| {
            let found = statement.query_row([self.reach.key(*id)], |row| {
                Ok(Usage { last_used_at: row.get(0)?, uses: row.get(1)? })
            });
            Ok(found.optional()?)
        };
        ids.iter().map(&mut usage).collect()
    }
}

impl WriteUsage for SqliteWriteTx<'_> {
    fn record_usage(&mut self, usage: &[(EntryId, Usage)]) -> Result<usize, Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO usage (entry_id, last_used_at, uses)
             SELECT id, ?2, ?3 FROM entry WHERE ulid = ?1
             ON CONFLICT (entry_id) DO UPDATE SET
                 last_used_at = max(last_used_at, excluded.last_used_at), uses = uses + excluded.uses",
        )?;
        let mut recorded = 0;
        for (id, usage) in usage {
            recorded += statement.execute((self.reach.key(*id), usage.last_used_at, usage.uses))?;
        }
        Ok(recorded)
    }
}
