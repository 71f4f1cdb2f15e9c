//! The scopes of a file: made, listed, and removed.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use super::forward::Forward;
use super::reach::{BoundScope, Numbered, Reach};
use crate::engine::ScopeRows;
use crate::store::{Scopes, Store};
use crate::{Error, ScopeName};

/// Entries deleted in one transaction: some tens of milliseconds.
const DELETED_AT_ONCE: usize = 256;

impl Scopes for SqliteStore {
    fn open(&self, scope: &ScopeName) -> Result<Arc<dyn Store>, Error> {
        let number = match self.number_of(scope)? {
            Some(number) => number,
            None => self.make(scope)?,
        };
        let bound = BoundScope { name: scope.clone(), rows: ScopeRows::of(number)? };
        Ok(Arc::new(Self::on(Arc::clone(&self.file), Some(bound))))
    }

    fn list(&self) -> Result<Vec<ScopeName>, Error> {
        let tx = self.begin_read()?;
        if self.file.database.is_older() {
            return Ok(Vec::new());
        }
        let sql = "SELECT name FROM scope WHERE name IS NOT NULL ORDER BY name";
        let mut statement = tx.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let name = ScopeName::new(name).map_err(|error| Error::Corrupt { detail: error.to_string() })?;
            names.push(name);
        }
        Ok(names)
    }

    /// It is gone at once, in one transaction; its rows go in short ones after that. What a process that is killed leaves of
    /// them goes with the next scope that is made or removed, or with the next compaction.
    fn remove(&self, scope: &ScopeName) -> Result<u64, Error> {
        let tx = self.begin_write()?;
        let sql = "SELECT number FROM scope WHERE name = ?1";
        let number =
            tx.connection.prepare_cached(sql)?.query_row([scope.as_str()], |row| row.get(0)).optional()?;
        let rows = ScopeRows::of(number.ok_or_else(|| Error::ScopeNotFound { name: scope.clone() })?)?;
        let sql = format!("SELECT count(*) FROM entry{}", Reach::among_others(rows).only_walk());
        let entries = tx.connection.query_row(&sql, [], |row| row.get(0))?;
        tx.connection.execute("UPDATE scope SET name = NULL WHERE number = ?1", [rows.number()])?;
        tx.finish()?;
        self.try_to_drop_removed_scopes();
        Ok(entries)
    }
}

impl SqliteStore {
    fn number_of(&self, scope: &ScopeName) -> Result<Option<i64>, Error> {
        let tx = self.begin_read()?;
        if self.file.database.is_older() {
            return Ok(None);
        }
        let sql = "SELECT number FROM scope WHERE name = ?1";
        let mut statement = tx.connection.prepare_cached(sql)?;
        Ok(statement.query_row([scope.as_str()], |row| row.get(0)).optional()?)
    }

    fn make(&self, scope: &ScopeName) -> Result<i64, Error> {
        let options = self.file.database.options();
        if !options.create || options.read_only || self.file.database.is_older() {
            return Err(Error::ScopeNotFound { name: scope.clone() });
        }
        self.try_to_drop_removed_scopes();
        let tx = self.begin_write()?;
        // Another process may have been faster.
        let sql = "SELECT number FROM scope WHERE name = ?1";
        let known = tx.connection.prepare_cached(sql)?.query_row([scope.as_str()], |row| row.get(0));
        if let Some(number) = known.optional()? {
            return Ok(number);
        }
        let number = free_number(&tx.connection)?;
        let sql = "INSERT INTO scope (number, name) VALUES (?1, ?2)";
        tx.connection.prepare_cached(sql)?.execute((number, scope.as_str()))?;
        tx.finish()?;
        Ok(number)
    }

    /// A handle on each memory of the file, the one without a name first.
    pub(super) fn memories(&self) -> Result<Vec<Self>, Error> {
        let mut handles = vec![Self::on(Arc::clone(&self.file), None)];
        for name in Scopes::list(self)? {
            if let Some(number) = self.number_of(&name)? {
                let bound = BoundScope { name, rows: ScopeRows::of(number)? };
                handles.push(Self::on(Arc::clone(&self.file), Some(bound)));
            }
        }
        Ok(handles)
    }

    /// As [`drop_removed_scopes`](Self::drop_removed_scopes), for who has done what was asked: the next one tries again.
    fn try_to_drop_removed_scopes(&self) {
        if let Err(error) = self.drop_removed_scopes() {
            tracing::debug!(%error, "rows of a removed scope are left");
        }
    }

