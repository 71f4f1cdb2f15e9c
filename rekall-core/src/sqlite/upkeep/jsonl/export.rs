//! Writing everything a file holds as lines of JSON.

use crate::store::MatchEntries;
use crate::store::ReadSpaces;
use crate::{ExportReport, JsonlExportOptions};
use std::io::Write;
use std::sync::atomic::AtomicBool;

use rusqlite::{OptionalExtension, Row};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::meta::meta_value;
use crate::jsonl::{
    EntryLine, ExportHeader, FORMAT, LinkLine, QuarantineLine, SectionLine, SpaceLine, UsageLine, VERSION,
    VectorLine, encode, minified, stream_failed, write_line,
};
use crate::sqlite::reach::Reach;
use crate::sqlite::upkeep::damage::raw_entry::RawEntry;
use crate::sqlite::upkeep::damage::row_faults::{DIMENSIONS, VECTOR_COLUMNS, VectorRow};
use crate::sqlite::upkeep::{Progress, REPORT_EVERY, stop_if};
use crate::sqlite::{SqliteReadTx, SqliteStore, rows};
use crate::store::RepairedEntry;
use crate::{Context, EntryId, Error, Role, Status, json as exact};

impl SqliteStore {
    /// Writes everything, as it is at this moment: a first line that says what it is, then one line of JSON an
    /// entry, ordered by id, with its links, vectors and what else hangs on it. The same content gives the
    /// same bytes, whatever the file went through; [`import_jsonl`](Self::import_jsonl) brings all of it back.
    ///
    /// Left out is what belongs to this file only: row numbers, the change log, persisted index blocks, and by what
    /// a source was recognized as unchanged: after an import it is read once more. A
    /// vector that no search may see is written as quarantined, and so are parts of an entry that cannot be read. `progress` is called with entries. Memory: one entry.
    ///
    /// ```
    /// # use rekall_core::{Draft, JsonlExportOptions, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// # tx.commit()?;
    /// let mut lines = Vec::new();
    /// let report = store.export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| {}, None)?;
    /// assert_eq!(report.entries, 2);
    /// assert!(lines.starts_with(br#"{"format":"rekall""#));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Stream`] when `out` fails, [`Error::Corrupt`] where not even an entry's id can be read (repair first),
    /// [`Error::Interrupted`]. What was written until then lacks the number of lines that its header promises.
    pub fn export_jsonl(
        &self,
        out: &mut dyn Write,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        let report = self.export(out, options, progress, cancel);
        self.settle_log();
        report
    }

    fn export(
        &self,
        out: &mut dyn Write,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        let tx = self.begin_read()?;
        let mut report = ExportReport::default();
        let mut line = Vec::new();
        let total = tx.count_entries()?;
        let mut header = header(&tx, total)?;
        if !options.vectors {
            header.spaces.clear();
        }
        write_line(out, &mut line, &header)?;
        let active = tx.active_space()?.map(|space| space.id.0);
        let sql = format!(
            "SELECT id, ulid, title, content, kind, project, tags, status, confidence, memory_type, context,
                 metadata, legacy, created_at, updated_at,
                 (SELECT ulid FROM entry AS newer WHERE newer.id = entry.superseded_by),
                 EXISTS (SELECT 1 FROM pending WHERE pending.entry_id = entry.id),
                 expires_at, valid_from, valid_to
             FROM entry{} ORDER BY ulid",
            tx.reach.only("+id")
        );
        let mut statement = tx.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            stop_if(cancel)?;
            let number: i64 = row.get(0)?;
            let mut entry = match entry(row, tx.reach) {
                Ok(entry) => entry,
                Err(error) => {
                    let (entry, columns) = repaired(&tx, row, error)?;
                    report.repaired.push(RepairedEntry { id: entry.id, columns });
                    entry
                }
            };
            entry.source = section(&tx, number)?;
            entry.usage = usage(&tx, number)?;
            entry.links = links(&tx, number)?;
            if options.vectors {
                hang_vectors(&tx, number, &mut entry)?;
            }
            // As an import will have it: without a vector to search, an entry waits for one.
            entry.pending |= active.is_some_and(|active| entry.vectors.iter().all(|v| v.space != active));
            write_line(out, &mut line, &entry)?;
            report.count(&entry);
            if report.entries.is_multiple_of(REPORT_EVERY) {
                progress(report.entries, total);
            }
        }
        out.flush().map_err(stream_failed)?;
        progress(report.entries, total);
        Ok(report)
    }
}

