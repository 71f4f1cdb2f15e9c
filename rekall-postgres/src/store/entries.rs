//! Entries: written, read, changed, forgotten.

use std::collections::HashMap;

use rekall_core::engine::{NewWords, entry_id};
use rekall_core::jsonl::EntryLine;
use rekall_core::store::{MatchEntries, ReadEntries, WriteEntries};
use rekall_core::{Draft, Entry, EntryId, EntryPatch, Error, Filter, Inserted, Origin, Status};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_postgres::Row;

use super::many::{MANY, Ways};
use super::rows::{self, by_ulid};
use super::scope::{Numbering, Scope};
use super::tx::{Tx, column};
use super::values::{int, ints, limit, text, texts};

/// Entries that are read or written with one statement.
pub(super) const AT_ONCE: usize = 1_000;

/// Bytes of text that are written with one statement, and a last entry.
const BYTES_AT_ONCE: usize = 4 << 20;

/// From so many entries on their words are read while the server writes them: as many are moved into a segment before the commit.
const WORDS_FROM: usize = 256;

/// Rows are numbered in the order of the lists.
pub(super) fn insert(scope: Scope) -> String {
    let Numbering { with, column, overriding, value, from } =
        scope.numbering("entries", "cardinality($1)", "number");
    let of_scope = scope.holds("entry.id");
    format!("{with}INSERT INTO entry ({column}ulid, title, content, kind, project, tags, status, superseded_by, confidence, memory_type,
        context, metadata, legacy, created_at, updated_at, expires_at, valid_from, valid_to)
    {overriding}SELECT {value}ulid, title, content, kind, project, tags, status,
        (SELECT id FROM entry WHERE entry.ulid = new.superseded_by AND {of_scope}), confidence, memory_type,
        context, metadata, legacy, created_at, updated_at, expires_at, valid_from, valid_to
    FROM {from}unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
        $18::bigint[]) WITH ORDINALITY AS new (ulid, title, content, kind, project, tags, status, superseded_by, confidence,
        memory_type, context, metadata, legacy, created_at, updated_at, expires_at, valid_from, valid_to, number)
    ORDER BY new.number
    ON CONFLICT DO NOTHING RETURNING ulid, id")
}

