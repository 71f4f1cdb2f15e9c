//! Telling what an SQLite file is.

use rusqlite::Connection;

use super::{APPLICATION_ID, VERSION};
use crate::Error;

/// Whether a rekall file is of an older version.
pub(crate) fn is_older(connection: &Connection) -> Result<bool, Error> {
    Ok(matches!(identify(connection)?, FileFormat::Older(_)))
}

/// What a SQLite file turns out to be, recognized by its tables as much as by its numbers.
#[derive(Debug, PartialEq)]
pub(crate) enum FileFormat {
    /// A rekall file of this version.
    Current,
    /// A rekall file of this older version, which can be brought up to the present one.
    Older(i64),
    /// A rekall file of a version this library does not know.
    Newer(i64),
    /// A file of the Python tool, with its schema number.
    Legacy(i64),
    /// No tables at all.
    Empty,
    /// A database of another program.
    Foreign(String),
}

pub(crate) fn identify(connection: &Connection) -> Result<FileFormat, Error> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application_id = number("application_id")?;
    let version = number("user_version")?;
    if application_id == APPLICATION_ID {
        return Ok(match version {
            VERSION => FileFormat::Current,
            found @ 1..VERSION => FileFormat::Older(found),
            found => FileFormat::Newer(found),
        });
    }
    let has = |table: &str| {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
            [table],
            |row| row.get::<_, bool>(0),
        )
    };
    // The Python tool never set an application id; its tables are its signature.
    if application_id == 0 && has("entries")? && has("tags")? && has("entries_fts")? {
        return Ok(FileFormat::Legacy(version));
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if tables == 0 && application_id == 0 {
        FileFormat::Empty
    } else {
        FileFormat::Foreign(format!("a SQLite database with application id {application_id:#010x}"))
    })
}
