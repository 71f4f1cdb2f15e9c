//! Reading back what an export wrote.

use crate::JsonlImportOptions;
use crate::JsonlImportReport;
use crate::OnDuplicate;
use crate::store::ReadSources;
use crate::store::ReadSpaces;
use crate::store::WritePending;
use std::collections::HashMap;
use std::io::BufRead;
use std::sync::atomic::AtomicBool;

use rusqlite::{OptionalExtension, named_params};
use serde_json::{Map, Value};

use super::meta::meta_sql;
use crate::jsonl::{
    EntryLine, ExportHeader, LineReader, LinkLine, Place, SpaceLine, VectorLine, bare_entry, check_names,
    decode, invalid_line, readable,
};
use crate::sqlite::reach::Numbered;
use crate::sqlite::upkeep::{Progress, REPORT_EVERY, stop_if};
use crate::sqlite::{SqliteStore, SqliteWriteTx};
use crate::store::{Space, SpaceId};
use crate::{Context, EntryId, Error, Role, vector};

/// References to entries that have not come yet wait here, not in memory; the table goes before the commit.
const WAITING: &str =
    "CREATE TABLE import_waiting (line INTEGER, source_id INTEGER, target TEXT, relation TEXT,
    reason TEXT, created_at INTEGER)";

impl SqliteStore {
    /// Reads what [`export_jsonl`](Self::export_jsonl) wrote, in one transaction: all of it or nothing.
    ///
    /// LineReader of entries without an export's header are read, too, one JSON object each, as `docs/jsonl.md` describes them:
    /// only a title has to be there. They are held to the same limits as [`insert`](crate::store::WriteEntries::insert), get an id where they
    /// have none, and wait for their vectors. Empty lines among them are passed over.
    ///
    /// A space goes to the one here with the same fingerprint and dimensions, or is added, under its own
    /// number where that is free; an active one is added as retired when this file has another active one, and
    /// entries without a vector in the active space are marked pending. `progress` is called with entries (a total of
    /// 0: not known). Memory: one entry.
    ///
    /// ```
    /// # use rekall_core::{JsonlImportOptions, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let mut lines = &br#"{"title": "CORS fails on Safari"}"#[..];
    /// let options = JsonlImportOptions::default();
    /// let report = store.import_jsonl(&mut lines, &options, &mut |_, _| {}, None)?;
    /// assert_eq!(report.added, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadLine`] names the first line that cannot be read, [`Error::NewerExport`] a version this
    /// library does not know; [`Error::DuplicateId`] when asked for, [`Error::Stream`], [`Error::Interrupted`],
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`].
    pub fn import_jsonl(
        &self,
        input: &mut dyn BufRead,
        options: &JsonlImportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<JsonlImportReport, Error> {
        let mut lines = LineReader::new(input);
        let header = lines.begin()?;
        let is_plain = header.is_none();
        let header = header.unwrap_or_default();
        let tx = self.begin_write()?;
        let mut import = Import::begin(tx, *options, &header)?;
        let total = header.entries.unwrap_or(0);
        let mut read = 0;
        // Without a header the first line is an entry already.
        let mut is_line = is_plain || lines.next()?;
        while is_line {
            stop_if(cancel)?;
            let entry = match is_plain {
                true => {
                    let tx = &import.tx;
                    bare_entry::entry(lines.number, lines.text(), tx.now_ms(), || tx.next_id())?
                }
                false => lines.parse("an entry")?,
            };
            import.entry(lines.number, &entry)?;
            read += 1;
            is_line = if is_plain { lines.next_with_text()? } else { lines.next()? };
            if read % REPORT_EVERY == 0 {
                progress(read, total);
            }
        }
        if header.entries.is_some_and(|expected| expected != read) {
            return Err(invalid_line(lines.number, format!("{total} entries in all"), format!("{read}")));
        }
        let report = import.finish()?;
        progress(read, total);
        Ok(report)
    }
}

/// An import under way.
struct Import<'s> {
    tx: SqliteWriteTx<'s>,
    options: JsonlImportOptions,
    /// From the export's numbers to this file's spaces.
    spaces: HashMap<i64, Space>,
    active: Option<SpaceId>,
    report: JsonlImportReport,
}

impl<'s> Import<'s> {
    fn begin(
        tx: SqliteWriteTx<'s>,
        options: JsonlImportOptions,
        header: &ExportHeader,
    ) -> Result<Self, Error> {
        tx.connection.execute_batch(WAITING)?;
        let mut import =
            Self { tx, options, spaces: HashMap::new(), active: None, report: JsonlImportReport::default() };
        for space in &header.spaces {
            import.space(space)?;
        }
        for (key, value) in &header.meta {
            let sql = meta_sql(value).filter(|_| key.starts_with("legacy:"));
            let sql = sql
                .ok_or_else(|| invalid_line(1, "meta values under legacy:…", format!("{key:?}: {value}")))?;
            import.tx.connection.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (import.tx.reach.rows().key(key), sql),
            )?;
        }
        import.active = import.tx.active_space()?.map(|space| space.id);
        Ok(import)
    }

    fn space(&mut self, line: &SpaceLine) -> Result<(), Error> {
        let space = match Place::of(line, &self.tx.spaces()?, &self.spaces)? {
            Place::Known(space) => space,
            Place::New { number, state } => {
                let next = self.tx.next_number(Numbered::Space)?;
                let rows = self.tx.reach.rows();
                let own =
                    number.filter(|&number| rows.number() == 0 || (1..=rows.last_row()).contains(&number));
                if let Some(own) = own {
                    self.tx.note_number(Numbered::Space, own)?;
                }
                let number = own.map(|number| self.tx.stored(number)).or(next);
                self.tx.connection.execute(
                    "INSERT INTO space (id, fingerprint, dimensions, state, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    (number, &line.fingerprint, line.dimensions as i64, state.name(), line.created_at),
                )?;
                self.report.spaces += 1;
                self.tx.space(SpaceId(self.tx.row(self.tx.connection.last_insert_rowid())))?
            }
        };
        self.spaces.insert(line.number, space);
        Ok(())
    }

    fn entry(&mut self, line: u64, entry: &EntryLine) -> Result<(), Error> {
        let there = match self.tx.stored_row_of(entry.id) {
            Ok(row) => Some(row),
            Err(Error::EntryNotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let row = match (there, self.options.on_duplicate) {
            (None, _) => {
                self.write(line, INSERT, entry)?;
                self.report.added += 1;
                self.tx.connection.last_insert_rowid()
            }
            (Some(_), OnDuplicate::Skip) => {
                self.report.skipped += 1;
                return Ok(());
            }
            (Some(_), OnDuplicate::Refuse) => return Err(Error::DuplicateId { id: entry.id }),
            (Some(row), OnDuplicate::Replace) => {
                self.write(line, UPDATE, entry)?;
                for table in ["embedding", "quarantine", "pending", "wordless", "section", "usage"] {
                    let sql = format!("DELETE FROM {table} WHERE entry_id = ?1");
                    self.tx.connection.prepare_cached(&sql)?.execute([row])?;
                }
                self.tx.connection.prepare_cached("DELETE FROM link WHERE source_id = ?1")?.execute([row])?;
                self.report.replaced += 1;
                row
            }
        };
        let mut searched = false;
        for vector in &entry.vectors {
            searched |= Some(self.vector(line, row, vector)?) == self.active;
        }
        if entry.pending || (self.active.is_some() && !searched) {
            self.tx.mark_pending(self.tx.row(row))?;
        } else {
            self.tx.clear_pending(self.tx.row(row))?;
        }
        self.quarantine(line, row, entry)?;
        self.section(line, row, entry)?;
        self.usage(row, entry)?;
        for link in &entry.links {
            self.link(line, row, entry.id, link)?;
        }
        if let Some(newer) = entry.superseded_by {
            if newer == entry.id {
                return Err(invalid_line(line, "superseded_by another entry", "by itself"));
            }
            self.wait(line, row, newer, None)?;
        }
        Ok(())
    }

    /// `superseded_by` comes last: the entry that it names may not be there yet.
    fn write(&self, line: u64, sql: &str, entry: &EntryLine) -> Result<(), Error> {
        check_names(line, entry)?;
        let context = entry.context.as_ref().map(|context| readable::<Context>(line, "context", context));
        let legacy = entry.legacy.as_ref().map(|legacy| readable::<Value>(line, "legacy", legacy));
        let mut statement = self.tx.connection.prepare_cached(sql)?;
        if let Some(index) = statement.parameter_index(":id")? {
            statement.raw_bind_parameter(index, self.tx.next_number(Numbered::Entry)?)?;
        }
        let written = statement.execute(named_params! {
            ":ulid": self.tx.reach.key(entry.id),
            ":title": entry.title,
            ":content": entry.content,
            ":kind": entry.kind,
            ":project": entry.project,
            ":tags": readable::<Vec<String>>(line, "tags", &entry.tags)?,
            ":status": entry.status.name(),
            ":confidence": entry.confidence,
            ":memory_type": entry.memory_type,
            ":context": context.transpose()?,
            ":metadata": readable::<Map<String, Value>>(line, "metadata", &entry.metadata)?,
            ":legacy": legacy.transpose()?,
            ":created_at": entry.created_at,
            ":updated_at": entry.updated_at,
            ":expires_at": entry.expires_at,
            ":valid_from": entry.valid_from,
            ":valid_to": entry.valid_to,
        });
        match written {
            Ok(_) => Ok(()),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Err(invalid_line(line, "an entry", error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn vector(&mut self, line: u64, row: i64, new: &VectorLine) -> Result<SpaceId, Error> {
        let Some(space) = self.spaces.get(&new.space) else {
            return Err(invalid_line(line, "a space of the header", format!("space {}", new.space)));
        };
        let role = Role::ALL.into_iter().find(|role| role.name() == new.role);
        let role =
            role.ok_or_else(|| invalid_line(line, "the role summary or context", format!("{:?}", new.role)))?;
        let base64 = |text: &str| decode(text).ok_or_else(|| invalid_line(line, "base64", "something else"));
        let (bytes, digest) = (base64(&new.vector)?, base64(&new.digest)?);
        let mut values = Vec::with_capacity(space.dimensions);
        if vector::decode(&bytes, space.dimensions, &mut values).is_none() {
            let expected = format!("a vector of {} bytes", space.dimensions * 4);
            return Err(invalid_line(line, expected, format!("{} bytes", bytes.len())));
        }
        if let Some(problem) = vector::problem(&values) {
            return Err(invalid_line(line, "a finite vector of length 1", problem));
        }
        if new.start > new.end {
            return Err(invalid_line(
                line,
                "a span that goes forward",
                format!("{} to {}", new.start, new.end),
            ));
        }
        let written = self
            .tx
            .connection
            .prepare_cached(
                "INSERT INTO embedding (entry_id, space_id, role, chunk, start, end, digest, vector)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?
            .execute((
                row,
                self.tx.stored(space.id.0),
                role.number(),
                new.chunk,
                new.start,
                new.end,
                digest,
                bytes,
            ))?;
        if written == 0 {
            let got = format!("{} {} of space {} twice", new.role, new.chunk, new.space);
            return Err(invalid_line(line, "each vector once", got));
        }
        self.report.vectors += 1;
        Ok(space.id)
    }

    fn quarantine(&mut self, line: u64, row: i64, entry: &EntryLine) -> Result<(), Error> {
        for aside in &entry.quarantine {
            let bytes = match &aside.vector {
                Some(text) => {
                    Some(decode(text).ok_or_else(|| invalid_line(line, "base64", "something else"))?)
                }
                None => None,
            };
            let known = |number| self.spaces.get(&number).map_or(number, |space| space.id.0);
            let space = aside.space.map(|number| self.tx.stored(known(number)));
            self.tx
                .connection
                .prepare_cached(
                    "INSERT INTO quarantine (entry_id, space_id, role, chunk, reason, vector, found_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((row, space, aside.role, aside.chunk, &aside.reason, bytes, aside.found_at))?;
            self.report.quarantined += 1;
        }
        Ok(())
    }

    /// Where another entry has this place, both stay, and the imported one comes from nowhere.
    fn section(&self, line: u64, row: i64, entry: &EntryLine) -> Result<(), Error> {
        let Some(section) = &entry.source else { return Ok(()) };
        if section.uri.is_empty() || section.uri.contains('\0') || section.uri.starts_with('\u{1}') {
            return Err(invalid_line(line, "a source with a URI", format!("{:?}", section.uri)));
        }
        let number = if section.number < 0 { -1 - self.tx.row(row) } else { section.number };
        let digest = decode(&section.digest).ok_or_else(|| invalid_line(line, "base64", "something else"))?;
        let key = self.tx.reach.rows().key(&section.uri);
        let next = match self.tx.source(&section.uri)? {
            Some(_) => None,
            None => self.tx.next_number(Numbered::Source)?,
        };
        // Without a stamp: the source is to be read, and compared with what came.
        self.tx
            .connection
            .prepare_cached(
                "INSERT INTO source (id, uri, synced_at) VALUES (?3, ?1, ?2) ON CONFLICT DO UPDATE SET stamp = NULL",
            )?
            .execute((&key, self.tx.now_ms(), next))?;
        let list = |texts: &[String]| serde_json::json!(texts).to_string();
        self.tx
            .connection
            .prepare_cached(
                "INSERT INTO section (entry_id, source_id, number, path, line, digest, tags)
                 SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM source WHERE uri = ?2 ON CONFLICT DO NOTHING",
            )?
            .execute((row, &key, number, list(&section.path), section.line, digest, list(&section.tags)))?;
        Ok(())
    }

    fn usage(&self, row: i64, entry: &EntryLine) -> Result<(), Error> {
        let Some(usage) = &entry.usage else { return Ok(()) };
        let mut statement = self
            .tx
            .connection
            .prepare_cached("INSERT INTO usage (entry_id, last_used_at, uses) VALUES (?1, ?2, ?3)")?;
        statement.execute((row, usage.last_used_at, usage.uses))?;
        Ok(())
    }

    fn link(&mut self, line: u64, row: i64, source: EntryId, link: &LinkLine) -> Result<(), Error> {
        if link.target == source {
            return Err(invalid_line(line, "a link to another entry", "a link to itself"));
        }
        self.report.links += 1;
        self.wait(line, row, link.target, Some(link))
    }

    /// References are written when all entries are there.
    fn wait(&self, line: u64, row: i64, target: EntryId, link: Option<&LinkLine>) -> Result<(), Error> {
        self.tx
            .connection
            .prepare_cached("INSERT INTO import_waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute((
                line as i64,
                row,
                self.tx.reach.key(target),
                link.map(|link| &link.relation),
                link.and_then(|link| link.reason.as_ref()),
                link.map(|link| link.created_at),
            ))?;
        Ok(())
    }

    fn finish(self) -> Result<JsonlImportReport, Error> {
        let connection = &self.tx.connection;
        let missing = "SELECT line, target FROM import_waiting
            WHERE NOT EXISTS (SELECT 1 FROM entry WHERE ulid = target) ORDER BY line LIMIT 1";
        let missing: Option<(i64, String)> =
            connection.query_row(missing, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((line, target)) = missing {
            let target = self.tx.reach.rows().name(&target).unwrap_or_default();
            return Err(invalid_line(line as u64, "a reference to an entry that is there", target));
        }
        connection.execute_batch(
            "INSERT INTO link (source_id, target_id, relation, reason, created_at)
                 SELECT source_id, entry.id, relation, reason, import_waiting.created_at
                 FROM import_waiting JOIN entry ON entry.ulid = target WHERE relation IS NOT NULL
                 ON CONFLICT DO UPDATE SET reason = excluded.reason, created_at = excluded.created_at;
             UPDATE entry SET superseded_by = newer.id
                 FROM import_waiting JOIN entry AS newer ON newer.ulid = target
                 WHERE relation IS NULL AND entry.id = source_id;
             DROP TABLE import_waiting;",
        )?;
        let report = self.report;
        self.tx.finish()?;
        Ok(report)
    }
}

const INSERT: &str = "INSERT INTO entry (id, ulid, title, content, kind, project, tags, status, confidence,
        memory_type, context, metadata, legacy, created_at, updated_at, expires_at, valid_from, valid_to)
    VALUES (:id, :ulid, :title, :content, :kind, :project, :tags, :status, :confidence, :memory_type, :context,
        :metadata, :legacy, :created_at, :updated_at, :expires_at, :valid_from, :valid_to)";

const UPDATE: &str = "UPDATE entry SET title = :title, content = :content, kind = :kind, project = :project,
        tags = :tags, status = :status, superseded_by = NULL, confidence = :confidence,
        memory_type = :memory_type, context = :context, metadata = :metadata, legacy = :legacy,
        created_at = :created_at, updated_at = :updated_at, expires_at = :expires_at,
        valid_from = :valid_from, valid_to = :valid_to
    WHERE ulid = :ulid";
