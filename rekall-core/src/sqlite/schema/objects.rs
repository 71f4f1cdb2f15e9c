//! Tables, triggers and indexes: what a file must have, and putting back what is missing.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::Error;

/// One object of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) name: String,
    sql: String,
}

impl Object {
    /// These are rebuilt where their text differs: they hold nothing of their own.
    fn is_code(&self) -> bool {
        matches!(self.kind.as_str(), "trigger" | "view" | "index")
    }

    /// Whether what the file has by this name does what this one does. A table may have columns of another program.
    fn is_as_good(&self, connection: &Connection, sql: &str) -> Result<bool, Error> {
        if sql == self.sql || self.is_code() {
            return Ok(sql == self.sql);
        }
        let blank = blank()?;
        let found = columns(connection, &self.name)?;
        Ok(columns(&blank, &self.name)?.iter().all(|column| found.contains(column)))
    }
}

/// Names of a table's columns, and their places in its key.
fn columns(connection: &Connection, table: &str) -> Result<Vec<(String, i64)>, Error> {
    let mut statement = connection.prepare("SELECT name, pk FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

/// The objects that are missing or whose text differs.
pub(crate) fn wrong(connection: &Connection) -> Result<Vec<Object>, Error> {
    let found: HashMap<(String, String), String> =
        list(connection)?.into_iter().map(|object| ((object.kind, object.name), object.sql)).collect();
    let mut wrong = Vec::new();
    for object in expected()? {
        let is_as_good = match found.get(&(object.kind.clone(), object.name.clone())) {
            Some(sql) => object.is_as_good(connection, sql)?,
            None => false,
        };
        if !is_as_good {
            wrong.push(object);
        }
    }
    Ok(wrong)
}

/// Drops our triggers, so that a repair can touch rows that they would stumble over.
pub(crate) fn drop_triggers(connection: &Connection) -> Result<(), Error> {
    drop_all(connection, "trigger")
}

/// Drops our indexes, whose pages may be of any kind: to fill them again would leave the first page as it is.
pub(crate) fn drop_indexes(connection: &Connection) -> Result<(), Error> {
    drop_all(connection, "index")
}

fn drop_all(connection: &Connection, kind: &str) -> Result<(), Error> {
    for object in expected()?.iter().filter(|object| object.kind == kind) {
        connection.execute_batch(&format!("DROP {kind} IF EXISTS {}", object.name))?;
    }
    Ok(())
}

/// Trees that SQLite does not read, although its integrity check has nothing against them: it does not ask whether the
/// first page of an index is one of an index. Name, and what SQLite says. O(pages).
pub(crate) fn unreadable(connection: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut statement = connection.prepare(
        "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema WHERE rootpage > 0 ORDER BY rowid",
    )?;
    let trees = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
        ))
    })?;
    let mut found = Vec::new();
    for tree in trees {
        let (kind, name, table, sql) = tree?;
        let [quoted, table] = [&name, &table].map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
        let how = if kind == "index" { format!("INDEXED BY {quoted}") } else { "NOT INDEXED".to_owned() };
        // An index over a part of the rows serves only who asks for that part.
        let part = sql.split_once(" WHERE ").map_or("1", |(_, part)| part);
        let read =
            connection.query_row(&format!("SELECT count(*) FROM {table} {how} WHERE {part}"), [], |_| Ok(()));
        match read.map_err(Error::from) {
            Err(Error::Corrupt { detail }) => found.push((name, detail)),
            // An index of another program, which may be of any kind.
            Ok(()) | Err(Error::Engine { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Makes what is missing, of one kind, and replaces what differs, unless it holds something.
pub(crate) fn restore(connection: &Connection, kind: &str) -> Result<(), Error> {
    for object in wrong(connection)?.iter().filter(|object| object.kind == kind) {
        if object.is_code() {
            connection.execute_batch(&format!("DROP {} IF EXISTS {}", object.kind, object.name))?;
        } else if exists(connection, &object.name)? {
            continue;
        }
        connection.execute_batch(&object.sql)?;
    }
    Ok(())
}

fn exists(connection: &Connection, name: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)";
    Ok(connection.query_row(sql, [name], |row| row.get(0))?)
}

/// Writes the texts of our triggers and views over what stands there: also where it cannot be parsed, and they are not
/// known to the connection. It must be allowed to write to the list itself, and reads it again only when opened again.
pub(crate) fn put_texts_back(connection: &Connection) -> Result<(), Error> {
    for object in expected()?.iter().filter(|object| object.is_code()) {
        connection.execute(
            "UPDATE sqlite_schema SET sql = ?3 WHERE type = ?1 AND name = ?2 AND sql IS NOT ?3",
            (&object.kind, &object.name, &object.sql),
        )?;
    }
    Ok(())
}

/// What a new file has.
fn expected() -> Result<Vec<Object>, Error> {
    list(&blank()?)
}

fn blank() -> Result<Connection, Error> {
    let blank = Connection::open_in_memory()?;
    super::create(&blank)?;
    Ok(blank)
}

fn list(connection: &Connection) -> Result<Vec<Object>, Error> {
    let mut statement = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
    )?;
    let objects = statement
        .query_map([], |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?;
    Ok(objects.collect::<Result<_, _>>()?)
}
