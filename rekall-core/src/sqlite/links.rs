//! Links between entries.

use super::reach::Reach;
use super::{SqliteTx, SqliteWriteTx};
use crate::entry::limits;
use crate::store::ReadLinks;
use crate::store::WriteLinks;
use crate::{EntryId, Error, Link, Relation};
use rusqlite::{Connection, Row};
use std::collections::HashSet;
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadLinks for SqliteTx<'_, C> {
    fn links(&self, id: EntryId) -> Result<Vec<Link>, Error> {
        let row = self.stored_row_of(id)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT source.ulid, target.ulid, relation, reason, link.created_at FROM link
             JOIN entry AS source ON source.id = source_id JOIN entry AS target ON target.id = target_id
             WHERE source_id = ?1 OR target_id = ?1
             ORDER BY link.created_at, source.ulid, target.ulid, relation",
        )?;
        let links = statement.query_map([row], |row| link(row, self.reach))?;
        Ok(links.collect::<Result<_, _>>()?)
    }

    fn neighbors(&self, id: EntryId, depth: usize) -> Result<Vec<(EntryId, usize)>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, ulid FROM entry WHERE id IN (
                 SELECT target_id FROM link WHERE source_id = ?1
                 UNION SELECT source_id FROM link WHERE target_id = ?1)
             ORDER BY ulid",
        )?;
        let mut reached = HashSet::from([self.stored_row_of(id)?]);
        let mut border: Vec<i64> = reached.iter().copied().collect();
        let mut found = Vec::new();
        for distance in 1..=depth {
            let mut next = Vec::new();
            for row in border {
                let linked = statement
                    .query_map([row], |row| Ok((row.get(0)?, self.reach.id(row, 1)?)))?
                    .collect::<Result<Vec<(i64, EntryId)>, _>>()?;
                next.extend(linked.into_iter().filter(|&(row, _)| reached.insert(row)));
            }
            if next.is_empty() {
                break;
            }
            next.sort_unstable_by_key(|&(_, id)| id);
            found.extend(next.iter().map(|&(_, id)| (id, distance)));
            border = next.into_iter().map(|(row, _)| row).collect();
        }
        Ok(found)
    }
}

impl WriteLinks for SqliteWriteTx<'_> {
    fn link(
        &mut self,
        source: EntryId,
        target: EntryId,
        relation: &Relation,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.link_made_at(source, target, relation, reason, None)
    }

    fn link_made_at(
        &mut self,
        source: EntryId,
        target: EntryId,
        relation: &Relation,
        reason: Option<&str>,
        created_at: Option<i64>,
    ) -> Result<(), Error> {
        if source == target {
            return Err(Error::OutOfRange {
                field: "target",
                expected: "another entry than the source",
                got: target.to_string(),
            });
        }
        limits::check_link(relation, reason)?;
        let rows = (self.stored_row_of(source)?, self.stored_row_of(target)?);
        let created_at = created_at.unwrap_or_else(|| self.now_ms());
        self.connection
            .prepare_cached(
                "INSERT INTO link (source_id, target_id, relation, reason, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET reason = excluded.reason",
            )?
            .execute((rows.0, rows.1, relation.as_str(), reason, created_at))?;
        Ok(())
    }

    fn unlink(&mut self, source: EntryId, target: EntryId, relation: &Relation) -> Result<bool, Error> {
        let rows = (self.stored_row_of(source)?, self.stored_row_of(target)?);
        let removed = self
            .connection
            .prepare_cached("DELETE FROM link WHERE source_id = ?1 AND target_id = ?2 AND relation = ?3")?
            .execute((rows.0, rows.1, relation.as_str()))?;
        Ok(removed > 0)
    }
}

fn link(row: &Row<'_>, reach: Reach) -> rusqlite::Result<Link> {
    Ok(Link {
        source: reach.id(row, 0)?,
        target: reach.id(row, 1)?,
        relation: Relation::from(row.get::<_, String>(2)?),
        reason: row.get(3)?,
        created_at: row.get(4)?,
    })
}