fn header(tx: &SqliteReadTx<'_>, entries: u64) -> Result<ExportHeader, Error> {
    let mut statement = tx.connection.prepare(&format!(
        "SELECT id, fingerprint, dimensions, state, created_at FROM space{} ORDER BY id",
        tx.reach.only("id")
    ))?;
    let spaces = statement.query_map([], |row| {
        Ok(SpaceLine {
            number: tx.row(row.get(0)?),
            fingerprint: row.get(1)?,
            dimensions: row.get(2)?,
            state: row.get(3)?,
            created_at: row.get(4)?,
        })
    })?;
    let rows = tx.reach.rows();
    let mut statement =
        tx.connection.prepare("SELECT key, value FROM meta WHERE key >= ?1 AND key < ?2 ORDER BY key")?;
    // ';' comes right after ':'.
    let meta = statement.query_map([rows.key("legacy:"), rows.key("legacy;")], |row| {
        let key: String = row.get(0)?;
        Ok((rows.name(&key).unwrap_or_default().to_owned(), meta_value(row.get_ref(1)?)))
    })?;
    Ok(ExportHeader {
        format: FORMAT.to_owned(),
        version: VERSION,
        entries: Some(entries),
        spaces: spaces.collect::<Result<_, _>>()?,
        meta: meta.collect::<Result<_, _>>()?,
    })
}

fn entry(row: &Row<'_>, reach: Reach) -> rusqlite::Result<EntryLine> {
    Ok(EntryLine {
        id: reach.id(row, 1)?,
        title: row.get(2)?,
        content: row.get(3)?,
        kind: row.get(4)?,
        project: row.get(5)?,
        tags: json::<Vec<String>>(row, 6)?,
        status: match row.get_ref(7)?.as_str()? {
            "active" => Status::Active,
            _ => Status::Obsolete,
        },
        confidence: row.get(8)?,
        memory_type: row.get(9)?,
        context: optional_json::<Context>(row, 10)?,
        metadata: json::<Map<String, Value>>(row, 11)?,
        // The word null says no more than nothing.
        legacy: optional_json::<Value>(row, 12)?.filter(|legacy| legacy.get() != "null"),
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
        superseded_by: match row.get_ref(15)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(reach.id(row, 15)?),
        },
        pending: row.get(16)?,
        expires_at: row.get(17)?,
        valid_from: row.get(18)?,
        valid_to: row.get(19)?,
        source: None,
        usage: None,
        links: Vec::new(),
        vectors: Vec::new(),
        quarantine: Vec::new(),
    })
}

/// The column's JSON, if it is what an import will accept.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Box<RawValue>> {
    let text = row.get_ref(column)?.as_str()?;
    exact::read::<T>(text).and_then(|_| minified(text)).map_err(|error| rows::unreadable(column, error))
}

fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<Box<RawValue>>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json::<T>(row, column).map(Some),
    }
}

