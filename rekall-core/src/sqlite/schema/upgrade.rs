//! Upgrading a file of an older version.

use rusqlite::Connection;

use super::{FileFormat, LACKS_PENDING_MARK, SINCE_VERSION_4, VERSION, identify, objects};
use crate::Error;
use crate::sqlite::upkeep::row_numbers;
use crate::sqlite::words::rebuild;

/// Brings a file of an older version up to this one: all of it, or nothing.
///
/// From version 1 to 2: the table `wordless` is new, triggers mark inserted entries as waiting and log vectors of the
/// active space only. Entries that were missed are marked.
///
/// From version 2 to 3: the word index replaces a full-text table of FTS5, with its view and triggers. Entries longer than
/// a passage are marked as waiting: until their vectors are made again, those of version 2 serve.
///
/// From version 3 to 4: columns for times, and tables for sources and usage. No row is touched.
///
/// From version 4 to 5: the table of scopes, and indexes and triggers that know of them. No row is touched.
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
    let FileFormat::Older(version) = identify(connection)? else {
        // Another process was faster.
        return Ok(());
    };
    if version < 3 {
        connection.execute_batch(
            "DROP TRIGGER IF EXISTS entry_text_leaving; DROP TRIGGER IF EXISTS entry_leaving;
             DROP VIEW IF EXISTS entry_text;",
        )?;
        // The other triggers name it until they are replaced.
        objects::drop_triggers(connection)?;
        drop_full_text(connection)?;
    }
    add_columns(connection)?;
    for kind in ["table", "index"] {
        objects::restore(connection, kind)?;
    }
    let is_renumbered = renumber_below_zero(connection)?;
    objects::restore(connection, "trigger")?;
    if is_renumbered && version >= 3 {
        rebuild::from_entries(connection, &mut |_, _| Ok(()))?;
    }
    if version < 3 {
        rebuild::from_entries(connection, &mut rebuild::mark_long_entries(connection)?)?;
        connection.execute(
            &format!("INSERT INTO pending (entry_id) SELECT id FROM entry WHERE {LACKS_PENDING_MARK}"),
            [],
        )?;
    }
    connection.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
    Ok(())
}

/// Numbers below 0 are a scope's from version 5 on. Entries that another program has given one get one of their own; says whether
/// there were any. What is derived from numbers is then made again.
fn renumber_below_zero(connection: &Connection) -> Result<bool, Error> {
    let mut statement = connection.prepare("SELECT id FROM entry WHERE id < 0")?;
    let rows: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Ok(false);
    }
    objects::drop_triggers(connection)?;
    let given = row_numbers::renumber(connection, &rows)?;
    connection.execute_batch("DELETE FROM index_block; DELETE FROM change WHERE entry_id < 0")?;
    let mut log = connection.prepare("INSERT INTO change (entry_id) VALUES (?1)")?;
    given.values().try_for_each(|row| log.execute([row]).map(drop))?;
    // Their numbers were not given by AUTOINCREMENT.
    connection.execute_batch(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'entry', 0
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'entry');
         UPDATE sqlite_sequence SET seq = max(seq, (SELECT max(id) FROM entry)) WHERE name = 'entry';",
    )?;
    Ok(true)
}

/// Unless another program has added them.
fn add_columns(connection: &Connection) -> Result<(), Error> {
    for column in SINCE_VERSION_4 {
        let there = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('entry') WHERE name = ?1)";
        if !connection.query_row(there, [column], |row| row.get::<_, bool>(0))? {
            connection.execute_batch(&format!("ALTER TABLE entry ADD COLUMN {column} INTEGER"))?;
        }
    }
    Ok(())
}

/// Drops the full-text table with all that FTS5 keeps for it, whatever state it is in: it was derived. Our triggers, which
/// name it, must be off.
fn drop_full_text(connection: &Connection) -> Result<(), Error> {
    match connection.execute_batch("DROP TABLE IF EXISTS entry_fts").map_err(Error::from) {
        Ok(()) => {}
        Err(error @ (Error::Interrupted | Error::Full { .. })) => return Err(error),
        // FTS5 does not even open it, or SQLite was compiled without it.
        Err(_) => {
            let sql = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'entry_fts'";
            let deleted = connection.execute_batch(sql);
            connection.execute_batch("PRAGMA writable_schema = RESET")?;
            deleted?;
        }
    }
    for part in ["data", "idx", "content", "docsize", "config"] {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS entry_fts_{part}"))?;
    }
    Ok(())
}
