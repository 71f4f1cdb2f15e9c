//! Links between entries.

use std::collections::HashSet;

use rekall_core::engine::{check_link, entry_id};
use rekall_core::store::{ReadLinks, WriteLinks};
use rekall_core::{EntryId, Error, Link, Relation};
use tokio_postgres::Row;

use super::tx::{Tx, column};
use super::values::{int, ints, text};

impl ReadLinks for Tx<'_> {
    fn links(&self, id: EntryId) -> Result<Vec<Link>, Error> {
        let row = self.stored_row_of(id)?;
        let sql = "SELECT source.ulid, target.ulid, relation, reason, link.created_at FROM link
            JOIN entry AS source ON source.id = source_id JOIN entry AS target ON target.id = target_id
            WHERE source_id = $1 OR target_id = $1
            ORDER BY link.created_at, source.ulid, target.ulid, relation";
        self.query(sql, &[int(&row)])?.iter().map(link).collect()
    }

    fn neighbors(&self, id: EntryId, depth: usize) -> Result<Vec<(EntryId, usize)>, Error> {
        let sql = "SELECT id, ulid FROM entry WHERE id IN (
                SELECT target_id FROM link WHERE source_id = ANY ($1)
                UNION SELECT source_id FROM link WHERE target_id = ANY ($1))
            ORDER BY ulid";
        let mut border = vec![self.stored_row_of(id)?];
        let mut reached: HashSet<i64> = border.iter().copied().collect();
        let mut found = Vec::new();
        for distance in 1..=depth {
            let mut next = Vec::new();
            for linked in self.query(sql, &[ints(&border)])? {
                let row = column(&linked, 0)?;
                if reached.insert(row) {
                    found.push((entry_id(column(&linked, 1)?)?, distance));
                    next.push(row);
                }
            }
            if next.is_empty() {
                break;
            }
            border = next;
        }
        Ok(found)
    }
}

impl WriteLinks for Tx<'_> {
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
        check_link(relation, reason)?;
        let (source, target) = (self.stored_row_of(source)?, self.stored_row_of(target)?);
        let created_at = created_at.unwrap_or_else(|| self.now_ms());
        let sql = "INSERT INTO link (source_id, target_id, relation, reason, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (source_id, target_id, relation) DO UPDATE SET reason = excluded.reason";
        let relation = relation.as_str();
        let values = [int(&source), int(&target), text(&relation), text(&reason), int(&created_at)];
        self.execute(sql, &values).map(drop)
    }

    fn unlink(&mut self, source: EntryId, target: EntryId, relation: &Relation) -> Result<bool, Error> {
        let (source, target) = (self.stored_row_of(source)?, self.stored_row_of(target)?);
        if relation.as_str().contains('\0') {
            return Ok(false);
        }
        let sql = "DELETE FROM link WHERE source_id = $1 AND target_id = $2 AND relation = $3";
        Ok(self.execute(sql, &[int(&source), int(&target), text(&relation.as_str())])? > 0)
    }
}

fn link(row: &Row) -> Result<Link, Error> {
    Ok(Link {
        source: entry_id(column(row, 0)?)?,
        target: entry_id(column(row, 1)?)?,
        relation: Relation::from(column::<String>(row, 2)?),
        reason: column(row, 3)?,
        created_at: column(row, 4)?,
    })
}
