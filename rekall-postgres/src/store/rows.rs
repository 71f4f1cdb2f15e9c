//! Between table rows and entries.

use rekall_core::engine::EntryColumns;
use rekall_core::{Entry, Error};
use tokio_postgres::Row;

use super::scope::Scope;
use super::tx::column;

/// Entries with the place that each comes from, in the columns that [`entry`] reads. What follows is a condition on `entry`.
pub(super) fn entries(scope: Scope) -> String {
    let of_scope = scope.range("section.entry_id");
    format!("SELECT entry.id, entry.ulid, entry.title, entry.content, entry.kind, entry.project, entry.tags,
        entry.status, (SELECT newer.ulid FROM entry AS newer WHERE newer.id = entry.superseded_by), entry.confidence,
        entry.memory_type, entry.context, entry.metadata, entry.legacy, entry.created_at, entry.updated_at,
        entry.expires_at, entry.valid_from, entry.valid_to,
        of_entry.uri, of_entry.path, of_entry.line, of_entry.digest
    FROM entry LEFT JOIN (SELECT section.entry_id, source.uri, section.path, section.line, section.digest
        FROM section JOIN source ON source.id = section.source_id WHERE {of_scope}) AS of_entry ON of_entry.entry_id = entry.id")
}

/// Selects the entries with the row numbers $1.
pub(super) fn by_rows(scope: Scope) -> String {
    format!("{} WHERE entry.id = ANY ($1)", entries(scope))
}

/// Selects the entry with the id $1.
pub(super) fn by_ulid(scope: Scope) -> String {
    format!("{} WHERE entry.ulid = $1 AND {}", entries(scope), scope.holds("entry.id"))
}

/// An entry and its row number.
pub(super) fn entry(row: &Row, scope: Scope) -> Result<(i64, Entry), Error> {
    let place: Option<&str> = column(row, 19)?;
    let place = match place {
        Some(uri) => Some((uri, column(row, 20)?, column(row, 21)?, column(row, 22)?)),
        None => None,
    };
    let columns = EntryColumns {
        ulid: column(row, 1)?,
        title: column(row, 2)?,
        content: column(row, 3)?,
        kind: column(row, 4)?,
        project: column(row, 5)?,
        tags: column(row, 6)?,
        status: column(row, 7)?,
        superseded_by: column(row, 8)?,
        confidence: column(row, 9)?,
        memory_type: column(row, 10)?,
        context: column(row, 11)?,
        metadata: column(row, 12)?,
        legacy: column(row, 13)?,
        created_at: column(row, 14)?,
        updated_at: column(row, 15)?,
        expires_at: column(row, 16)?,
        valid_from: column(row, 17)?,
        valid_to: column(row, 18)?,
        place,
    };
    Ok((scope.row(column(row, 0)?), columns.read()?))
}