pub(super) fn update(scope: Scope) -> String {
    let (of_scope, of_newer) = (scope.holds("entry.id"), scope.holds("newer.id"));
    format!("UPDATE entry SET title = $2, content = $3, kind = $4, project = $5, tags = $6, status = $7,
        superseded_by = (SELECT newer.id FROM entry AS newer WHERE newer.ulid = $8 AND {of_newer}), confidence = $9, memory_type = $10,
        context = $11, metadata = $12, legacy = $13, created_at = $14, updated_at = $15, expires_at = $16, valid_from = $17,
        valid_to = $18
    WHERE ulid = $1 AND {of_scope}")
}

impl ReadEntries for Tx<'_> {
    fn get(&self, id: EntryId) -> Result<Entry, Error> {
        Ok(self.locate(id)?.1)
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Option<Entry>>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let ulids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
            let (entries, of_scope) = (rows::entries(self.scope()), self.scope().holds("entry.id"));
            let sql = format!("{entries} WHERE entry.ulid = ANY ($1) AND {of_scope}");
            let rows = self.query(&sql, &[texts(&ulids)])?;
            let by_ulid = by_column::<&str>(&rows, 1)?;
            for ulid in &ulids {
                let row = by_ulid.get(ulid.as_str());
                found.push(row.map(|row| Ok::<_, Error>(rows::entry(row, self.scope())?.1)).transpose()?);
            }
        }
        Ok(found)
    }

    fn locate(&self, id: EntryId) -> Result<(i64, Entry), Error> {
        let row = self.query_opt(&by_ulid(self.scope()), &[text(&id.to_string())])?;
        rows::entry(&row.ok_or(Error::EntryNotFound { id })?, self.scope())
    }

    fn row_of(&self, id: EntryId) -> Result<i64, Error> {
        Ok(self.scope().row(self.stored_row_of(id)?))
    }

    fn entries(&self, rows: &[i64]) -> Result<Vec<(i64, Entry)>, Error> {
        self.readable_entries(rows)?.into_iter().map(|(row, entry)| Ok((row, entry?))).collect()
    }

    fn readable_entries(&self, rows: &[i64]) -> Result<Vec<(i64, Result<Entry, Error>)>, Error> {
        let mut found = Vec::with_capacity(rows.len());
        for wanted in rows.chunks(AT_ONCE) {
            let stored = self.scope().stored_all(wanted);
            let rows = self.query(&rows::by_rows(self.scope()), &[ints(&stored)])?;
            found.extend(self.readable(wanted, &stored, &rows)?);
        }
        Ok(found)
    }

    fn ids(&self, rows: &[i64]) -> Result<HashMap<i64, EntryId>, Error> {
        if let Some(known) = self.learned_ids(rows) {
            return Ok(known);
        }
        let stored = self.scope().stored_all(rows);
        let found = self.query("SELECT id, ulid FROM entry WHERE id = ANY ($1)", &[ints(&stored)])?;
        let found: HashMap<i64, EntryId> =
            found.iter().map(|row| self.row_and_id(row)).collect::<Result<_, Error>>()?;
        self.learn_ids(rows, &found);
        Ok(found)
    }

    fn first_by_id(&self, rows: &[i64], count: usize) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM entry WHERE id = ANY ($1) ORDER BY ulid LIMIT $2";
        self.rows_in(&self.query(sql, &[ints(&self.scope().stored_all(rows)), int(&limit(count))])?)
    }

    fn all_ids(&self) -> Result<Vec<(i64, EntryId)>, Error> {
        let sql = format!("SELECT id, ulid FROM entry WHERE {} ORDER BY id", self.scope().range("id"));
        self.query(&sql, &[])?.iter().map(|row| self.row_and_id(row)).collect()
    }

    fn entries_after(&self, row: i64, count: usize) -> Result<Vec<(i64, Entry)>, Error> {
        let (entries, after) = (rows::entries(self.scope()), self.scope().after("entry.id", "$1"));
        let sql = format!("{entries} WHERE {after} ORDER BY entry.id LIMIT $2");
        let rows = self.query(&sql, &[int(&self.scope().stored_after(row)), int(&limit(count))])?;
        rows.iter().map(|row| rows::entry(row, self.scope())).collect()
    }
}

/// Rows by what they have in a column.
fn by_column<'r, T>(rows: &'r [Row], at: usize) -> Result<HashMap<T, &'r Row>, Error>
where
    T: tokio_postgres::types::FromSql<'r> + Eq + std::hash::Hash,
{
    rows.iter().map(|row| Ok((column(row, at)?, row))).collect()
}

