//! Opening one connection of SQLite's, whatever the file holds.

use crate::sqlite::error::cause;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use crate::Error;
use crate::files::io_error;

/// Opens a file without locks and without making files beside it: what is in its log is not seen.
pub(crate) fn open_immutable(path: &Path) -> Result<Connection, Error> {
    Ok(immutable(&std::path::absolute(path).map_err(io_error("open", path))?)?)
}

/// The same for an absolute path.
pub(super) fn immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, "immutable=1"), flags)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// <https://www.sqlite.org/uri.html>
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file://");
    if cfg!(windows) {
        uri.push('/');
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b':' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?" + query
}

/// How often a file that may be written is opened before it is taken for one that may not.
pub(super) const ATTEMPTS_TO_WRITE: usize = 2;

pub(crate) fn connect(path: &Path, read_only: bool) -> Result<Connection, Error> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    // NO_MUTEX: each connection is used by one thread at a time, our own locks see to that.
    let open = || Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let mut connection = open()?;
    // SQLite opens for reading what it cannot open for writing, whatever the reason: also when only a descriptor was
    // lacking for a moment.
    for _ in 1..ATTEMPTS_TO_WRITE {
        if read_only || !connection.is_readonly(MAIN_DB)? {
            break;
        }
        connection = open()?;
    }
    Ok(connection)
}

/// Whether a connection may take the lock of writers; also when another has it.
pub(super) fn may_lock(connection: &Connection, busy_timeout: Duration) -> Result<bool, Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let locked = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK;").map_err(Error::from);
    connection.busy_timeout(busy_timeout)?;
    match locked {
        Err(Error::ReadOnly { .. }) => Ok(false),
        // Whatever else it is, it comes again where it matters.
        _ => Ok(true),
    }
}

/// Whether SQLite could not make or open what it needs beside a file.
pub(super) fn is_refused(error: &Error) -> bool {
    let code = cause(error).and_then(rusqlite::Error::sqlite_error_code);
    matches!(error, Error::ReadOnly { .. }) || code == Some(ErrorCode::CannotOpen)
}
