//! Between table rows and entries.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::de::DeserializeOwned;

use super::forward::Forward;
use super::reach::Reach;
use crate::{Entry, EntryId, Error, SourceRef, Status, TextDigest, json};

/// Columns of a whole entry, in the order that [`entry`] reads them.
macro_rules! entry_columns {
    () => {
        "entry.id, entry.ulid, entry.title, entry.content, entry.kind, entry.project, entry.tags, entry.status,
         (SELECT ulid FROM entry AS newer WHERE newer.id = entry.superseded_by), entry.confidence,
         entry.memory_type, entry.context, entry.metadata, entry.legacy, entry.created_at, entry.updated_at,
         entry.expires_at, entry.valid_from, entry.valid_to,
         (SELECT json_array(CAST(uri AS TEXT), CAST(path AS TEXT), CAST(line AS INTEGER), hex(section.digest))
             FROM section JOIN source ON source.id = source_id WHERE section.entry_id = entry.id)"
    };
}

const BY_ULID: &str = concat!("SELECT ", entry_columns!(), " FROM entry WHERE ulid = ?1");
const WHERE_ANY: &str = concat!("SELECT ", entry_columns!(), " FROM entry ");
const BY_ROW: &str = concat!("SELECT ", entry_columns!(), " FROM entry WHERE id = ?1");
const AFTER_ROW: &str = concat!("SELECT ", entry_columns!(), " FROM entry WHERE id > ?1");

pub(super) fn get(connection: &Connection, reach: Reach, id: EntryId) -> Result<Option<Entry>, Error> {
    Ok(located(connection, reach, id)?.map(|(_, entry)| entry))
}

/// The entry with its row number.
pub(super) fn located(
    connection: &Connection,
    reach: Reach,
    id: EntryId,
) -> Result<Option<(i64, Entry)>, Error> {
    let mut statement = connection.prepare_cached(BY_ULID)?;
    let found = statement.query_row([reach.key(id)], |row| Ok(entry(row, reach)));
    let found = found.optional()?.transpose()?;
    // Another program may have given a row of another memory such a key.
    Ok(found.filter(|&(stored, _)| reach.has(stored)).map(|(stored, entry)| (reach.row(stored), entry)))
}

pub(super) fn by_row(connection: &Connection, reach: Reach, row: i64) -> Result<Option<Entry>, Error> {
    let mut statement = connection.prepare_cached(BY_ROW)?;
    let found = statement.query_row([reach.stored(row)], |row| Ok(entry(row, reach)));
    Ok(found.optional()?.transpose()?.map(|(_, entry)| entry))
}

pub(super) fn after_row(
    connection: &Connection,
    reach: Reach,
    row: i64,
    limit: usize,
) -> Result<Vec<(i64, Entry)>, Error> {
    let sql = format!("{AFTER_ROW}{} ORDER BY id LIMIT ?2", reach.and("id"));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((reach.stored_after(row), i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut walk = Forward::after("row numbers of entries", Some(row));
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (stored, entry) = entry(row, reach)?;
        let row = reach.row(stored);
        walk.step(row)?;
        found.push((row, entry));
    }
    Ok(found)
}

/// The entries that a condition, with what follows it, selects: up to the first that cannot be read. Where that is the
/// first of all it is the error, so that a walk in pages comes to all others and reports this one.
pub(super) fn selected(
    connection: &Connection,
    reach: Reach,
    condition: &str,
    parameters: impl Params,
) -> Result<Vec<Entry>, Error> {
    let mut statement = connection.prepare_cached(&[WHERE_ANY, condition].concat())?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match entry(row, reach) {
            Ok((_, entry)) => found.push(entry),
            Err(Error::UnreadableEntry { .. }) if !found.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The stored number of an entry's row.
pub(super) fn stored_row_of(
    connection: &Connection,
    reach: Reach,
    id: EntryId,
) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached("SELECT id FROM entry WHERE ulid = ?1")?;
    let found: Option<i64> = statement.query_row([reach.key(id)], |row| row.get(0)).optional()?;
    Ok(found.filter(|&stored| reach.has(stored)))
}

/// The entry with the stored number of its row.
fn entry(row: &Row<'_>, reach: Reach) -> Result<(i64, Entry), Error> {
    columns(row, reach).map_err(|error| match (Error::from(error), reach.id(row, 1)) {
        (Error::Corrupt { detail }, Ok(id)) => Error::UnreadableEntry { id, detail },
        (error, _) => error,
    })
}

fn columns(row: &Row<'_>, reach: Reach) -> rusqlite::Result<(i64, Entry)> {
    let entry = Entry {
        id: reach.id(row, 1)?,
        title: row.get(2)?,
        content: row.get(3)?,
        kind: row.get(4)?,
        project: row.get(5)?,
        tags: value(row, 6)?,
        status: match row.get_ref(7)?.as_str()? {
            "active" => Status::Active,
            _ => Status::Obsolete,
        },
        superseded_by: match row.get_ref(8)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(reach.id(row, 8)?),
        },
        confidence: row.get(9)?,
        memory_type: row.get(10)?,
        context: optional_json(row, 11)?,
        metadata: value(row, 12)?,
        legacy: optional_json(row, 13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
        expires_at: row.get(16)?,
        valid_from: row.get(17)?,
        valid_to: row.get(18)?,
        source: source(row, 19, reach)?,
    };
    Ok((row.get(0)?, entry))
}

/// Where the entry comes from. What cannot be read of it is left out, which a check reports: an entry can be read without.
fn source(row: &Row<'_>, column: usize, reach: Reach) -> rusqlite::Result<Option<SourceRef>> {
    let Ok(text) = row.get_ref(column)?.as_str() else { return Ok(None) };
    let Ok((uri, path, line, digest)) = json::read::<(String, String, Option<i64>, String)>(text) else {
        return Ok(None);
    };
    let Some(uri) = reach.uri(&uri) else { return Ok(None) };
    Ok(Some(SourceRef {
        uri: uri.to_owned(),
        path: json::read(&path).unwrap_or_default(),
        line: line.and_then(|line| u32::try_from(line).ok()),
        digest: TextDigest::from_hex(&digest).unwrap_or(TextDigest::unknown()),
    }))
}

fn value<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    json::read(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => value(row, column).map(Some),
    }
}

pub(super) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
