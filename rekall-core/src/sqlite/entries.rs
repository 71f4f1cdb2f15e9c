//! Entries: written, read, changed, forgotten.

use super::reach::Numbered;
use super::{SqliteTx, SqliteWriteTx, lock, many, rows};
use crate::Draft;
use crate::Inserted;
use crate::entry::EntryPatch;
use crate::sqlite::error::cause;
use crate::store::MatchEntries;
use crate::store::ReadEntries;
use crate::store::WriteEntries;
use crate::{Entry, EntryId, Error, Filter, Origin, Status};
use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Serialize;
use std::collections::HashMap;
use std::ops::Deref;

const INSERT: &str = "INSERT INTO entry (id, ulid, title, content, kind, project, tags, status, superseded_by,
        confidence, memory_type, context, metadata, legacy, created_at, updated_at, expires_at, valid_from, valid_to)
    VALUES (:id, :ulid, :title, :content, :kind, :project, :tags, :status,
        (SELECT id FROM entry WHERE ulid = :superseded_by), :confidence, :memory_type, :context, :metadata,
        :legacy, :created_at, :updated_at, :expires_at, :valid_from, :valid_to)";

const UPDATE: &str = "UPDATE entry SET title = :title, content = :content, kind = :kind, project = :project,
        tags = :tags, status = :status,
        superseded_by = (SELECT id FROM entry WHERE ulid = :superseded_by), confidence = :confidence,
        memory_type = :memory_type, context = :context, metadata = :metadata, legacy = :legacy,
        created_at = :created_at, updated_at = :updated_at, expires_at = :expires_at,
        valid_from = :valid_from, valid_to = :valid_to
    WHERE ulid = :ulid";

