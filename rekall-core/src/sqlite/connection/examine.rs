//! What is at a path, found out before a connection that may write looks at it.

use std::fs;
use std::io::{ErrorKind as IoKind, Read};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::open::immutable;
use crate::Error;
use crate::files::{self, COMPANIONS, io_error, with_suffix};

/// What is at the path of a store that is about to be opened.
#[derive(Debug)]
pub(crate) struct Examined {
    /// Absolute, or another file would be meant once the host changes its folder.
    pub(crate) path: PathBuf,
    /// The application id in the header of the file; `None`: there is no file.
    pub(crate) application_id: Option<i64>,
    /// A log or journal of that name that holds something.
    pub(super) leftover_log: Option<PathBuf>,
}

impl Examined {
    /// Looks at the path. `damaged`: also at a file whose list of tables cannot be parsed.
    pub(crate) fn at(path: &Path, damaged: bool) -> Result<Self, Error> {
        files::refuse_special_path(path)?;
        let path = std::path::absolute(path).map_err(io_error("open", path))?;
        // Looked at before the file itself: while that exists, its log belongs to it.
        let leftover_log = leftover_log(&path);
        let application_id = examine_as(&path, damaged)?;
        Ok(Self { path, application_id, leftover_log })
    }
}

/// Looks at the path before a connection that may write does, and says what else it is than a database.
/// Gives the application id in the file's header; `None`: there is nothing yet.
///
/// A database is looked at through SQLite only. Closing a file that was opened by other means would drop
/// every lock that this process holds on it (POSIX), and another process could then remove a log in use:
/// <https://sqlite.org/howtocorrupt.html>, 2.2. A store in use has a `-wal` and a `-shm` beside it.
pub(crate) fn examine(path: &Path) -> Result<Option<i64>, Error> {
    examine_as(path, false)
}

fn examine_as(path: &Path, damaged: bool) -> Result<Option<i64>, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    if metadata.is_dir() {
        return not_ours(path, "a folder");
    }
    if metadata.len() == 0 {
        return not_ours(path, "an empty file (0 bytes)");
    }
    let error = match application_id(path, "") {
        Ok(id) => return Ok(Some(id)),
        Err(error) => error,
    };
    let file = files::resolved(path).map_err(io_error("open", path))?;
    let may_be_open = COMPANIONS.iter().any(|suffix| with_suffix(&file, suffix).exists());
    match error.sqlite_error_code() {
        // A process that copies from the log, or died doing so, leaves a file that is whole only together with it. With
        // this pragma SQLite reads the header of a file that is shorter than its header says.
        Some(ErrorCode::DatabaseCorrupt) if damaged || leftover_log(&file).is_some() => {
            match application_id(path, "PRAGMA writable_schema = ON;") {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(Error::from(error).at_path(path)),
            }
        }
        Some(ErrorCode::NotADatabase) if !may_be_open => {
            let mut start = Vec::with_capacity(16);
            let file = fs::File::open(path).map_err(io_error("open", path))?;
            file.take(72).read_to_end(&mut start).map_err(io_error("read", path))?;
            if start.starts_with(b"SQLite format 3\0") {
                Err(Error::from(error).at_path(path))
            } else if start.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace()) {
                not_ours(path, "a text file")
            } else {
                not_ours(path, "a file of another format")
            }
        }
        // Without permission to read the file, the system's own error says so.
        Some(ErrorCode::CannotOpen) if !may_be_open => {
            Err(fs::File::open(path).map_or_else(io_error("open", path), |_| error.into()))
        }
        _ => Err(Error::from(error).at_path(path)),
    }
}

fn application_id(path: &Path, pragma: &str) -> Result<i64, rusqlite::Error> {
    let connection = immutable(path)?;
    connection.execute_batch(pragma)?;
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// A write-ahead log or rollback journal of a database of this name, with something in it.
pub(super) fn leftover_log(path: &Path) -> Option<PathBuf> {
    ["-wal", "-journal"].into_iter().find_map(|suffix| {
        let log = with_suffix(path, suffix);
        fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0).then_some(log)
    })
}

pub(super) fn not_ours<T>(path: &Path, found: impl Into<String>) -> Result<T, Error> {
    Err(Error::NotADatabase { path: path.to_owned(), found: found.into() })
}
