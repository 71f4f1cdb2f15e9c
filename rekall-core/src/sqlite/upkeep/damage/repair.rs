//! Repairing what [`SqliteStore::check`](crate::SqliteStore::check) finds, as far as the pages can be read.

use crate::RepairReport;
use crate::RepairedEntry;
use crate::sqlite::error::cause;
use crate::store::ReadChanges;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;

use super::check::is_sql_error;
use super::raw_entry::RawEntry;
use super::row_faults::{DIMENSIONS, REFERENCES, VECTOR_COLUMNS, VectorRow};
use super::{row_numbers, sources, spaces};
use crate::Error;
use crate::lock::lock;
use crate::sqlite::forward::Forward;
use crate::sqlite::schema::{LACKS_PENDING_MARK, objects};
use crate::sqlite::scopes;
use crate::sqlite::upkeep::progress::{Count, Stoppable, units};
use crate::sqlite::upkeep::{Progress, ignore_progress};
use crate::sqlite::words::rebuild;
use crate::sqlite::{SqliteStore, SqliteWriteTx};

impl SqliteStore {
    /// Repairs what can be repaired, in one transaction; loses no entry and no vector: unreadable columns
    /// move to `legacy`, bad vectors to `quarantine` with the reason. Indexes, words, tags and the change
    /// log are rebuilt, persisted index blocks dropped. O(file).
    ///
    /// [`check`](Self::check) looks first, and a file without problems is left as it is: no writer waits. Otherwise other
    /// writers are held up meanwhile.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let report = store.repair()?;
    /// assert!(report.repaired.is_empty(), "there was nothing to repair");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] when pages cannot be read (nothing is changed; [`SqliteStore::salvage`](crate::SqliteStore::salvage) carries over what
    /// can), [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`].
    pub fn repair(&self) -> Result<RepairReport, Error> {
        self.repair_observed(&mut ignore_progress, None)
    }

    /// As [`repair`](Self::repair). `progress` is called with how much of the file was looked at (pages, entries and vectors; a
    /// total of 0: not known); when there is something to repair, the total doubles. The flag stops it within about a
    /// millisecond.
    ///
    /// # Errors
    /// As for [`repair`](Self::repair), and [`Error::Interrupted`]; nothing is changed then.
    pub fn repair_observed(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<RepairReport, Error> {
        if self.file.database.options().read_only {
            return Err(Error::ReadOnly { what: "the store".to_owned() });
        }
        let mut looked_at = 0;
        let found = self.check_observed(
            &mut |done, total| {
                looked_at = total;
                progress(done, total);
            },
            cancel,
        )?;
        if found.is_clean() {
            return Ok(RepairReport::default());
        }
        let mut tx = self.begin_write().map_err(suggest_salvage)?;
        let stoppable = Stoppable::begin(&mut tx, cancel)?;
        let total = units(&stoppable.0.connection);
        let mut both = |done, _| match total {
            0 => progress(0, 0),
            total => progress(looked_at + done, looked_at + total),
        };
        let mut count = Count::new(&mut both, cancel, total);
        let report = repair(stoppable.0, &mut count).map_err(suggest_salvage)?;
        drop(stoppable);
        tx.finish()?;
        Ok(report)
    }
}

pub(super) fn suggest_salvage(error: Error) -> Error {
    match error {
        Error::Corrupt { detail } => {
            Error::Corrupt { detail: format!("{detail}; what can be read can be salvaged into a new file") }
        }
        // A table or column that is not there.
        other => match cause(&other).filter(|source| is_sql_error(source)) {
            Some(source) => suggest_salvage(Error::Corrupt { detail: source.to_string() }),
            None => other,
        },
    }
}

fn repair(tx: &SqliteWriteTx<'_>, count: &mut Count<'_>) -> Result<RepairReport, Error> {
    let connection: &Connection = &tx.connection;
    let mut report =
        RepairReport { objects: objects::wrong(connection)?.len() as u64, ..RepairReport::default() };
    let before = tx.position()?.number();
    // Triggers would stumble over unreadable JSON; all that they keep is rebuilt below.
    objects::drop_triggers(connection)?;
    objects::drop_indexes(connection)?;
    // Derived: rebuilt from the bottom.
    connection.execute_batch(
        "DROP TABLE IF EXISTS tag; DROP TABLE IF EXISTS index_block; DROP TABLE IF EXISTS word_page;
         DROP TABLE IF EXISTS word_segment; DROP TABLE IF EXISTS word_pending",
    )?;
    objects::restore(connection, "table")?;
    scopes::restore_lost(connection)?;
    report.spaces = spaces::repair(connection)?;
    count.report()?;
    repair_entries(tx, &mut report, count)?;
    sources::repair(connection)?;
    // Those that belong to their tables; then the others.
    connection.execute_batch("REINDEX")?;
    objects::restore(connection, "index")?;
    count.report()?;
    quarantine(tx, &mut report, count)?;
    remove_orphans(connection, &mut report)?;
    connection.execute_batch(
        "INSERT INTO tag (tag, entry_id) SELECT DISTINCT CAST(value AS TEXT), entry.id
             FROM entry, json_each(entry.tags)",
    )?;
    count.report()?;
    rebuild::from_entries(connection, &mut |_, _| count.add(1))?;
    report.pending = connection.execute(
        &format!("INSERT INTO pending (entry_id) SELECT id FROM entry WHERE {LACKS_PENDING_MARK}"),
        [],
    )? as u64;
    row_numbers::repair(connection, before)?;
    objects::restore(connection, "trigger")?;
    verify(connection)?;
    count.end()?;
    Ok(report)
}

fn repair_entries(
    tx: &SqliteWriteTx<'_>,
    report: &mut RepairReport,
    count: &mut Count<'_>,
) -> Result<(), Error> {
    let connection: &Connection = &tx.connection;
    let renumbered = row_numbers::renumber(connection, &row_numbers::impossible_rows(connection)?)?;
    let renumbered: HashSet<i64> = renumbered.into_values().collect();
    let (mut row, mut walk) = (i64::MIN, Forward::after("row numbers of entries", None));
    // NOT INDEXED: the indexes may be what is wrong.
    let sql = format!("{} NOT INDEXED WHERE id > ?1 ORDER BY id LIMIT 100", RawEntry::select());
    loop {
        let mut statement = connection.prepare_cached(&sql)?;
        let batch: Vec<RawEntry> = statement.query_map([row], RawEntry::read)?.collect::<Result<_, _>>()?;
        let Some(last) = batch.last() else { return Ok(()) };
        row = last.row;
        batch.iter().try_for_each(|entry| walk.step(entry.row))?;
        count.add(batch.len() as u64)?;
        for mut entry in batch {
            let has_new_number = renumbered.contains(&entry.row);
            if entry.faults().is_empty() && !has_new_number {
                continue;
            }
            let fresh = lock(&tx.store.ids).next(tx.now_ms())?;
            let mut columns: Vec<String> = entry.repair(fresh).into_iter().map(str::to_owned).collect();
            if has_new_number {
                columns.push("id".to_owned());
            }
            if taken(connection, &entry)? {
                entry.rename(fresh);
            }
            entry.update(connection)?;
            if let Some(id) = entry.id() {
                report.repaired.push(RepairedEntry { id, columns });
            }
        }
    }
}

fn taken(connection: &Connection, entry: &RawEntry) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entry NOT INDEXED WHERE ulid = ?1 AND id <> ?2)";
    Ok(connection.prepare_cached(sql)?.query_row((entry.key(), entry.row), |row| row.get(0))?)
}

