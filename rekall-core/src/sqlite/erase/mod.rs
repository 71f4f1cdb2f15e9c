//! What [`StoreOptions::secure_delete`](crate::StoreOptions) needs besides SQLite's own switch: the words leave the word
//! index at once ([`words::stored`](crate::words::stored)), the write-ahead log does not keep older states of a
//! page, and pages do not keep copies of rows that moved elsewhere.
//!
//! It costs each commit a checkpoint, that is, its pages are written twice and flushed to the disk (some milliseconds to
//! tens of them), and each commit that changes or deletes texts a copy of the segments of the word index that hold them
//! (some milliseconds for 1,000 entries): many are better done in one transaction.

mod removals;
mod scrub;

pub(crate) use removals::Removals;

use std::fs;
use std::time::Duration;

use rusqlite::Connection;

use crate::Error;
use crate::files::{io_error, with_suffix};
use crate::lock::lock;
use crate::sqlite::connection::{Database, Patience, RealTime, empty_log};
use crate::sqlite::reach::Reach;

/// Readers that still look at an older state keep the log from being emptied; a search is over well within
/// this time, an export is not.
pub(crate) const WAIT_FOR_READERS: Patience = Patience::flat(Duration::from_millis(100));

const ATTEMPTS: u32 = 8;

/// Drops the index blocks that hold codes of vectors which are gone, at the end of a transaction that began when the change
/// log stood at `began_at`. An index is built again from the vectors that are left.
///
/// The log names the entries whose vectors changed in the active space: if there are none, its blocks stay. Those of other
/// spaces go in any case: they are of a space that is being built or dropped, and cheap to lose.
pub(crate) fn purge_codes(connection: &Connection, reach: Reach, began_at: i64) -> Result<(), Error> {
    let sql = format!(
        "DELETE FROM index_block
         WHERE (space_id NOT IN (SELECT id FROM space WHERE state = 'active' AND {})
             OR EXISTS (SELECT 1 FROM change WHERE seq > ?1 AND entry_id <> {}{})){}",
        reach.of_space(),
        reach.rows().zero(),
        reach.and_change(),
        reach.and("space_id")
    );
    connection.prepare_cached(&sql)?.execute([began_at])?;
    Ok(())
}

/// After a commit: the log holds pages as they were before it, and pages keep copies of rows that moved. A
/// failure is no failure of the commit; the next one tries again. Gives the reason when something is left.
pub(crate) fn forget_older_states(connection: &Connection, database: &Database) -> Option<String> {
    match erase(connection, database, false) {
        Ok(true) => None,
        Ok(false) => {
            tracing::debug!("a reader keeps the log from being emptied: the next commit will do it");
            Some("a reader of an older state, or another writer, was in the way".to_owned())
        }
        Err(error) => {
            tracing::warn!(%error, "older states could not be erased: the next commit tries again");
            Some(error.to_string())
        }
    }
}

/// Empties the log and scrubs the pages that were in it, or all pages. False when a reader or another writer was in the way.
pub(crate) fn erase(connection: &Connection, database: &Database, whole: bool) -> Result<bool, Error> {
    let (path, busy_timeout) = (database.file(), database.options().busy_timeout);
    // Pages are overwritten by their place in the file of this name.
    database.check_not_replaced()?;
    let failed = |error| io_error("scrub", path)(error);
    let scrubber = scrub::scrubber(path, database.identity())?;
    let mut scrubber = lock(&scrubber);
    // Another writer may put something into the log before the lock is taken: then once more.
    for _ in 0..ATTEMPTS {
        scrubber.note_log(path).map_err(failed)?;
        if !empty_log(connection, busy_timeout, WAIT_FOR_READERS, &mut RealTime::begin())? {
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
        let empty = fs::metadata(with_suffix(path, "-wal")).map_or(0, |metadata| metadata.len()) == 0;
        let scrubbed = if empty { scrubber.scrub() } else { Ok(()) };
        connection.execute_batch("ROLLBACK")?;
        scrubbed.map_err(failed)?;
        if empty {
            return Ok(true);
        }
    }
    Ok(false)
}
