//! Numbers that the file counts by: row numbers, their counters, the change log's position and floor.
//!
//! Another program can write any number there. An impossible one is never trusted; it is reported, and repaired.

use std::collections::HashMap;

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::row_faults::REFERENCES;
use crate::Error;
use crate::sqlite::schema::objects;

/// The highest row number, or position of the log, that a file can have come to by itself; beyond it AUTOINCREMENT
/// would soon have no number left, and no more would be written.
pub(super) const HIGHEST: i64 = 1 << 62;

/// The counters of AUTOINCREMENT, with what the file itself says of the numbers that were given.
const COUNTERS: [(&str, &str); 3] = [
    ("change", "SELECT max(seq) FROM change"),
    // The log knows entries that are gone.
    (
        "entry",
        "SELECT max((SELECT ifnull(max(id), 0) FROM entry), (SELECT ifnull(max(entry_id), 0) FROM change))",
    ),
    ("space", "SELECT max(id) FROM space"),
];

/// Row numbers that the file names, those of entries that are gone included.
const ENTRY_NUMBERS: &str = "SELECT id AS number FROM entry UNION ALL SELECT entry_id FROM change";

/// What cannot be of the log's numbers and the counters, in words.
pub(super) fn faults(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut position = 0;
    for (table, given) in COUNTERS {
        let given = connection.query_row(given, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0);
        let counters = counters(connection, table)?;
        let counter = match counters.as_slice() {
            [] => 0,
            [Value::Integer(counter)] => *counter,
            [_] => {
                found.push(format!("the counter of {table} must be an integer"));
                continue;
            }
            several => {
                found.push(format!("{table} must have one counter, got {}", several.len()));
                continue;
            }
        };
        if !(given..=HIGHEST).contains(&counter) {
            found.push(format!("the counter of {table} must be {given} to {HIGHEST}, got {counter}"));
        }
        if table == "change" {
            position = counter.max(given);
        }
    }
    let impossible: i64 = connection.query_row(
        "SELECT count(*) FROM change WHERE seq < 1
                     OR entry_id < 0 AND -(entry_id >> 32) NOT IN (SELECT number FROM scope)",
        [],
        |row| row.get(0),
    )?;
    if impossible > 0 {
        found.push(format!("{impossible} rows of the log have a number below 1"));
    }
    let mut statement =
        connection.prepare("SELECT value FROM meta WHERE key = 'log_floor' OR key GLOB 'log_floor/*'")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match row.get_ref(0)? {
            ValueRef::Integer(floor) if (0..=position).contains(&floor) => {}
            ValueRef::Integer(floor) => {
                found.push(format!("the log's floor must be 0 to its position, {position}, got {floor}"));
            }
            other => found.push(format!("the log's floor must be an integer, got {}", other.data_type())),
        }
    }
    Ok(found)
}

fn counters(connection: &Connection, table: &str) -> Result<Vec<Value>, Error> {
    let mut statement = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    let counters = statement.query_map([table], |row| row.get(0))?;
    Ok(counters.collect::<Result<_, _>>()?)
}

/// The highest number that was given for sure, of those that the file names.
fn highest(connection: &Connection, table: &str, given: &str) -> Result<i64, Error> {
    let mut highest: Option<i64> = connection.query_row(
        &format!("SELECT max(number) FROM ({given}) WHERE number BETWEEN 1 AND {HIGHEST}"),
        [],
        |row| row.get(0),
    )?;
    for counter in counters(connection, table)? {
        if let Value::Integer(counter) = counter
            && (1..=HIGHEST).contains(&counter)
        {
            highest = highest.max(Some(counter));
        }
    }
    Ok(highest.unwrap_or(0))
}

/// Entries with an impossible row number: 0 stands for the spaces in the log, after the last one there is none, and those below 0 are
/// of scopes.
pub(super) fn impossible_rows(connection: &Connection) -> Result<Vec<i64>, Error> {
    // NOT INDEXED: the indexes may be what is wrong.
    let sql = format!(
        "SELECT id FROM entry NOT INDEXED WHERE id = 0 OR id > {HIGHEST} OR id < 0 AND (id & 4294967295 = 0
             OR -(id >> 32) NOT IN (SELECT number FROM scope)
             AND NOT (-(id >> 32) < 2147483648 AND ulid GLOB char(1) || -(id >> 32) || '/*'))"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives these entries numbers of their own, with all that names them; gives the new numbers. Triggers must be off.
pub(crate) fn renumber(connection: &Connection, rows: &[i64]) -> Result<HashMap<i64, i64>, Error> {
    let mut given = HashMap::new();
    if rows.is_empty() {
        return Ok(given);
    }
    // Between the entry and what names it the reference is broken.
    connection.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    let mut next = highest(connection, "entry", ENTRY_NUMBERS)?;
    for &row in rows {
        next += 1;
        connection.execute("UPDATE entry SET id = ?2 WHERE id = ?1", (row, next))?;
        for reference in REFERENCES.iter().filter(|reference| reference.parent == "entry") {
            let (table, column) = (reference.table, reference.column);
            connection
                .execute(&format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1"), (row, next))?;
        }
        given.insert(row, next);
    }
    Ok(given)
}

/// Rewrites the counters and the log, above every position a reader may have, and makes readers read everything
/// again. Triggers must be off. `before` is the position so far.
pub(super) fn repair(connection: &Connection, before: i64) -> Result<(), Error> {
    let entries = highest(connection, "entry", ENTRY_NUMBERS)?;
    let spaces = highest(connection, "space", "SELECT id AS number FROM space")?;
    // A position that cannot be has had no reader either who could have come to it by reading.
    let newest = highest(connection, "change", "SELECT seq AS number FROM change")?;
    let before = if (0..=HIGHEST).contains(&before) { before.max(newest) } else { newest };
    connection.execute_batch(
        "DROP TABLE change; DELETE FROM sqlite_sequence WHERE name IN ('change', 'entry', 'space')",
    )?;
    objects::restore(connection, "table")?;
    objects::restore(connection, "index")?;
    for (table, given) in [("entry", entries), ("space", spaces)] {
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (table, given))?;
    }
    // AUTOINCREMENT counts on from the number given last.
    connection.execute("INSERT INTO change (seq, entry_id) VALUES (?1, 0)", [before + 1])?;
    connection.execute("INSERT INTO change (entry_id) SELECT id FROM entry ORDER BY id", [])?;
    connection.execute_batch("DELETE FROM meta WHERE key GLOB 'log_floor/*'")?;
    connection.execute(
        "INSERT INTO meta (key, value) SELECT 'log_floor', max(seq) FROM change WHERE true
             UNION ALL SELECT 'log_floor/' || number, (SELECT max(seq) FROM change) FROM scope WHERE true
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [],
    )?;
    Ok(())
}
