//! The file's identity, its version, and the tables of a new one.

use rusqlite::Connection;

use crate::store::FORGOTTEN_BY_PENDING;
use crate::{Error, objects};

/// "RKL1" in ASCII: tells a rekall file from any other SQLite file.
pub(crate) const APPLICATION_ID: i64 = 0x524B_4C31;

/// File version written by this library, in `PRAGMA user_version`.
pub(crate) const VERSION: i64 = 2;

/// 8 KiB pages hold five 384-dimensional vectors each where 4 KiB pages would hold two.
pub(crate) const PAGE_SIZE: u32 = 8192;

const SCHEMA: &str = include_str!("schema.sql");

/// Makes the tables in an empty database.
pub(crate) fn create(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = WAL;"))?;
    connection.execute_batch(&format!(
        "BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))?;
    Ok(())
}

/// Brings a file of an older version up to this one: all of it, or nothing.
///
/// From version 1 to 2: the table `wordless` is new, triggers mark inserted entries as waiting and log vectors of the
/// active space only. Entries that were missed are marked; no other row is touched.
pub(crate) fn upgrade(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = upgrade_within(connection).and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if done.is_err() && !connection.is_autocommit() {
        // The error that is told is the first one.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn upgrade_within(connection: &Connection) -> Result<(), Error> {
    if !is_older(connection)? {
        // Another process was faster.
        return Ok(());
    }
    for sort in ["table", "view", "index", "trigger"] {
        objects::restore(connection, sort)?;
    }
    connection.execute(
        &format!("INSERT INTO pending (entry_id) SELECT id FROM entry WHERE {FORGOTTEN_BY_PENDING}"),
        [],
    )?;
    connection.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    Ok(())
}

/// What reading needs that an older file lacks, for a connection that may not write to it.
pub(crate) const STAND_IN: &str = "CREATE TEMP TABLE wordless (entry_id INTEGER, space_id INTEGER);";

/// Whether a rekall file is of an older version.
pub(crate) fn is_older(connection: &Connection) -> Result<bool, Error> {
    Ok(matches!(identify(connection)?, Found::Older))
}

/// What a SQLite file turns out to be, told by its tables as much as by its numbers.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A rekall file of this version.
    Current,
    /// A rekall file of an older version, which can be brought up to this one.
    Older,
    /// A rekall file of a version this library does not know.
    Newer(i64),
    /// A file of the Python tool, with its schema number.
    Legacy(i64),
    /// No tables at all.
    Empty,
    /// Somebody else's database.
    Foreign(String),
}

pub(crate) fn identify(connection: &Connection) -> Result<Found, Error> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application_id = number("application_id")?;
    let version = number("user_version")?;
    if application_id == APPLICATION_ID {
        return Ok(match version {
            VERSION => Found::Current,
            1..VERSION => Found::Older,
            found => Found::Newer(found),
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
        return Ok(Found::Legacy(version));
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if tables == 0 && application_id == 0 {
        Found::Empty
    } else {
        Found::Foreign(format!("a SQLite database with application id {application_id:#010x}"))
    })
}
