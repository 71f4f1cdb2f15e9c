//! The rows of `word_page`.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::Error;
use crate::words::index::Page;

/// The last page whose first term is `term` or lies before it.
pub(super) fn at(connection: &Connection, segment: i64, term: &[u8]) -> Result<Option<Page>, Error> {
    let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1 AND first_term <= ?2
        ORDER BY first_term DESC LIMIT 1";
    one(connection, sql, (segment, term))
}

/// The first page whose first term lies after `term`.
pub(super) fn after(connection: &Connection, segment: i64, term: &[u8]) -> Result<Option<Page>, Error> {
    let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1 AND first_term > ?2
        ORDER BY first_term LIMIT 1";
    one(connection, sql, (segment, term))
}

/// The last page.
pub(super) fn last(connection: &Connection, segment: i64) -> Result<Option<Page>, Error> {
    let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1
        ORDER BY first_term DESC LIMIT 1";
    one(connection, sql, [segment])
}

fn one(connection: &Connection, sql: &str, parameters: impl Params) -> Result<Option<Page>, Error> {
    Ok(connection.prepare_cached(sql)?.query_row(parameters, read).optional()?)
}

/// A value of another type than a blob is damage, which the page's checksum finds.
fn read(row: &Row<'_>) -> rusqlite::Result<Page> {
    let bytes =
        |column| Ok::<Arc<[u8]>, rusqlite::Error>(row.get_ref(column)?.as_bytes().unwrap_or_default().into());
    Ok(Page { first_term: bytes(0)?, docs: bytes(1)?, places: bytes(2)? })
}

/// Writes a page of a segment.
pub(super) fn write(connection: &Connection, segment: i64, page: &Page) -> Result<(), Error> {
    let sql = "INSERT INTO word_page (segment_id, first_term, docs, places) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute((segment, &*page.first_term, &*page.docs, &*page.places))?;
    Ok(())
}
