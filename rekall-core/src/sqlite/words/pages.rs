//! The pages of a segment in the file.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::Error;
use crate::words::index::{IndexError, Page, Pages};

/// The pages of one segment, read when they are asked for.
pub(crate) struct StoredPages<'c> {
    connection: &'c Connection,
    segment: i64,
}

impl<'c> StoredPages<'c> {
    pub(crate) fn new(connection: &'c Connection, segment: i64) -> Self {
        Self { connection, segment }
    }

    /// The last page; `None`: there is none.
    pub(crate) fn last(&self) -> Result<Option<Page>, IndexError> {
        self.one(
            "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1
             ORDER BY first_term DESC LIMIT 1",
            [self.segment],
        )
    }

    fn one(&self, sql: &str, parameters: impl Params) -> Result<Option<Page>, IndexError> {
        let page = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(parameters, read).optional());
        Ok(page.map_err(Error::from)?)
    }
}

impl Pages for StoredPages<'_> {
    fn page_at(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        self.one(
            "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1 AND first_term <= ?2
             ORDER BY first_term DESC LIMIT 1",
            (self.segment, term),
        )
    }

    fn page_after(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        self.one(
            "SELECT first_term, docs, places FROM word_page WHERE segment_id = ?1 AND first_term > ?2
             ORDER BY first_term LIMIT 1",
            (self.segment, term),
        )
    }
}

/// A value of another type than a blob is damage, which the page's checksum finds.
fn read(row: &Row<'_>) -> rusqlite::Result<Page> {
    let bytes =
        |column| Ok::<Arc<[u8]>, rusqlite::Error>(row.get_ref(column)?.as_bytes().unwrap_or_default().into());
    Ok(Page { first_term: bytes(0)?, docs: bytes(1)?, places: bytes(2)? })
}

/// Writes a page of a segment.
pub(crate) fn write(connection: &Connection, segment: i64, page: &Page) -> Result<(), Error> {
    let sql = "INSERT INTO word_page (segment_id, first_term, docs, places) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute((segment, &*page.first_term, &*page.docs, &*page.places))?;
    Ok(())
}