/// An entry that an import would not accept, with its unreadable parts kept in `legacy`, and the names of those columns.
fn repaired(
    tx: &SqliteReadTx<'_>,
    row: &Row<'_>,
    error: rusqlite::Error,
) -> Result<(EntryLine, Vec<String>), Error> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let id: String = row.get(1).unwrap_or_else(|_| "?".to_owned());
        let id = tx.reach.rows().name(&id).unwrap_or(&id);
        Error::Corrupt { detail: format!("entry {id} cannot be read: {error}") }
    };
    let sql = RawEntry::select() + " WHERE id = ?1";
    let mut raw = tx.connection.prepare_cached(&sql)?.query_row([row.get::<_, i64>(0)?], RawEntry::read)?;
    let id: EntryId = raw.id().ok_or_else(|| unreadable(&error))?;
    let columns: Vec<String> = raw.repair(id).into_iter().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err(unreadable(&error));
    }
    let json = |column| minified(raw.text(column)).map_err(|error| unreadable(&error));
    let optional = |column| match raw.text(column) {
        "" | "null" => Ok(None),
        _ => json(column).map(Some),
    };
    let project = raw.text("project");
    let entry = EntryLine {
        id,
        title: raw.text("title").to_owned(),
        content: raw.text("content").to_owned(),
        kind: raw.text("kind").to_owned(),
        project: (!project.is_empty()).then(|| project.to_owned()),
        tags: json("tags")?,
        status: if raw.text("status") == "active" { Status::Active } else { Status::Obsolete },
        superseded_by: newer(tx, raw.integer("superseded_by"))?,
        confidence: raw.integer("confidence").and_then(|number| number.try_into().ok()).unwrap_or_default(),
        memory_type: raw.text("memory_type").to_owned(),
        context: optional("context")?,
        metadata: json("metadata")?,
        legacy: optional("legacy")?,
        created_at: raw.integer("created_at").unwrap_or_default(),
        updated_at: raw.integer("updated_at").unwrap_or_default(),
        pending: row.get(16)?,
        expires_at: raw.integer("expires_at"),
        valid_from: raw.integer("valid_from"),
        valid_to: raw.integer("valid_to"),
        source: None,
        usage: None,
        links: Vec::new(),
        vectors: Vec::new(),
        quarantine: Vec::new(),
    };
    Ok((entry, columns))
}

/// The id of the entry that replaced another, if it has one.
fn newer(tx: &SqliteReadTx<'_>, row: Option<i64>) -> Result<Option<EntryId>, Error> {
    let mut statement = tx.connection.prepare_cached("SELECT ulid FROM entry WHERE id = ?1")?;
    let id = statement.query_row([row], |row| Ok(tx.reach.id(row, 0).ok()));
    Ok(id.optional()?.flatten())
}

/// What can be read of it: a place in a source is worth no failed export.
fn section(tx: &SqliteReadTx<'_>, entry: i64) -> Result<Option<SectionLine>, Error> {
    let mut statement = tx.connection.prepare_cached(
        "SELECT uri, number, path, line, section.digest, tags FROM section
         JOIN source ON source.id = source_id WHERE entry_id = ?1",
    )?;
    let texts = |row: &Row<'_>, column| {
        let text = row.get_ref(column)?.as_str().ok().and_then(|text| exact::read(text).ok());
        Ok::<Vec<String>, rusqlite::Error>(text.unwrap_or_default())
    };
    let section = statement.query_row([entry], |row| {
        let Some(uri) = row.get_ref(0)?.as_str().ok().and_then(|key| tx.reach.uri(key)) else {
            return Ok(None);
        };
        let Ok(number) = row.get_ref(1)?.as_i64() else { return Ok(None) };
        Ok(Some(SectionLine {
            uri: uri.to_owned(),
            // Which number one has that is gone from its source says nothing.
            number: number.max(-1),
            path: texts(row, 2)?,
            line: row.get_ref(3)?.as_i64().ok(),
            digest: encode(row.get_ref(4)?.as_blob().unwrap_or_default()),
            tags: texts(row, 5)?,
        }))
    });
    Ok(section.optional()?.flatten())
}

