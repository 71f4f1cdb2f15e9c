//! The tables, triggers and indexes of a file: made, recognized, upgraded and restored.

mod identify;
pub(crate) mod objects;
mod upgrade;

use rusqlite::Connection;

use crate::Error;
pub(crate) use identify::{FileFormat, identify, is_older};
pub(crate) use upgrade::upgrade;

/// "RKL1" in ASCII: distinguishes a rekall file from any other SQLite file.
pub(crate) const APPLICATION_ID: i64 = 0x524B_4C31;

/// File version written by this library, in `PRAGMA user_version`.
pub(crate) const VERSION: i64 = 5;

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

/// Whether a new file is made with this text.
pub(crate) fn has_text(sql: &str) -> bool {
    SCHEMA.contains(sql)
}

/// How many triggers a new file has.
pub(crate) fn count_triggers() -> usize {
    SCHEMA.lines().filter(|line| line.starts_with("CREATE TRIGGER ")).count()
}

/// Columns of `entry` that files before version 4 lack.
const SINCE_VERSION_4: [&str; 3] = ["expires_at", "valid_from", "valid_to"];

/// What reading needs that a file of an older version lacks, for a connection that may not write to it. Before version 3 no
/// segment is there, so that a search by words reads every entry.
pub(crate) fn stand_in(version: i64) -> String {
    let mut made = String::new();
    if version < 2 {
        made.push_str("CREATE TEMP TABLE wordless (entry_id INTEGER, space_id INTEGER);");
    }
    if version < 3 {
        made.push_str(
            "CREATE TEMP TABLE word_segment (id INTEGER PRIMARY KEY, state, oldest, newest, passages, pages, docs);
             CREATE TEMP TABLE word_page (segment_id, first_term, docs, places);
             CREATE TEMP VIEW word_pending AS SELECT id AS entry_id, 0 AS characters FROM main.entry;",
        );
    }
    if version < 5 {
        made.push_str("CREATE TEMP TABLE scope (number INTEGER PRIMARY KEY, name);");
    }
    if version < 4 {
        let lacking = SINCE_VERSION_4.map(|column| format!("NULL AS {column}")).join(", ");
        made.push_str(&format!(
            "CREATE TEMP TABLE source (id INTEGER PRIMARY KEY, uri, stamp, digest, synced_at);
             CREATE TEMP TABLE section (entry_id INTEGER PRIMARY KEY, source_id, number, path, line, digest, tags);
             CREATE TEMP TABLE usage (entry_id INTEGER PRIMARY KEY, last_used_at, uses);
             CREATE TEMP VIEW entry AS SELECT *, {lacking} FROM main.entry;"
        ));
    }
    made
}

/// Entries that have no vector in the active space, wait for none, and are not known to hold no word, as a condition
/// on `entry`. Where no space is active all have to wait.
pub(crate) const LACKS_PENDING_MARK: &str =
    "NOT EXISTS (SELECT 1 FROM embedding JOIN space ON space.id = embedding.space_id
        WHERE embedding.entry_id = entry.id AND space.state = 'active')
    AND NOT EXISTS (SELECT 1 FROM wordless JOIN space ON space.id = wordless.space_id
        WHERE wordless.entry_id = entry.id AND space.state = 'active')
    AND NOT EXISTS (SELECT 1 FROM pending WHERE pending.entry_id = entry.id)";