impl<C: Deref<Target = Connection>> ReadEntries for SqliteTx<'_, C> {
    fn get(&self, id: EntryId) -> Result<Entry, Error> {
        rows::get(&self.connection, self.reach, id)?.ok_or(Error::EntryNotFound { id })
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Option<Entry>>, Error> {
        ids.iter().map(|&id| rows::get(&self.connection, self.reach, id)).collect()
    }

    fn locate(&self, id: EntryId) -> Result<(i64, Entry), Error> {
        rows::located(&self.connection, self.reach, id)?.ok_or(Error::EntryNotFound { id })
    }

    fn row_of(&self, id: EntryId) -> Result<i64, Error> {
        Ok(self.row(self.stored_row_of(id)?))
    }

    fn entries(&self, rows: &[i64]) -> Result<Vec<(i64, Entry)>, Error> {
        let mut found = Vec::with_capacity(rows.len());
        for &row in rows {
            if let Some(entry) = rows::by_row(&self.connection, self.reach, row)? {
                found.push((row, entry));
            }
        }
        Ok(found)
    }

    #[allow(clippy::type_complexity, reason = "a list of rows, each with what reading it gave")]
    fn readable_entries(&self, rows: &[i64]) -> Result<Vec<(i64, Result<Entry, Error>)>, Error> {
        let mut found = Vec::with_capacity(rows.len());
        for &row in rows {
            match rows::by_row(&self.connection, self.reach, row) {
                Ok(Some(entry)) => found.push((row, Ok(entry))),
                Ok(None) => {}
                Err(error @ Error::UnreadableEntry { .. }) => found.push((row, Err(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn ids(&self, rows: &[i64]) -> Result<HashMap<i64, EntryId>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT ulid FROM entry WHERE id = ?1")?;
        let mut ids = HashMap::with_capacity(rows.len());
        for &row in rows {
            if let Some(id) =
                statement.query_row([self.stored(row)], |found| self.reach.id(found, 0)).optional()?
            {
                ids.insert(row, id);
            }
        }
        Ok(ids)
    }

    fn first_by_id(&self, rows: &[i64], count: usize) -> Result<Vec<i64>, Error> {
        let mut wanted = rows.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        // The index of ids names them in order. Where they lie far apart in it, looking up each is less work.
        let (before, and) = (self.reach.before_keys(), self.reach.and_key("ulid"));
        let sql = match before.is_empty() {
            true => "SELECT id FROM entry ORDER BY ulid".to_owned(),
            false => format!("SELECT id FROM entry WHERE ulid > '{before}'{and} ORDER BY ulid"),
        };
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut in_order = statement.query([])?;
        let mut first = Vec::new();
        for _ in 0..wanted.len() {
            if first.len() == count {
                return Ok(first);
            }
            let Some(entry) = in_order.next()? else { return Ok(first) };
            let row = self.row(entry.get(0)?);
            if wanted.binary_search(&row).is_ok() {
                first.push(row);
            }
        }
        let mut by_id: Vec<(EntryId, i64)> =
            self.ids(&wanted)?.into_iter().map(|(row, id)| (id, row)).collect();
        by_id.sort_unstable();
        by_id.truncate(count);
        Ok(by_id.into_iter().map(|(_, row)| row).collect())
    }

    fn all_ids(&self) -> Result<Vec<(i64, EntryId)>, Error> {
        let sql = format!("SELECT id, ulid FROM entry{} ORDER BY id", self.reach.only("id"));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let ids = statement.query_map([], |row| Ok((self.row(row.get(0)?), self.reach.id(row, 1)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    fn entries_after(&self, row: i64, limit: usize) -> Result<Vec<(i64, Entry)>, Error> {
        rows::after_row(&self.connection, self.reach, row, limit)
    }
}

impl WriteEntries for SqliteWriteTx<'_> {
    fn insert(&mut self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error> {
        if drafts.len() >= many::MANY && many::has_our_triggers_alone(&self.connection)? {
            return self.insert_together(drafts);
        }
        self.insert_each(drafts)
    }

    fn update(&mut self, id: EntryId, patch: &EntryPatch) -> Result<(i64, Entry), Error> {
        let (row, mut entry) = self.locate(id)?;
        patch.apply(&mut entry)?;
        if let Some(Some(newer)) = patch.superseded_by {
            self.check_successor(row, newer)?;
        }
        entry.updated_at = self.now_ms().max(entry.created_at);
        self.write_row(UPDATE, &entry, None)?;
        Ok((row, entry))
    }

    fn delete(&mut self, id: EntryId) -> Result<(), Error> {
        let deleted = self
            .connection
            .prepare_cached("DELETE FROM entry WHERE ulid = ?1")?
            .execute([self.reach.key(id)])?;
        if deleted == 0 {
            return Err(Error::EntryNotFound { id });
        }
        Ok(())
    }

    fn delete_many(&mut self, ids: &[EntryId]) -> Result<Vec<EntryId>, Error> {
        let mut deleted = Vec::with_capacity(ids.len());
        for &id in ids {
            match self.delete(id) {
                Ok(()) => deleted.push(id),
                Err(Error::EntryNotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }

    fn delete_matching(&mut self, filter: &Filter) -> Result<Vec<EntryId>, Error> {
        if filter.is_unconditional() && filter.status != Some(Status::Obsolete) {
            return Err(Error::Unconditional);
        }
        let rows = self.matching(filter)?;
        if !filter.metadata.is_empty() {
            for &row in &rows {
                rows::by_row(&self.connection, self.reach, row)?;
            }
        }
        self.delete_rows(&rows)
    }

    fn delete_all(&mut self) -> Result<Vec<EntryId>, Error> {
        let rows: Vec<i64> = self.all_ids()?.into_iter().map(|(row, _)| row).collect();
        self.delete_rows(&rows)
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// The stored number of an entry's row.
    pub(crate) fn stored_row_of(&self, id: EntryId) -> Result<i64, Error> {
        rows::stored_row_of(&self.connection, self.reach, id)?.ok_or(Error::EntryNotFound { id })
    }
}

impl SqliteWriteTx<'_> {
    /// Writes one entry after the other.
    pub(super) fn insert_each(&self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error> {
        let now = self.now_ms();
        let mut ids = lock(&self.store.ids);
        if let Some(newest) = self.newest_id()? {
            ids.observe(newest, now);
        }
        let mut inserted = Vec::with_capacity(drafts.len());
        let mut space = None;
        for draft in drafts {
            draft.entry.validate()?;
            draft.origin.map_or(Ok(()), Origin::validate)?;
            let id = match draft.given_id()? {
                Some(id) => id,
                None => ids.next(now)?,
            };
            let origin = draft.origin.cloned().unwrap_or_default();
            let row = self.insert_row(&Entry::of(draft.entry.clone(), id, origin, now))?;
            self.insert_vectors_of(row, draft.vectors, &mut space)?;
            inserted.push(Inserted { id, row });
        }
        Ok(inserted)
    }

    pub(super) fn delete_rows(&mut self, rows: &[i64]) -> Result<Vec<EntryId>, Error> {
        let ids = self.ids(rows)?;
        let ids: Vec<EntryId> = rows.iter().filter_map(|row| ids.get(row).copied()).collect();
        self.delete_many(&ids)
    }

    /// Writes an entry as it is: ids, times and what only imports have.
    pub(crate) fn insert_row(&self, entry: &Entry) -> Result<i64, Error> {
        let number = self.next_number(Numbered::Entry)?;
        self.write_row(INSERT, entry, number).map_err(|error| {
            match cause(&error).and_then(rusqlite::Error::sqlite_extended_error_code) {
                Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) => Error::DuplicateId { id: entry.id },
                _ => error,
            }
        })?;
        Ok(self.row(self.connection.last_insert_rowid()))
    }

    /// `number`: that of a new row; `None`: the file gives it.
    fn write_row(&self, statement: &str, entry: &Entry, number: Option<i64>) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(statement)?;
        if let Some(index) = statement.parameter_index(":id")? {
            statement.raw_bind_parameter(index, number)?;
        }
        statement.execute(named_params! {
            ":ulid": self.reach.key(entry.id),
            ":title": entry.title,
            ":content": entry.content,
            ":kind": entry.kind,
            ":project": entry.project,
            ":tags": json(&entry.tags)?,
            ":status": entry.status.name(),
            ":superseded_by": entry.superseded_by.map(|id| self.reach.key(id)),
            ":confidence": entry.confidence,
            ":memory_type": entry.memory_type,
            ":context": entry.context.as_ref().map(json).transpose()?,
            ":metadata": json(&entry.metadata)?,
            ":legacy": entry.legacy.as_ref().map(json).transpose()?,
            ":created_at": entry.created_at,
            ":updated_at": entry.updated_at,
            ":expires_at": entry.expires_at,
            ":valid_from": entry.valid_from,
            ":valid_to": entry.valid_to,
        })?;
        Ok(())
    }

    /// An id that is greater than all in the file, but for those that a clock made that ran ahead.
    pub(super) fn next_id(&self) -> Result<EntryId, Error> {
        let now = self.now_ms();
        let mut ids = lock(&self.store.ids);
        if let Some(newest) = self.newest_id()? {
            ids.observe(newest, now);
        }
        ids.next(now)
    }

    fn newest_id(&self) -> Result<Option<EntryId>, Error> {
        // Keys of scopes come before all ids.
        let sql = match self.reach.and_key("ulid") {
            and if and.is_empty() => "SELECT max(ulid) FROM entry".to_owned(),
            and => format!("SELECT max(ulid) FROM entry WHERE ulid > '{}'{and}", self.reach.before_keys()),
        };
        let mut statement = self.connection.prepare_cached(&sql)?;
        let newest: Option<String> = statement.query_row([], |row| row.get(0))?;
        Ok(newest.and_then(|key| self.reach.rows().name(&key)?.parse().ok()))
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)).into())
}

#[cfg(test)]
mod tests {
    use crate::store::{ReadEntries, Store, WriteEntries};
    use crate::{Draft, NewEntry, SqliteStore, StoreOptions};

    #[test]
    fn the_first_by_id_are_those_of_a_sorted_list() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        // Ids descend as rows ascend: neither order passes for the other.
        let mut ids: Vec<_> = (0..40).map(|_| store.new_id().unwrap()).collect();
        ids.reverse();
        let mut tx = store.begin_write().unwrap();
        let entries: Vec<NewEntry> = (0..40).map(|n| NewEntry::new(format!("note {n}"))).collect();
        let drafts: Vec<Draft<'_>> = entries
            .iter()
            .zip(&ids)
            .map(|(entry, &id)| Draft { id: Some(id), ..Draft::new(entry) })
            .collect();
        let rows: Vec<i64> = tx.insert(&drafts).unwrap().iter().map(|inserted| inserted.row).collect();
        tx.finish().unwrap();
        let tx = store.begin_read().unwrap();
        // Many among all, few at the end of the order of ids, and a row that is not there.
        for wanted in [rows.clone(), rows[..3].to_vec(), vec![rows[0], rows[39], 1_000], vec![]] {
            for count in [0, 1, 2, 3, 39, 40, 41] {
                let mut expected: Vec<i64> = wanted.iter().copied().filter(|&row| row != 1_000).collect();
                expected.sort_unstable_by(|a, b| b.cmp(a));
                expected.truncate(count);
                assert_eq!(tx.first_by_id(&wanted, count).unwrap(), expected, "{wanted:?}, {count}");
            }
        }
    }
}
