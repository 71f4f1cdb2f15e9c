//! What [`StoreOptions::secure_delete`](crate::StoreOptions) needs besides SQLite's own switch: the words
//! leave the full-text index at once, the write-ahead log does not keep older states of a page, and pages do
//! not keep copies of rows that moved elsewhere.
//!
//! It costs each commit a checkpoint, that is, its pages are written twice and pressed onto the disk: some
//! milliseconds to tens of them, so that many entries are better written in one transaction.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::new_file::{beside, io};
use super::{full_text, scrub};
use crate::Error;
use crate::store::lock;

/// Readers that still look at an older state keep the log from being emptied; a search is over well within
/// this time, an export is not.
const WAIT_FOR_READERS: Duration = Duration::from_millis(100);

const ATTEMPTS: u32 = 8;

/// Lets FTS5 take words out of its index when their entry goes, instead of noting that they are void. The
/// setting stays in the file, so it holds for whoever writes (SQLite 3.42 or newer).
///
/// Where it is new, the index is made anew, O(text): what was noted as void before would come back when FTS5
/// takes out the note.
pub(crate) fn arm(connection: &Connection) -> Result<(), Error> {
    if is_armed(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let armed = is_armed(connection).and_then(|armed| {
        if !armed {
            full_text::rebuild(connection)?;
            connection.execute("INSERT INTO entry_fts (entry_fts, rank) VALUES ('secure-delete', 1)", [])?;
        }
        Ok(connection.execute_batch("COMMIT")?)
    });
    if armed.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    armed
}

fn is_armed(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT v FROM entry_fts_config WHERE k = 'secure-delete'";
    let set: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(set == Some(1))
}

/// Copies the log into the file and cuts it to nothing. False when a reader still needs it.
pub(crate) fn empty_log(connection: &Connection, busy_timeout: Duration) -> Result<bool, Error> {
    connection.busy_timeout(busy_timeout.min(WAIT_FOR_READERS))?;
    let emptied = connection
        .prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
    connection.busy_timeout(busy_timeout)?;
    match emptied.map_err(Error::from) {
        Ok(busy) => Ok(busy == 0),
        Err(Error::Busy { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// After a commit: the log holds pages as they were before it, and pages keep copies of rows that moved. A
/// failure is no failure of the commit; the next one tries again.
pub(crate) fn forget_older_states(connection: &Connection, path: &Path, busy_timeout: Duration) {
    match erase(connection, path, busy_timeout, false) {
        Ok(true) => {}
        Ok(false) => tracing::debug!("a reader keeps the log from being emptied: the next commit will do it"),
        Err(error) => tracing::warn!(%error, "older states could not be erased: the next commit tries again"),
    }
}

/// Empties the log and scrubs the pages that were in it, or all pages. False when somebody was in the way.
pub(super) fn erase(
    connection: &Connection,
    path: &Path,
    busy_timeout: Duration,
    whole: bool,
) -> Result<bool, Error> {
    let failed = |error| io("scrub", path, error);
    let scrubber = scrub::scrubber(path)?;
    let mut scrubber = lock(&scrubber);
    // Another writer may put something into the log before the lock is taken: then once more.
    for _ in 0..ATTEMPTS {
        scrubber.note_log(path).map_err(failed)?;
        if !empty_log(connection, busy_timeout)? {
            return Ok(false);
        }
        if whole {
            scrubber.note_all().map_err(failed)?;
        }
        if !scrubber.is_due() {
            return Ok(true);
        }
        match connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from) {
            Ok(()) => {}
            Err(Error::Busy { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        let empty = fs::metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len()) == 0;
        let scrubbed = if empty { scrubber.scrub() } else { Ok(()) };
        connection.execute_batch("ROLLBACK")?;
        scrubbed.map_err(failed)?;
        if empty {
            return Ok(true);
        }
    }
    Ok(false)
}
