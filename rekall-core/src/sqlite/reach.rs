//! Which rows of a file are a transaction's.
//!
//! Every statement that goes over a whole table gets its bounds from here, and every number that a caller gives or gets is
//! translated here: a file has the rows of many memories ([`ScopeRows`]).

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{SqliteTx, SqliteWriteTx, rows};
use crate::engine::ScopeRows;
use crate::{EntryId, Error, ScopeName};

/// A scope that a store is bound to.
#[derive(Debug, Clone)]
pub(crate) struct BoundScope {
    pub(crate) name: ScopeName,
    pub(crate) rows: ScopeRows,
}

/// The rows of one memory among those of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    rows: ScopeRows,
    /// The file has no other memory.
    alone: bool,
}

impl Reach {
    /// The memory without a name, in a file that has no scopes: all rows.
    pub(crate) const ALL: Self = Self { rows: ScopeRows::UNNAMED, alone: true };

    /// The memory of these rows, in a file that has others.
    pub(crate) const fn among_others(rows: ScopeRows) -> Self {
        Self { rows, alone: false }
    }

    /// What a store sees of the file, at the moment that the transaction of this connection reads for the first time.
    pub(crate) fn read(
        connection: &Connection,
        bound: Option<&BoundScope>,
        older: bool,
    ) -> Result<Self, Error> {
        if let Some(scope) = bound {
            let sql = "SELECT EXISTS (SELECT 1 FROM scope WHERE number = ?1 AND name IS NOT NULL)";
            let is_there =
                connection.prepare_cached(sql)?.query_row([scope.rows.number()], |row| row.get(0))?;
            return match is_there {
                true => Ok(Self::among_others(scope.rows)),
                false => Err(Error::ScopeNotFound { name: scope.name.clone() }),
            };
        }
        if !older {
            // Rows as well: what became of the table of scopes, no memory is to see another's.
            let sql = "SELECT EXISTS (SELECT 1 FROM scope) OR EXISTS (SELECT 1 FROM entry WHERE id < 0)";
            let others = connection
                .prepare_cached(sql)
                .and_then(|mut others| others.query_row([], |row| row.get::<_, bool>(0)));
            match others.map_err(Error::from) {
                Ok(others) => return Ok(Self { rows: ScopeRows::UNNAMED, alone: !others }),
                Err(error @ (Error::Busy { .. } | Error::Interrupted)) => return Err(error),
                // Damage, which is for a check to report.
                Err(_) => {}
            }
        }
        let least = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)";
        connection.prepare_cached(least)?.query_row([], |_| Ok(()))?;
        Ok(Self { rows: ScopeRows::UNNAMED, alone: older })
    }

    pub(crate) const fn rows(self) -> ScopeRows {
        self.rows
    }

    /// Whether a stored number is that of a row of this memory.
    pub(crate) fn has(self, stored: i64) -> bool {
        self.alone || self.rows.range().contains(&stored)
    }

    /// As [`ScopeRows::stored`].
    pub(crate) fn stored(self, row: i64) -> i64 {
        match self.rows.number() {
            // No number that a caller gives is one of a scope's.
            0 if !self.alone => row.max(0),
            _ => self.rows.stored(row),
        }
    }

    /// As [`ScopeRows::stored_after`]: where a walk goes on after a row. From the beginning: the rows of a file without
    /// scopes may have any number.
    pub(crate) fn stored_after(self, row: i64) -> i64 {
        if self.alone { row } else { self.rows.stored_after(row) }
    }

    /// As [`ScopeRows::row`].
    pub(crate) const fn row(self, stored: i64) -> i64 {
        self.rows.row(stored)
    }

    /// An id as it is stored.
    pub(crate) fn key(self, id: EntryId) -> String {
        match self.rows.number() {
            0 => id.to_string(),
            _ => self.rows.key(&id.to_string()),
        }
    }

    /// The id that a column holds.
    pub(crate) fn id(self, row: &Row<'_>, column: usize) -> rusqlite::Result<EntryId> {
        let key = row.get_ref(column)?.as_str()?;
        let id = match self.rows.number() {
            // A key of a scope is no ULID.
            0 => key,
            // Nor is what a scope's key would be without its number.
            _ => self.rows.name(key).unwrap_or_default(),
        };
        id.parse().map_err(|error| rows::unreadable(column, error))
    }

    /// The URI that a column holds; `None`: it is another memory's. Without a scope any text may stand there.
    pub(crate) fn uri(self, key: &str) -> Option<&str> {
        match self.rows.number() {
            0 => Some(key),
            _ => self.rows.name(key),
        }
    }

    /// The key after which those of this memory come.
    pub(crate) fn before_keys(self) -> String {
        if self.alone { String::new() } else { self.rows.keys().0 }
    }

    /// That a column with keys has one of this memory, beyond being greater than [`before_keys`](Self::before_keys); with `AND`.
    pub(crate) fn and_key(self, column: &str) -> String {
        // Digits alone: nothing in it needs to be quoted.
        self.rows.keys().1.map_or_else(String::new, |end| format!(" AND {column} < '{end}'"))
    }

    /// That a column that numbers rows has a number of this memory, for an index or table in the order of these numbers; with `AND`.
    pub(crate) fn and(self, column: &str) -> String {
        match self.condition(column) {
            Some(condition) => format!(" AND {condition}"),
            None => String::new(),
        }
    }

    /// The same with `WHERE`.
    pub(crate) fn only(self, column: &str) -> String {
        match self.condition(column) {
            Some(condition) => format!(" WHERE {condition}"),
            None => String::new(),
        }
    }

    fn condition(self, column: &str) -> Option<String> {
        let range = self.rows.range();
        match self.rows.number() {
            0 if self.alone => None,
            0 => Some(format!("{column} >= 0")),
            _ => Some(format!("{column} BETWEEN {} AND {}", range.start(), range.end())),
        }
    }

    /// The row number that a column's stored number stands for, in SQL.
    pub(crate) fn row_of(self, column: &str) -> String {
        match self.rows.zero() {
            0 => column.to_owned(),
            zero => format!("({column} - ({zero}))"),
        }
    }

    /// The same for a walk over entries that an index with the columns of filters answers.
    pub(crate) fn walk(self, id: &str) -> String {
        match self.rows.number() {
            0 if self.alone => "1".to_owned(),
            // The index of the columns alone: not the rows of the table in their order.
            0 => format!("+{id} >= 0"),
            // As the index `entry_scope` says it.
            number => format!("{id} >> 32 = {} AND +{id} < 0", -number),
        }
    }

    /// The same as a whole `WHERE`.
    pub(crate) fn only_walk(self) -> String {
        if self.alone { String::new() } else { format!(" WHERE {}", self.walk("entry.id")) }
    }

    /// The same where something else leads to the rows.
    pub(crate) fn guard(self, id: &str) -> String {
        match self.rows.number() {
            0 if self.alone => "1".to_owned(),
            0 => format!("+{id} >= 0"),
            _ => {
                let range = self.rows.range();
                format!("+{id} BETWEEN {} AND {}", range.start(), range.end())
            }
        }
    }

    /// That the log's row is about this memory; with `AND`.
    pub(crate) fn and_change(self) -> String {
        match self.rows.number() {
            0 if self.alone => String::new(),
            0 => " AND entry_id >= 0".to_owned(),
            // As the index `change_scope` says it.
            number => format!(" AND entry_id >> 32 = {} AND +entry_id < 0", -number),
        }
    }

    /// That a space is one of this memory, as the index of active spaces says it.
    pub(crate) fn of_space(self) -> String {
        format!("min(space.id >> 32, 0) = {}", -self.rows.number())
    }

    /// The name of the log's floor.
    pub(crate) fn log_floor(self) -> String {
        match self.rows.number() {
            0 => "log_floor".to_owned(),
            number => format!("log_floor/{number}"),
        }
    }
}

