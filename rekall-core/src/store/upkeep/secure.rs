//! What [`StoreOptions::secure_delete`](crate::StoreOptions) needs besides SQLite's own switch: the words
//! leave the full-text index at once, and the write-ahead log does not keep older states of a page.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// Readers that still look at an older state keep the log from being emptied; a search is over well within
/// this time, an export is not.
const WAIT_FOR_READERS: Duration = Duration::from_millis(100);

/// Lets FTS5 take words out of its index when their entry goes, instead of noting that they are void. The
/// setting stays in the file, so it holds for whoever writes (SQLite 3.42 or newer).
pub(crate) fn arm(connection: &Connection) -> Result<(), Error> {
    let set: Option<i64> = connection
        .query_row("SELECT v FROM entry_fts_config WHERE k = 'secure-delete'", [], |row| row.get(0))
        .optional()?;
    if set != Some(1) {
        connection.execute("INSERT INTO entry_fts (entry_fts, rank) VALUES ('secure-delete', 1)", [])?;
    }
    Ok(())
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

/// After a commit: the log holds pages as they were before it. A failure is no failure of the commit; the
/// next one tries again, and so does whoever closes the file last.
pub(crate) fn forget_older_states(connection: &Connection, busy_timeout: Duration) {
    match empty_log(connection, busy_timeout) {
        Ok(true) => {}
        Ok(false) => tracing::debug!("a reader keeps the log from being emptied: the next commit will do it"),
        Err(error) => tracing::warn!(%error, "the log could not be emptied: the next commit tries again"),
    }
}
