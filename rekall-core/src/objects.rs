//! Tables, triggers and indexes: what a file must have, and putting back what is missing.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::{Error, schema};

/// One object of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) sort: String,
    pub(crate) name: String,
    sql: String,
}

impl Object {
    /// Triggers and the view decide what is written, so their text counts; for the rest the name does.
    fn is_code(&self) -> bool {
        matches!(self.sort.as_str(), "trigger" | "view")
    }
}

/// The objects that are missing or whose text differs.
pub(crate) fn wrong(connection: &Connection) -> Result<Vec<Object>, Error> {
    let found: HashMap<(String, String), String> =
        list(connection)?.into_iter().map(|object| ((object.sort, object.name), object.sql)).collect();
    let mut wrong = expected()?;
    wrong.retain(|object| match found.get(&(object.sort.clone(), object.name.clone())) {
        Some(sql) => object.is_code() && *sql != object.sql,
        None => true,
    });
    Ok(wrong)
}

/// Drops our triggers, so that a repair can touch rows that they would stumble over.
pub(crate) fn drop_triggers(connection: &Connection) -> Result<(), Error> {
    for object in expected()?.iter().filter(|object| object.sort == "trigger") {
        connection.execute_batch(&format!("DROP TRIGGER IF EXISTS {}", object.name))?;
    }
    Ok(())
}

/// Makes what is missing and makes anew what differs, of one sort.
pub(crate) fn restore(connection: &Connection, sort: &str) -> Result<(), Error> {
    for object in wrong(connection)?.iter().filter(|object| object.sort == sort) {
        if object.is_code() {
            connection.execute_batch(&format!("DROP {} IF EXISTS {}", object.sort, object.name))?;
        }
        connection.execute_batch(&object.sql)?;
    }
    Ok(())
}

/// What a new file has.
fn expected() -> Result<Vec<Object>, Error> {
    let blank = Connection::open_in_memory()?;
    schema::create(&blank)?;
    let mut objects = list(&blank)?;
    // The tables that FTS5 keeps for itself come and go with the one that is ours.
    objects.retain(|object| !object.name.starts_with("entry_fts_"));
    Ok(objects)
}

fn list(connection: &Connection) -> Result<Vec<Object>, Error> {
    let mut statement = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
    )?;
    let objects = statement
        .query_map([], |row| Ok(Object { sort: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?;
    Ok(objects.collect::<Result<_, _>>()?)
}
