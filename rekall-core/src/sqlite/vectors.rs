//! Vectors: written with their entry, read in batches.

use super::reach::Reach;
use super::{SqliteTx, SqliteWriteTx};
use crate::VectorBatch;
use crate::engine::spread_over;
use crate::store::ReadSpaces;
use crate::store::ReadVectors;
use crate::store::WritePending;
use crate::store::WriteVectors;
use crate::store::{Space, SpaceId};
use crate::vector::{self, NewVector, StoredVector, VectorKey};
use crate::{Error, Role, TextDigest};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashSet;
use std::ops::{ControlFlow, Deref};

impl<C: Deref<Target = Connection>> ReadVectors for SqliteTx<'_, C> {
    fn each_vectors(
        &self,
        space: &Space,
        batch_rows: usize,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT entry_id, role, chunk, vector, entry_id IN (SELECT id FROM entry)
             FROM embedding WHERE space_id = ?1{}",
            self.reach.and("entry_id")
        );
        let mut batch = VectorBatch::new(space.dimensions);
        batch.rows.reserve(batch_rows * space.dimensions);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([self.stored(space.id.0)])?;
        while let Some(row) = rows.next()? {
            read_into(row, self.reach, &mut batch)?;
            if batch.keys.len() >= batch_rows {
                if each(&batch).is_break() {
                    return Ok(());
                }
                batch.keys.clear();
                batch.rows.clear();
                batch.unusable.clear();
            }
        }
        if !batch.keys.is_empty() || !batch.unusable.is_empty() {
            let _ = each(&batch);
        }
        Ok(())
    }

    fn vectors_of(&self, space: &Space, entries: &[i64]) -> Result<VectorBatch, Error> {
        let mut batch = VectorBatch::new(space.dimensions);
        let mut statement = self.connection.prepare_cached(
            "SELECT entry_id, role, chunk, vector, entry_id IN (SELECT id FROM entry) FROM embedding
             WHERE entry_id = ?1 AND space_id = ?2 ORDER BY role, chunk",
        )?;
        for &entry in entries {
            let mut rows = statement.query((self.stored(entry), self.stored(space.id.0)))?;
            while let Some(row) = rows.next()? {
                read_into(row, self.reach, &mut batch)?;
            }
        }
        Ok(batch)
    }

    fn sample_of_entries(&self, space: SpaceId, role: Role, most: usize) -> Result<Vec<i64>, Error> {
        let range =
            format!("SELECT min(entry_id), max(entry_id) FROM embedding{}", self.reach.only("entry_id"));
        let range: (Option<i64>, Option<i64>) =
            self.connection.prepare_cached(&range)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(last)) = range else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT entry_id FROM embedding WHERE entry_id >= ?1{} AND space_id = ?2 AND role = ?3
             ORDER BY entry_id LIMIT 1",
            self.reach.and("entry_id")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut seen: HashSet<i64> = HashSet::new();
        let mut sample = Vec::new();
        for at in spread_over(first, last, most) {
            let key = (at, self.stored(space.0), role.number());
            let found = statement.query_row(key, |row| Ok(self.row(row.get(0)?))).optional()?;
            sample.extend(found.filter(|&row| seen.insert(row)));
        }
        Ok(sample)
    }

    fn entries_of_several_passages(&self, space: SpaceId, role: Role) -> Result<Vec<i64>, Error> {
        let sql = format!(
            "SELECT DISTINCT entry_id FROM embedding WHERE space_id = ?1 AND role = ?2 AND chunk > 0{}
             ORDER BY entry_id",
            self.reach.and("entry_id")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = (self.stored(space.0), role.number());
        let rows = statement.query_map(key, |row| Ok(self.row(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn vectors_at(&self, space: &Space, keys: &[VectorKey]) -> Result<VectorBatch, Error> {
        let mut batch = VectorBatch::new(space.dimensions);
        let mut statement = self.connection.prepare_cached(
            "SELECT vector FROM embedding
             WHERE entry_id = ?1 AND space_id = ?2 AND role = ?3 AND chunk = ?4",
        )?;
        for key in keys {
            let mut rows =
                statement.query((self.stored(key.entry), self.stored(space.id.0), key.role, key.chunk))?;
            match rows.next()? {
                Some(row) => batch.push(*key, blob(row, 0)?, true),
                None => batch.unusable.push(*key),
            }
        }
        Ok(batch)
    }

    fn stored_vectors(&self, entry: i64) -> Result<Vec<StoredVector>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT space_id, entry_id, role, chunk, start, end, digest FROM embedding
             WHERE entry_id = ?1 ORDER BY space_id, role, chunk",
        )?;
        let stored = statement.query_map([self.stored(entry)], |row| {
            Ok(StoredVector {
                space: SpaceId(self.row(row.get(0)?)),
                key: VectorKey { entry: self.row(row.get(1)?), role: row.get(2)?, chunk: row.get(3)? },
                start: row.get(4)?,
                end: row.get(5)?,
                digest: TextDigest::from_stored(blob(row, 6)?),
            })
        })?;
        Ok(stored.collect::<Result<_, _>>()?)
    }

    fn spans(&self, space: SpaceId, keys: &[VectorKey]) -> Result<Vec<Option<(u32, u32)>>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT start, end FROM embedding
             WHERE entry_id = ?1 AND space_id = ?2 AND role = ?3 AND chunk = ?4",
        )?;
        let mut span = |key: &VectorKey| {
            let values = (self.stored(key.entry), self.stored(space.0), key.role, key.chunk);
            statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        };
        Ok(keys.iter().map(&mut span).collect::<Result<_, _>>()?)
    }

    fn count_vectors(&self, space: SpaceId) -> Result<u64, Error> {
        let ours = self.reach.and("entry_id");
        let sql = format!("SELECT count(*) FROM embedding WHERE space_id = ?1{ours}");
        let space = self.stored(space.0);
        Ok(self.connection.prepare_cached(&sql)?.query_row([space], |row| row.get(0))?)
    }

    fn has_more_vectors_than(&self, space: SpaceId, most: usize) -> Result<bool, Error> {
        let ours = self.reach.and("entry_id");
        let sql =
            format!("SELECT EXISTS (SELECT 1 FROM embedding WHERE space_id = ?1{ours} LIMIT 1 OFFSET ?2)");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let bounds = (self.stored(space.0), most);
        Ok(self.connection.prepare_cached(&sql)?.query_row(bounds, |row| row.get(0))?)
    }
}