impl WriteEntries for Tx<'_> {
    fn insert(&mut self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error> {
        let now = self.now_ms();
        let mut newest = self.newest_id()?;
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            draft.entry.validate()?;
            draft.origin.map_or(Ok(()), Origin::validate)?;
            let id = match draft.given_id()? {
                Some(id) => id,
                None => self.store.ids.next(newest.take(), now)?,
            };
            entries.push(Entry::of(draft.entry.clone(), id, draft.origin.cloned().unwrap_or_default(), now));
        }
        let ways = if entries.len() >= WORDS_FROM { self.ways()? } else { Ways::default() };
        if entries.len() >= MANY
            && ways.ours_alone
            && ways.copies
            && let Some(inserted) = self.insert_whole(drafts, &entries)?
        {
            return Ok(inserted);
        }
        let mut words = ways.ours_alone.then(NewWords::new);
        let (inserted, last) = self.insert_entries(&entries, words.as_mut())?;
        self.insert_vectors_while(drafts, &inserted, || {
            last.read_words(words.as_mut());
            words.iter_mut().for_each(NewWords::finish);
        })?;
        words.into_iter().for_each(|words| self.keep_words(words));
        Ok(inserted)
    }

    fn update(&mut self, id: EntryId, patch: &EntryPatch) -> Result<(i64, Entry), Error> {
        let (row, mut entry) = self.locate(id)?;
        patch.apply(&mut entry)?;
        if let Some(Some(newer)) = patch.superseded_by {
            self.check_successor(row, newer)?;
        }
        entry.updated_at = self.now_ms().max(entry.created_at);
        let mut columns = Columns::default();
        columns.push(&entry)?;
        columns.with_first(|values| self.execute(&update(self.scope()), values))?;
        Ok((row, entry))
    }

    fn delete(&mut self, id: EntryId) -> Result<(), Error> {
        let sql = format!("DELETE FROM entry WHERE ulid = $1 AND {}", self.scope().holds("id"));
        match self.execute(&sql, &[text(&id.to_string())])? {
            0 => Err(Error::EntryNotFound { id }),
            _ => Ok(()),
        }
    }

    fn delete_many(&mut self, ids: &[EntryId]) -> Result<Vec<EntryId>, Error> {
        let ulids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
        let of_scope = self.scope().holds("id");
        let sql = format!("DELETE FROM entry WHERE ulid = ANY ($1) AND {of_scope} RETURNING ulid");
        let rows = self.returning(&sql, &[texts(&ulids)])?;
        let mut gone =
            rows.iter().map(|row| column(row, 0)).collect::<Result<std::collections::HashSet<&str>, _>>()?;
        // Each once, in the order given.
        Ok(ids.iter().zip(&ulids).filter(|(_, ulid)| gone.remove(ulid.as_str())).map(|(&id, _)| id).collect())
    }

    fn delete_matching(&mut self, filter: &Filter) -> Result<Vec<EntryId>, Error> {
        if filter.is_unconditional() && filter.status != Some(Status::Obsolete) {
            return Err(Error::Unconditional);
        }
        let rows = self.matching(filter)?;
        if !filter.metadata.is_empty() {
            self.entries(&rows)?;
        }
        self.delete_rows(&rows)
    }

    fn delete_all(&mut self) -> Result<Vec<EntryId>, Error> {
        let all = self.all_ids()?;
        self.execute(&format!("DELETE FROM entry WHERE {}", self.scope().range("id")), &[])?;
        Ok(all.into_iter().map(|(_, id)| id).collect())
    }
}