/// What has numbers that a scope gives itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbered {
    Entry,
    Source,
    Space,
    Segment,
}

impl Numbered {
    pub(crate) const ALL: [Self; 4] = [Self::Entry, Self::Source, Self::Space, Self::Segment];

    /// The table, and the column of `scope` with the number given last.
    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Entry => ("entry", "entries"),
            Self::Source => ("source", "sources"),
            Self::Space => ("space", "spaces"),
            Self::Segment => ("word_segment", "segments"),
        }
    }
}

/// The stored number of the next row in a table; `None`: SQLite gives it. Numbers are given once.
pub(crate) fn next_number(connection: &Connection, reach: Reach, of: Numbered) -> Result<Option<i64>, Error> {
    let (table, column) = of.names();
    let rows = reach.rows();
    if rows.number() == 0 {
        // SQLite counts on from the greatest number: where AUTOINCREMENT does not keep one, that may be a scope's.
        if reach == Reach::ALL || !matches!(of, Numbered::Source) {
            return Ok(None);
        }
        let sql = "SELECT ifnull(max(id), 0) + 1 FROM source WHERE id >= 0";
        return Ok(Some(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?));
    }
    // The rows as well, as AUTOINCREMENT does: another program may have set the counter back.
    let sql = format!(
        "UPDATE scope SET {column} = 1 + max({column}, ifnull((SELECT max(id) FROM {table} WHERE id BETWEEN ?2 AND ?3), ?2) - ?2)
         WHERE number = ?1 RETURNING {column}"
    );
    let next: Option<i64> = connection
        .prepare_cached(&sql)?
        .query_row((rows.number(), rows.zero(), rows.range().end()), |row| row.get(0))
        .optional()?;
    match next {
        Some(next) if next <= rows.last_row() => Ok(Some(rows.stored(next))),
        _ => Err(Error::Full { detail: format!("a scope has no number left for a row of {table}") }),
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// As [`Reach::stored`].
    pub(crate) fn stored(&self, row: i64) -> i64 {
        self.reach.stored(row)
    }

    /// As [`Reach::row`].
    pub(crate) fn row(&self, stored: i64) -> i64 {
        self.reach.row(stored)
    }
}

impl SqliteWriteTx<'_> {
    /// As [`next_number`].
    pub(crate) fn next_number(&self, of: Numbered) -> Result<Option<i64>, Error> {
        next_number(&self.connection, self.reach, of)
    }

    /// A row is about to have this number, which nobody gave it: none that comes later will have it. AUTOINCREMENT sees to that
    /// where there is no scope.
    pub(crate) fn note_number(&self, of: Numbered, number: i64) -> Result<(), Error> {
        let column = of.names().1;
        let sql = format!("UPDATE scope SET {column} = max({column}, ?2) WHERE number = ?1");
        self.connection.prepare_cached(&sql)?.execute((self.reach.rows().number(), number))?;
        Ok(())
    }
}
