//! Upgrading a file of an older version.

use rusqlite::Connection;

use super::{LACKS_PENDING_MARK, VERSION, is_older, objects};
use crate::Error;

/// Brings a file of an older version up to this one: all of it, or nothing.
///
/// From version 1 to 2: the table `wordless` is new, triggers mark inserted entries as waiting and log vectors of the
/// active space only. Entries that were missed are marked; no other row is touched.
pub(crate) fn upgrade(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = upgrade_within(connection).and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if done.is_err() && !connection.is_autocommit() {
        // The error that is reported is the first one.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn upgrade_within(connection: &Connection) -> Result<(), Error> {
    if !is_older(connection)? {
        // Another process was faster.
        return Ok(());
    }
    for kind in ["table", "view", "index", "trigger"] {
        objects::restore(connection, kind)?;
    }
    connection.execute(
        &format!("INSERT INTO pending (entry_id) SELECT id FROM entry WHERE {LACKS_PENDING_MARK}"),
        [],
    )?;
    connection.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    Ok(())
}