impl Tx<'_> {
    /// Entries in the order in which they were asked for, from the rows that were found.
    #[allow(clippy::type_complexity, reason = "a list of rows, each with what reading it gave")]
    pub(super) fn readable(
        &self,
        wanted: &[i64],
        stored: &[i64],
        rows: &[Row],
    ) -> Result<Vec<(i64, Result<Entry, Error>)>, Error> {
        let by_row = by_column::<i64>(rows, 0)?;
        let mut found = Vec::with_capacity(wanted.len());
        for (&wanted, stored) in wanted.iter().zip(stored) {
            let Some(row) = by_row.get(stored) else { continue };
            match rows::entry(row, self.scope()) {
                Ok((_, entry)) => found.push((wanted, Ok(entry))),
                Err(error @ Error::UnreadableEntry { .. }) => found.push((wanted, Err(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The number that an entry has in the tables.
    pub(super) fn stored_row_of(&self, id: EntryId) -> Result<i64, Error> {
        let sql = format!("SELECT id FROM entry WHERE ulid = $1 AND {}", self.scope().holds("id"));
        let row = self.query_opt(&sql, &[text(&id.to_string())])?;
        column(&row.ok_or(Error::EntryNotFound { id })?, 0)
    }

    fn row_and_id(&self, row: &Row) -> Result<(i64, EntryId), Error> {
        Ok((self.scope().row(column(row, 0)?), entry_id(column(row, 1)?)?))
    }

    pub(super) fn delete_rows(&mut self, rows: &[i64]) -> Result<Vec<EntryId>, Error> {
        let ids = self.ids(rows)?;
        self.execute("DELETE FROM entry WHERE id = ANY ($1)", &[ints(&self.scope().stored_all(rows))])?;
        Ok(rows.iter().filter_map(|row| ids.get(row).copied()).collect())
    }

    /// Writes entries as they are; gives their row numbers, which grow. While the server is at some, the next ones are made ready, and
    /// the words of those before are read, but for the last ones, which are given back.
    fn insert_entries(
        &self,
        entries: &[Entry],
        mut words: Option<&mut NewWords>,
    ) -> Result<(Vec<Inserted>, Written), Error> {
        let (mut inserted, sql) = (Vec::with_capacity(entries.len()), insert(self.scope()));
        let (mut last, mut next) = (Written::default(), Columns::of_first(entries)?);
        while !next.0.ulids.is_empty() {
            let (columns, later) = next;
            let meanwhile = || {
                last.read_words(words.as_deref_mut());
                Columns::of_first(later)
            };
            let (rows, made) = columns.with_all(|values| self.returning_while(&sql, values, meanwhile))?;
            let mut by_ulid = rows
                .iter()
                .map(|row| Ok((column(row, 0)?, column(row, 1)?)))
                .collect::<Result<HashMap<&str, i64>, Error>>()?;
            let written = inserted.len();
            for (entry, ulid) in entries[written..].iter().zip(&columns.ulids) {
                // One that is there, or is there twice now, was left out.
                let row = by_ulid.remove(ulid.as_str()).ok_or(Error::DuplicateId { id: entry.id })?;
                inserted.push(Inserted { id: entry.id, row: self.scope().row(row) });
            }
            let rows = inserted[written..].iter().map(|inserted| inserted.row).collect();
            last = Written { columns, rows };
            next = made?;
        }
        Ok((inserted, last))
    }

    fn newest_id(&self) -> Result<Option<EntryId>, Error> {
        let row = match self.scope().number() {
            0 => self.query_one("SELECT max(ulid) FROM entry WHERE id >= 0", &[])?,
            scope => self.query_one("SELECT scope_newest($1)", &[int(&scope)])?,
        };
        Ok(column::<Option<&str>>(&row, 0)?.and_then(|id| id.parse().ok()))
    }
}

/// Entries as columns, in the order of [`insert`].
#[derive(Default)]
pub(super) struct Columns {
    ulids: Vec<String>,
    texts: [Vec<String>; 7],
    optional_texts: [Vec<Option<String>>; 4],
    numbers: [Vec<i64>; 3],
    optional_numbers: [Vec<Option<i64>>; 3],
}

/// Entries that were written, with their row numbers.
#[derive(Default)]
struct Written {
    columns: Columns,
    rows: Vec<i64>,
}

impl Written {
    /// Reads their words, if they are wanted.
    fn read_words(&self, words: Option<&mut NewWords>) {
        let Some(words) = words else { return };
        let [title, content, _, tags, ..] = &self.columns.texts;
        let [_, _, context, _] = &self.columns.optional_texts;
        for (at, &row) in self.rows.iter().enumerate() {
            words.add(row, &title[at], &content[at], &tags[at], context[at].as_deref());
        }
    }
}

impl Columns {
    /// The first entries, as many as are written with one statement, and the others.
    fn of_first(entries: &[Entry]) -> Result<(Self, &[Entry]), Error> {
        let (mut columns, mut bytes, mut count) = (Self::default(), 0, 0);
        for entry in entries.iter().take(AT_ONCE) {
            if bytes >= BYTES_AT_ONCE {
                break;
            }
            columns.push(entry)?;
            bytes += entry.title.len() + entry.content.len();
            count += 1;
        }
        Ok((columns, &entries[count..]))
    }

    fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        self.ulids.push(entry.id.to_string());
        let texts = [
            entry.title.clone(),
            entry.content.clone(),
            entry.kind.clone(),
            json(&entry.tags)?,
            entry.status.name().to_owned(),
            entry.memory_type.clone(),
            json(&entry.metadata)?,
        ];
        let optional_texts = [
            entry.project.clone(),
            entry.superseded_by.map(|id| id.to_string()),
            entry.context.as_ref().map(json).transpose()?,
            entry.legacy.as_ref().map(json).transpose()?,
        ];
        let numbers = [i64::from(entry.confidence), entry.created_at, entry.updated_at];
        let optional_numbers = [entry.expires_at, entry.valid_from, entry.valid_to];
        self.push_columns(texts, optional_texts, numbers, optional_numbers);
        Ok(())
    }

    fn push_columns(
        &mut self,
        texts: [String; 7],
        optional_texts: [Option<String>; 4],
        numbers: [i64; 3],
        optional_numbers: [Option<i64>; 3],
    ) {
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.push(text));
        self.optional_texts.iter_mut().zip(optional_texts).for_each(|(column, text)| column.push(text));
        self.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        self.optional_numbers
            .iter_mut()
            .zip(optional_numbers)
            .for_each(|(column, number)| column.push(number));
    }

    /// An entry of an import, which replaces nothing yet. Its JSON is kept letter by letter.
    pub(super) fn push_line(&mut self, line: &EntryLine) {
        self.ulids.push(line.id.to_string());
        let texts = [
            line.title.clone(),
            line.content.clone(),
            line.kind.clone(),
            line.tags.get().to_owned(),
            line.status.name().to_owned(),
            line.memory_type.clone(),
            line.metadata.get().to_owned(),
        ];
        let json = |json: &Option<Box<RawValue>>| json.as_ref().map(|json| json.get().to_owned());
        let optional_texts = [line.project.clone(), None, json(&line.context), json(&line.legacy)];
        let numbers = [i64::from(line.confidence), line.created_at, line.updated_at];
        self.push_columns(texts, optional_texts, numbers, [line.expires_at, line.valid_from, line.valid_to]);
    }

    /// All entries as lists.
    pub(super) fn with_all<R>(&self, run: impl FnOnce(&[crate::client::Value<'_>]) -> R) -> R {
        let [title, content, kind, tags, status, memory_type, metadata] = &self.texts;
        let [project, superseded_by, context, legacy] = &self.optional_texts;
        let [confidence, created_at, updated_at] = &self.numbers;
        let [expires_at, valid_from, valid_to] = &self.optional_numbers;
        run(&[
            texts(&self.ulids),
            texts(title),
            texts(content),
            texts(kind),
            texts(project),
            texts(tags),
            texts(status),
            texts(superseded_by),
            ints(confidence),
            texts(memory_type),
            texts(context),
            texts(metadata),
            texts(legacy),
            ints(created_at),
            ints(updated_at),
            ints(expires_at),
            ints(valid_from),
            ints(valid_to),
        ])
    }

    /// The only entry.
    pub(super) fn with_first<R>(&self, run: impl FnOnce(&[crate::client::Value<'_>]) -> R) -> R {
        let [title, content, kind, tags, status, memory_type, metadata] = &self.texts;
        let [project, superseded_by, context, legacy] = &self.optional_texts;
        let [confidence, created_at, updated_at] = &self.numbers;
        let [expires_at, valid_from, valid_to] = &self.optional_numbers;
        run(&[
            text(&self.ulids[0]),
            text(&title[0]),
            text(&content[0]),
            text(&kind[0]),
            text(&project[0]),
            text(&tags[0]),
            text(&status[0]),
            text(&superseded_by[0]),
            int(&confidence[0]),
            text(&memory_type[0]),
            text(&context[0]),
            text(&metadata[0]),
            text(&legacy[0]),
            int(&created_at[0]),
            int(&updated_at[0]),
            int(&expires_at[0]),
            int(&valid_from[0]),
            int(&valid_to[0]),
        ])
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::NotJson { field: "entry", detail: error.to_string() })
}