    /// Deletes what is left of scopes that were removed.
    pub(super) fn drop_removed_scopes(&self) -> Result<(), Error> {
        let removed: Vec<i64> = {
            let tx = self.begin_read()?;
            let mut statement =
                tx.connection.prepare_cached("SELECT number FROM scope WHERE name IS NULL")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for number in removed {
            let reach = Reach::among_others(ScopeRows::of(number)?);
            let mut last = Some(reach.rows().zero());
            while let Some(after) = last {
                let tx = self.begin_write()?;
                last = drop_some(&tx.connection, reach, after)?;
                tx.finish()?;
            }
        }
        Ok(())
    }
}

/// The next number for a scope. Numbers are given once, and one under which another program has put rows is left out.
fn free_number(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT 1 + max(ifnull((SELECT max(number) FROM scope), 0),
        ifnull((SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'scope'), 0))";
    let mut number = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    while is_taken(connection, ScopeRows::of(number)?)? {
        number += 1;
    }
    Ok(number)
}

fn is_taken(connection: &Connection, rows: ScopeRows) -> Result<bool, Error> {
    for of in Numbered::ALL {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE id BETWEEN ?1 AND ?2)", of.names().0);
        let range = rows.range();
        if connection.prepare_cached(&sql)?.query_row((range.start(), range.end()), |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes a piece of a scope, its entries after a row first; gives the last row of these, `None`: all is gone.
fn drop_some(connection: &Connection, reach: Reach, after: i64) -> Result<Option<i64>, Error> {
    let sql = format!("SELECT id FROM entry WHERE id > ?1{} ORDER BY id LIMIT ?2", reach.and("id"));
    let rows: Vec<i64> = connection
        .prepare_cached(&sql)?
        .query_map((after, DELETED_AT_ONCE as i64), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut walk = Forward::after("row numbers of entries", Some(after));
    let mut delete = connection.prepare_cached("DELETE FROM entry WHERE id = ?1")?;
    for &row in &rows {
        walk.step(row)?;
        delete.execute([row])?;
    }
    if rows.len() == DELETED_AT_ONCE {
        return Ok(rows.last().copied());
    }
    // Triggers note what they delete, so the log comes last.
    for (table, column) in OTHERS {
        connection.execute(&format!("DELETE FROM {table}{}", reach.only(column)), [])?;
    }
    let (key, end) = reach.rows().keys();
    connection.execute("DELETE FROM meta WHERE key = ?1", [reach.log_floor()])?;
    connection.execute("DELETE FROM meta WHERE key >= ?1 AND key < ?2", (key, end))?;
    connection.execute("DELETE FROM scope WHERE number = ?1", [reach.rows().number()])?;
    Ok(None)
}

/// What a scope has besides entries and what goes with these, in the order in which it is deleted.
const OTHERS: [(&str, &str); 12] = [
    ("embedding", "entry_id"),
    ("quarantine", "entry_id"),
    ("wordless", "entry_id"),
    ("pending", "entry_id"),
    ("section", "entry_id"),
    ("word_page", "segment_id"),
    ("word_segment", "id"),
    ("word_pending", "entry_id"),
    ("source", "id"),
    ("index_block", "space_id"),
    ("space", "id"),
    ("change", "entry_id"),
];

/// The names of scopes, by their numbers.
pub(super) fn names(connection: &Connection) -> Result<HashMap<i64, String>, Error> {
    let mut statement = connection.prepare("SELECT number, name FROM scope WHERE name IS NOT NULL")?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Scopes that their rows name and the table does not, as a statement: number, and number of entries.
pub(super) const LOST: &str = "SELECT -(id >> 32) AS lost, count(*) FROM entry NOT INDEXED
    WHERE id < 0 AND id & 4294967295 <> 0 AND ulid GLOB char(1) || -(id >> 32) || '/*'
        AND -(id >> 32) NOT IN (SELECT number FROM scope) GROUP BY lost";

/// Puts scopes back that are not in the table, under names of their own.
pub(super) fn restore_lost(connection: &Connection) -> Result<(), Error> {
    let sql = format!(
        "INSERT OR IGNORE INTO scope (number, name) SELECT lost, 'recovered-' || lost FROM ({LOST}) WHERE lost < 2147483648"
    );
    connection.execute(&sql, [])?;
    Ok(())
}

/// The memories of a file, scopes that are being removed included: the one without a name first.
pub(super) fn reaches(connection: &Connection) -> Result<Vec<Reach>, Error> {
    let mut statement = connection.prepare("SELECT number FROM scope ORDER BY number")?;
    let numbers: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if numbers.is_empty() {
        return Ok(vec![Reach::ALL]);
    }
    let scopes = numbers.into_iter().map(|number| Ok(Reach::among_others(ScopeRows::of(number)?)));
    std::iter::once(Ok(Reach::among_others(ScopeRows::UNNAMED))).chain(scopes).collect()
}
