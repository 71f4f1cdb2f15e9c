//! What an error of SQLite's means here.

use std::io::ErrorKind as IoKind;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        let detail = || source.to_string();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { detail: detail() },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { what: "the database".to_owned() },
            Some(ErrorCode::DiskFull) => Self::Full { detail: detail() },
            Some(ErrorCode::SystemIoFailure) if is_lack_of_room(&source) => Self::Full { detail: detail() },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::NotADatabase) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ if is_unreadable(&source) => Self::Corrupt { detail: detail() },
            _ => Self::Engine { engine: "SQLite", kind: kind(&source), source: Box::new(source) },
        }
    }
}

/// The class of what has no error of its own.
fn kind(error: &rusqlite::Error) -> ErrorKind {
    match error.sqlite_error_code() {
        _ if is_out_of_memory(error) => ErrorKind::OutOfMemory,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
        ) => ErrorKind::Io,
        _ => ErrorKind::Internal,
    }
}

fn is_out_of_memory(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::OutOfMemory || error.extended_code == rusqlite::ffi::SQLITE_IOERR_NOMEM
    })
}

/// SQLite's own error, where the error is one that has no variant of its own.
pub(crate) fn cause(error: &Error) -> Option<&rusqlite::Error> {
    match error {
        Error::Engine { source, .. } => source.downcast_ref(),
        _ => None,
    }
}

/// Whether a row holds what no program of ours writes (text that is not UTF-8, JSON that does not parse, a
/// number out of range), or the file ends before one of its pages.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    ) || error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
}

/// Whether there was no room, or a limit on the size of files or a quota was met, which SQLite does not always distinguish from a
/// broken disk. It keeps the system's error number, but no safe code gives that out; the write was the connection's last
/// call that failed, so the thread still has its number. Should another one have failed since, it is an I/O error as before.
fn is_lack_of_room(error: &rusqlite::Error) -> bool {
    let writes = [
        rusqlite::ffi::SQLITE_IOERR_WRITE,
        rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
        rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    ];
    let rooms = [IoKind::FileTooLarge, IoKind::StorageFull, IoKind::QuotaExceeded];
    error.sqlite_extended_error_code().is_some_and(|code| writes.contains(&code))
        && rooms.contains(&std::io::Error::last_os_error().kind())
}

impl Error {
    /// Adds the path to an error met while opening, when the host may have several files in mind.
    pub(crate) fn at_path(self, path: &Path) -> Self {
        let path = path.display();
        match self {
            Self::Corrupt { detail } => Self::Corrupt { detail: format!("{path}: {detail}") },
            Self::Full { detail } => Self::Full { detail: format!("{path}: {detail}") },
            Self::Busy { detail } => Self::Busy { detail: format!("{path}: {detail}") },
            Self::ReadOnly { what } if what == "the database" => Self::ReadOnly { what: path.to_string() },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_sqlite_are_told_apart() {
        let kind = |code| {
            let failure = rusqlite::ffi::Error::new(code);
            Error::from(rusqlite::Error::SqliteFailure(failure, None)).kind()
        };
        for code in [rusqlite::ffi::SQLITE_IOERR_WRITE, rusqlite::ffi::SQLITE_CANTOPEN] {
            assert_eq!(kind(code), ErrorKind::Io);
        }
        assert_eq!(kind(rusqlite::ffi::SQLITE_NOMEM), ErrorKind::OutOfMemory);
        assert_eq!(kind(rusqlite::ffi::SQLITE_IOERR_NOMEM), ErrorKind::OutOfMemory);
        assert_eq!(kind(rusqlite::ffi::SQLITE_CONSTRAINT_CHECK), ErrorKind::Internal);
        assert_eq!(Error::from(rusqlite::Error::InvalidQuery).kind(), ErrorKind::Internal);
    }
}
