//! Telling how far work is whose steps are SQLite's own, and stopping it in the middle of one.

use crate::sqlite::SqliteWriteTx;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::{Progress, REPORT_EVERY, stop_if};
use crate::Error;

/// Steps of SQLite's machine, or cells that it verifies, between two looks at the flag: some microseconds.
const STEPS: i32 = 1_000;

/// Lets the flag stop whatever statement the connection is in, from now on; `None`: no longer.
///
/// SQLite asks by a function that outlives any borrow, hence the [`Arc`].
pub(super) fn stop_statements(
    connection: &mut Connection,
    cancel: Option<&Arc<AtomicBool>>,
) -> Result<(), Error> {
    let asked = cancel.map(|flag| {
        let flag = Arc::clone(flag);
        move || flag.load(Ordering::Relaxed)
    });
    Ok(connection.progress_handler(STEPS, asked)?)
}

/// A writer whose statements the flag stops. Its connection serves the next writer, too, whom the flag does not concern.
pub(super) struct Stoppable<'t, 's>(pub(super) &'t mut SqliteWriteTx<'s>);

impl<'t, 's> Stoppable<'t, 's> {
    pub(super) fn begin(
        tx: &'t mut SqliteWriteTx<'s>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<Self, Error> {
        stop_statements(&mut tx.connection, cancel)?;
        Ok(Self(tx))
    }
}

impl Drop for Stoppable<'_, '_> {
    fn drop(&mut self) {
        // Taking the function away cannot fail.
        let _ = stop_statements(&mut self.0.connection, None);
    }
}

/// How far the work is, in units of no meaning but that they are about equally long: pages, entries, vectors.
pub(super) struct Count<'a> {
    progress: Progress<'a>,
    cancel: Option<&'a AtomicBool>,
    done: u64,
    total: u64,
}

impl<'a> Count<'a> {
    pub(super) fn new(progress: Progress<'a>, cancel: Option<&'a Arc<AtomicBool>>, total: u64) -> Self {
        Self { progress, cancel: cancel.map(|flag| &**flag), done: 0, total }
    }

    /// Counts more units as done. Reports progress now and then, and fails when the work is to stop.
    pub(super) fn add(&mut self, units: u64) -> Result<(), Error> {
        let reported = self.done / REPORT_EVERY;
        // A damaged file may have more than it counts.
        self.done = self.done.saturating_add(units).min(self.total);
        if self.done / REPORT_EVERY > reported { self.report() } else { Ok(()) }
    }

    /// Reports progress, and fails when the work is to stop.
    pub(super) fn report(&mut self) -> Result<(), Error> {
        (self.progress)(self.done, self.total);
        stop_if(self.cancel)
    }

    /// All is done.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.done = self.total;
        self.report()
    }
}

/// Units of looking at, or rewriting, the whole file: its pages, its entries (and their words once more) and its
/// vectors. 0, not known, where they cannot be counted.
pub(super) fn units(connection: &Connection) -> u64 {
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    let all = || {
        let entries = count("SELECT count(*) FROM entry")?;
        Ok::<u64, rusqlite::Error>(
            pages(connection)? + 2 * entries + count("SELECT count(*) FROM embedding")?,
        )
    };
    all().unwrap_or(0)
}

/// Pages of the file.
pub(super) fn pages(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.query_row("PRAGMA page_count", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT sum(i) FROM n";

    #[test]
    fn a_flag_stops_a_statement_in_its_middle() {
        let mut connection = Connection::open_in_memory().unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let run = |connection: &Connection| -> Result<i64, Error> {
            Ok(connection.query_row(LONG, [], |row| row.get(0))?)
        };
        stop_statements(&mut connection, Some(&flag)).unwrap();
        assert_eq!(run(&connection).unwrap(), 5_000_050_000);
        flag.store(true, Ordering::Relaxed);
        assert!(matches!(run(&connection), Err(Error::Interrupted)));
        stop_statements(&mut connection, None).unwrap();
        assert_eq!(run(&connection).unwrap(), 5_000_050_000);
    }

    #[test]
    fn a_damaged_file_with_more_than_it_counts_ends_at_its_total() {
        let mut told = Vec::new();
        let mut tell = |done, total| told.push((done, total));
        let mut count = Count::new(&mut tell, None, 100);
        for _ in 0..200 {
            count.add(1).unwrap();
        }
        count.end().unwrap();
        assert_eq!(told, [(64, 100), (100, 100)]);
    }
}