impl WriteVectors for SqliteWriteTx<'_> {
    fn insert_vectors(&mut self, entry: i64, vectors: &[NewVector<'_>]) -> Result<(), Error> {
        self.insert_vectors_of(entry, vectors, &mut None)
    }

    fn set_vectors(
        &mut self,
        entry: i64,
        space: SpaceId,
        keep: &[VectorKey],
        new: &[NewVector<'_>],
    ) -> Result<(), Error> {
        for stored in self.stored_vectors(entry)? {
            if stored.space == space && !keep.contains(&stored.key) {
                self.connection
                    .prepare_cached(
                        "DELETE FROM embedding
                         WHERE entry_id = ?1 AND space_id = ?2 AND role = ?3 AND chunk = ?4",
                    )?
                    .execute((self.stored(entry), self.stored(space.0), stored.key.role, stored.key.chunk))?;
            }
        }
        self.insert_vectors(entry, new)?;
        self.clear_pending(entry)
    }
}

impl SqliteWriteTx<'_> {
    /// The same. `known`: the space that was asked for last.
    pub(super) fn insert_vectors_of(
        &self,
        entry: i64,
        vectors: &[NewVector<'_>],
        known: &mut Option<Space>,
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for new in vectors {
            let space = match known.take() {
                Some(space) if space.id == new.space => space,
                _ => self.space(new.space)?,
            };
            vector::check(new.values, space.dimensions)?;
            vector::encode(new.values, &mut bytes);
            self.connection
                .prepare_cached(
                    "INSERT INTO embedding (entry_id, space_id, role, chunk, start, end, digest, vector)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute((
                    self.stored(entry),
                    self.stored(new.space.0),
                    new.role.number(),
                    new.chunk,
                    new.start,
                    new.end,
                    new.digest.as_bytes(),
                    &bytes,
                ))?;
            *known = Some(space);
        }
        Ok(())
    }
}

fn read_into(row: &Row<'_>, reach: Reach, batch: &mut VectorBatch) -> rusqlite::Result<()> {
    let (role, chunk) = (row.get_ref(1)?.as_i64(), row.get_ref(2)?.as_i64());
    let role = role.ok().and_then(|role| u8::try_from(role).ok());
    let chunk = chunk.ok().and_then(|chunk| u16::try_from(chunk).ok());
    let entry = reach.row(row.get(0)?);
    match (role, chunk) {
        (Some(role), Some(chunk)) => batch.push(VectorKey { entry, role, chunk }, blob(row, 3)?, row.get(4)?),
        // Another program's doing: one damaged row may not stop a search over the others.
        _ => batch.unusable.push(VectorKey { entry, role: u8::MAX, chunk: u16::MAX }),
    }
    Ok(())
}

/// A BLOB column; another program may have written anything else there, which then counts as empty.
fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_blob().unwrap_or_default())
}