fn usage(tx: &SqliteReadTx<'_>, entry: i64) -> Result<Option<UsageLine>, Error> {
    let mut statement =
        tx.connection.prepare_cached("SELECT last_used_at, uses FROM usage WHERE entry_id = ?1")?;
    let usage = statement.query_row([entry], |row| {
        let numbers = (row.get_ref(0)?.as_i64(), row.get_ref(1)?.as_i64());
        Ok(match numbers {
            (Ok(last_used_at), Ok(uses)) => Some(UsageLine { last_used_at, uses }),
            _ => None,
        })
    });
    Ok(usage.optional()?.flatten())
}

fn links(tx: &SqliteReadTx<'_>, entry: i64) -> Result<Vec<LinkLine>, Error> {
    let mut statement = tx.connection.prepare_cached(
        "SELECT target.ulid, relation, reason, link.created_at FROM link
         JOIN entry AS target ON target.id = target_id WHERE source_id = ?1 ORDER BY target.ulid, relation",
    )?;
    let links = statement.query_map([entry], |row| {
        Ok(LinkLine {
            target: tx.reach.id(row, 0)?,
            relation: row.get(1)?,
            reason: row.get(2)?,
            created_at: row.get(3)?,
        })
    })?;
    Ok(links.collect::<Result<_, _>>()?)
}

/// Adds the vectors, each as sound or as quarantined.
fn hang_vectors(tx: &SqliteReadTx<'_>, number: i64, entry: &mut EntryLine) -> Result<(), Error> {
    entry.quarantine = quarantined(tx, number)?;
    let mut statement = tx.connection.prepare_cached(&format!(
        "SELECT {VECTOR_COLUMNS}, {DIMENSIONS} FROM embedding WHERE entry_id = ?1 ORDER BY space_id, role, chunk"
    ))?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let mut vector = VectorRow::read(row)?;
        // The fault is told in the scope's own numbers.
        vector.space = tx.row(vector.space);
        match sound(&vector) {
            Ok(line) => entry.vectors.push(line),
            Err(reason) => entry.quarantine.push(QuarantineLine {
                space: Some(vector.space),
                role: vector.role,
                chunk: vector.chunk,
                reason,
                vector: vector.bytes.as_deref().map(encode),
                // Not the time of day: the same content gives the same bytes.
                found_at: entry.updated_at,
            }),
        }
    }
    Ok(())
}

fn sound(vector: &VectorRow) -> Result<VectorLine, String> {
    if let Some(fault) = vector.fault() {
        return Err(fault);
    }
    let number = |value: Option<i64>| value.unwrap_or_default();
    let role = u8::try_from(number(vector.role)).ok().and_then(Role::from_number).unwrap_or(Role::Summary);
    Ok(VectorLine {
        space: vector.space,
        role: role.name().to_owned(),
        chunk: u16::try_from(number(vector.chunk)).unwrap_or_default(),
        start: u32::try_from(number(vector.start)).unwrap_or_default(),
        end: u32::try_from(number(vector.end)).unwrap_or_default(),
        digest: encode(vector.digest.as_deref().unwrap_or_default()),
        vector: encode(vector.bytes.as_deref().unwrap_or_default()),
    })
}

fn quarantined(tx: &SqliteReadTx<'_>, entry: i64) -> Result<Vec<QuarantineLine>, Error> {
    let mut statement = tx.connection.prepare_cached(
        "SELECT space_id, role, chunk, reason, vector, found_at FROM quarantine WHERE entry_id = ?1 ORDER BY id",
    )?;
    let lines = statement.query_map([entry], |row| {
        let number = |column| row.get_ref(column).map(|value| value.as_i64().ok());
        Ok(QuarantineLine {
            space: number(0)?.map(|space| tx.row(space)),
            role: number(1)?,
            chunk: number(2)?,
            reason: row.get(3)?,
            vector: row.get_ref(4)?.as_bytes_or_null().ok().flatten().map(encode),
            found_at: number(5)?.unwrap_or_default(),
        })
    })?;
    Ok(lines.collect::<Result<_, _>>()?)
}
