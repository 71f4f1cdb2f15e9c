//! The texts of entries as they stand in the file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::Error;
use crate::words::stored::StoredText;

/// Reads an entry; `None`: it is not there.
pub(super) fn read(connection: &Connection, row: i64) -> Result<Option<StoredText>, Error> {
    let sql = "SELECT title, content, tags, context FROM entry WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([row], of_row).optional()?)
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<StoredText> {
    let context = match row.get_ref(3)? {
        ValueRef::Null => None,
        value => Some(text(value)),
    };
    let [title, content, tags] = [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?].map(text);
    Ok(StoredText::new(title, content, tags, context))
}

/// A value of any type as a text, as SQLite would show it.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
