//! Reading a damaged table from both ends and, in between, by halves.

use std::collections::HashSet;

use rusqlite::{Connection, Row};

use crate::Error;

/// Reads what can be read of tables.
pub(super) struct Scan<'c> {
    connection: &'c Connection,
    /// Ranges of row numbers that could not be read.
    pub(super) unreadable: Vec<(i64, i64)>,
    /// Statements, and rows that were not asked for, that may still be spent on looking inside damaged ranges.
    budget: u32,
    /// Rows that were taken: pages out of order give some more than once.
    seen: HashSet<i64>,
}

/// Enough for a damaged page anywhere in a table of a million rows; a few seconds at most.
const BUDGET: u32 = 400_000;

/// Receives each row; its errors concern the target of the row, and end the scan.
pub(super) type Take<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<(), Error>;

impl<'c> Scan<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, unreadable: Vec::new(), budget: BUDGET, seen: HashSet::new() }
    }

    /// Rows of a table with row numbers. `bounds` are queries that may say how far these go; those of scopes go down to `lowest`.
    pub(super) fn rows(
        &mut self,
        select: &str,
        table: &str,
        key: &str,
        bounds: &[&str],
        lowest: Option<i64>,
        take: Take<'_>,
    ) -> Result<(), Error> {
        let bound = |sql: &&str| {
            let found = self.connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
            found.ok().flatten()
        };
        let highest = bounds.iter().filter_map(bound).max();
        let between =
            |order: &str| format!("{select} WHERE {table}.{key} BETWEEN ?1 AND ?2 ORDER BY 1 {order}");
        let statements = (between("ASC"), between("DESC"));
        // Where the schema itself is damaged nothing of the table can be asked for, however small the range.
        if self.connection.prepare_cached(&statements.0).is_err() {
            self.unreadable.push((1, highest.unwrap_or(i64::MAX)));
            self.unreadable.extend(lowest.map(|lowest| (lowest, -1)));
            self.merge();
            return Ok(());
        }
        // All of them, whatever their numbers, as far as that goes: pages out of order are no error to SQLite.
        if self.run(&statements.0, Some((i64::MIN, i64::MAX)), false, take)?.is_none() {
            return Ok(());
        }
        // A bound that cannot be read leaves the whole range; the budget ends the search in it.
        self.range(1, highest.unwrap_or(i64::MAX), &statements, take)?;
        if let Some(lowest) = lowest {
            if lowest == i64::MIN {
                // Where scopes begin is not known: hardly any of these numbers is a row's.
                self.budget = self.budget.min(BUDGET / 100);
            }
            self.range(lowest, -1, &statements, take)?;
        }
        self.merge();
        Ok(())
    }

    /// Rows of any query that has an order, from both ends; gives the number of gaps, 0 or 1.
    pub(super) fn all(&mut self, sql: &str, take: Take<'_>) -> Result<u64, Error> {
        if self.run(sql, None, false, take)?.is_none() {
            return Ok(0);
        }
        let backwards: Vec<String> = match sql.rsplit_once(" ORDER BY ") {
            Some((_, columns)) => columns.split(", ").map(|column| format!("{column} DESC")).collect(),
            None => Vec::new(),
        };
        let start = sql.rsplit_once(" ORDER BY ").map_or(sql, |(start, _)| start);
        self.run(&format!("{start} ORDER BY {}", backwards.join(", ")), None, true, take)?;
        Ok(1)
    }

    fn range(&mut self, low: i64, high: i64, sql: &(String, String), take: Take<'_>) -> Result<(), Error> {
        let Some(last) = self.run(&sql.0, Some((low, high)), false, take)? else { return Ok(()) };
        let low = last.map_or(low, |row| row.saturating_add(1));
        let Some(first) = self.run(&sql.1, Some((low, high)), true, take)? else { return Ok(()) };
        let high = first.map_or(high, |row| row.saturating_sub(1));
        if low > high {
            return Ok(());
        }
        if low == high || self.budget == 0 {
            self.unreadable.push((low, high));
            return Ok(());
        }
        // Rounded down, also below 0.
        let middle = (low & high) + ((low ^ high) >> 1);
        self.range(low, middle, sql, take)?;
        self.range(middle + 1, high, sql, take)
    }

    /// Runs a query until its end (`None`) or until damage (`Some`, with the last row's number, if any). A damaged tree may
    /// give numbers that were not asked for, or go back. They are taken, once; but each costs, or reading by halves would
    /// take the square of the file.
    fn run(
        &mut self,
        sql: &str,
        range: Option<(i64, i64)>,
        backwards: bool,
        take: Take<'_>,
    ) -> Result<Option<Option<i64>>, Error> {
        self.budget = self.budget.saturating_sub(1);
        let mut last: Option<i64> = None;
        let Ok(mut statement) = self.connection.prepare_cached(sql) else { return Ok(Some(last)) };
        let rows = match range {
            Some(range) => statement.query(range),
            None => statement.query([]),
        };
        let Ok(mut rows) = rows else { return Ok(Some(last)) };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    if let Some((low, high)) = range {
                        let number: i64 = row.get(0)?;
                        let (low, high) = match (last, backwards) {
                            (Some(last), false) => (last.saturating_add(1), high),
                            (Some(last), true) => (low, last.saturating_sub(1)),
                            (None, _) => (low, high),
                        };
                        if (low..=high).contains(&number) {
                            last = Some(number);
                        } else {
                            self.budget = self.budget.saturating_sub(1);
                            if self.budget == 0 {
                                return Ok(Some(last));
                            }
                        }
                        if !self.seen.insert(number) {
                            continue;
                        }
                    }
                    take(row)?;
                }
                Ok(None) => return Ok(None),
                Err(_) => return Ok(Some(last)),
            }
        }
    }

    /// Joins neighbouring ranges.
    fn merge(&mut self) {
        self.unreadable.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for &(low, high) in &self.unreadable {
            match merged.last_mut() {
                Some(last) if last.1.checked_add(1) == Some(low) => last.1 = high,
                _ => merged.push((low, high)),
            }
        }
        self.unreadable = merged;
    }
}