/// Moves unusable vectors to the quarantine. Those without an entry are removed as orphans.
fn quarantine(tx: &SqliteWriteTx<'_>, report: &mut RepairReport, count: &mut Count<'_>) -> Result<(), Error> {
    let connection: &Connection = &tx.connection;
    let sql = format!(
        "SELECT {VECTOR_COLUMNS}, {DIMENSIONS} FROM embedding
         WHERE rowid > ?1 AND EXISTS (SELECT 1 FROM entry WHERE entry.id = embedding.entry_id)
         ORDER BY rowid LIMIT 100"
    );
    let (mut rowid, mut walk) = (i64::MIN, Forward::after("row numbers of vectors", None));
    loop {
        let mut statement = connection.prepare_cached(&sql)?;
        let batch: Vec<VectorRow> =
            statement.query_map([rowid], VectorRow::read)?.collect::<Result<_, _>>()?;
        let Some(last) = batch.last() else { return Ok(()) };
        rowid = last.rowid;
        batch.iter().try_for_each(|vector| walk.step(vector.rowid))?;
        count.add(batch.len() as u64)?;
        for vector in batch {
            let Some(reason) = vector.fault() else { continue };
            // From row to row, so that values of any type arrive as they are.
            connection
                .prepare_cached(
                    "INSERT INTO quarantine (entry_id, space_id, role, chunk, reason, vector, found_at)
                     SELECT entry_id, space_id, role, chunk, ?2, vector, ?3 FROM embedding WHERE rowid = ?1",
                )?
                .execute((vector.rowid, reason, tx.now_ms()))?;
            connection.prepare_cached("DELETE FROM embedding WHERE rowid = ?1")?.execute([vector.rowid])?;
            report.quarantined += 1;
        }
    }
}

fn remove_orphans(connection: &Connection, report: &mut RepairReport) -> Result<(), Error> {
    for reference in &REFERENCES {
        report.orphans += connection.execute(&reference.removal(), [])? as u64;
    }
    Ok(())
}

/// A repair that leaves a damaged file is a failure.
fn verify(connection: &Connection) -> Result<(), Error> {
    if let Some(object) = objects::wrong(connection)?.first() {
        let detail = format!("{} {} lacks columns, or has them in another key", object.kind, object.name);
        return Err(Error::Corrupt { detail });
    }
    if let Some((name, detail)) = objects::unreadable(connection)?.into_iter().next() {
        return Err(Error::Corrupt { detail: format!("{name} cannot be read: {detail}") });
    }
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::Corrupt { detail: found.replace('\n', "; ") }) }
}
