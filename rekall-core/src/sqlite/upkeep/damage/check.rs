//! Looking for damage: of the file, of what is derived from the rows, and of the rows themselves.

use crate::CheckReport;
use crate::Problem;
use crate::ProblemKind;
use crate::sqlite::error::cause;
use crate::store::ReadBlocks;
use crate::store::ReadChanges;
use crate::store::ReadSpaces;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::raw_entry::RawEntry;
use super::row_faults::{self, DIMENSIONS, REFERENCES, VECTOR_COLUMNS, VectorRow};
use super::{row_numbers, sources, spaces, vec0, words};
use crate::engine::ScopeRows;
use crate::sqlite::forward::Forward;
use crate::sqlite::schema::{self, LACKS_PENDING_MARK, objects};
use crate::sqlite::scopes;
use crate::sqlite::upkeep::progress::{Count, pages, stop_statements, units};
use crate::sqlite::upkeep::{Progress, ignore_progress};
use crate::sqlite::{SqliteStore, SqliteTx};
use crate::store::Changes;
use crate::{EntryId, Error};

impl SqliteStore {
    /// Looks at every page, row and index of the file, as it is at this moment, and changes nothing. Holds up
    /// no other reader or writer, works on a read-only store. O(file): about ten seconds for 100,000 entries of 60 words, most of them to index
    /// their words once more, piece by piece, and compare; memory about 16 bytes an entry.
    ///
    /// A changed byte inside a text, number or vector that is still a text, number or vector is found only
    /// where something else says otherwise (the word index for words, the length of 1 for vectors):
    /// the file has no checksums.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// assert!(store.check()?.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`]. Damage is no error, it is in the report.
    pub fn check(&self) -> Result<CheckReport, Error> {
        self.check_observed(&mut ignore_progress, None)
    }

    /// As [`check`](Self::check). `progress` is called with how much of the file was looked at (pages, entries and vectors; a
    /// total of 0: not known), the flag stops it within about a millisecond.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Interrupted`].
    pub fn check_observed(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<CheckReport, Error> {
        let report = self.look(progress, cancel);
        self.settle_log();
        report
    }

    fn look(&self, progress: Progress<'_>, cancel: Option<&Arc<AtomicBool>>) -> Result<CheckReport, Error> {
        // A connection of its own, which the flag stops in the middle of a statement.
        let mut connection = Box::new(self.file.database.connect(false)?);
        stop_statements(&mut connection, cancel)?;
        let mut tx = SqliteTx::begin(self, connection, "BEGIN DEFERRED")?;
        let mut search = Search::new(Count::new(progress, cancel, units(&tx.connection)));
        // Where they cannot be read, that is among what is found.
        search.scopes = scopes::names(&tx.connection).unwrap_or_default();
        search.section(|search| file(&tx, search))?;
        search.section(|search| objects(&tx, search))?;
        search.section(|search| entries(&tx, search))?;
        search.section(|search| references(&tx, search))?;
        search.section(|search| tags(&tx, search))?;
        search.section(|search| sources(&tx, search))?;
        search.section(|search| spaces(&tx, search))?;
        search.section(|search| vectors(&tx, search))?;
        search.section(|search| pending(&tx, search))?;
        search.section(|search| change_log(&tx, search))?;
        search.section(|search| lost_scopes(&tx, search))?;
        for reach in scopes::reaches(&tx.connection).unwrap_or_else(|_| vec![tx.reach]) {
            tx.reach = reach;
            search.section(|search| blocks(&tx, search))?;
            search.section(|search| full_text(&tx, search))?;
        }
        search.count.end()?;
        Ok(search.report)
    }
}

/// A check under way.
struct Search<'a> {
    report: CheckReport,
    listed: HashMap<ProblemKind, usize>,
    count: Count<'a>,
    /// Names of scopes.
    scopes: HashMap<i64, String>,
}

impl<'a> Search<'a> {
    fn new(count: Count<'a>) -> Self {
        Self { report: CheckReport::default(), listed: HashMap::new(), count, scopes: HashMap::new() }
    }

    /// Damage met on the way is a finding and ends this section only.
    fn section(&mut self, look: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        match look(self) {
            Ok(()) => {}
            Err(Error::Corrupt { detail }) => self.add(ProblemKind::File, detail, None),
            Err(error) => match cause(&error) {
                // A table or column that the schema lacks.
                Some(source) if is_sql_error(source) => {
                    self.add(ProblemKind::Schema, source.to_string(), None)
                }
                // What a damaged length asks for.
                Some(source) if asks_too_much(source) => {
                    self.add(ProblemKind::File, source.to_string(), None)
                }
                _ => return Err(error),
            },
        }
        // Also where a section took the interruption of one of its statements for a finding.
        self.count.report()
    }

    /// Reports something about an entry's row by its stored number: that of a row in a scope is told as the scope's own.
    fn add(&mut self, kind: ProblemKind, detail: String, entry: Option<(i64, Option<EntryId>)>) {
        let memory = entry.map_or(ScopeRows::UNNAMED, |(stored, _)| ScopeRows::owning(stored));
        let entry = entry.map(|(stored, id)| (memory.row(stored), id));
        let detail = self.within(memory, detail);
        self.report.found += 1;
        let listed = self.listed.entry(kind).or_default();
        if *listed < CheckReport::LISTED {
            *listed += 1;
            let (row, entry) = entry.map_or((None, None), |(row, id)| (Some(row), id));
            self.report.problems.push(Problem { kind, detail, entry, row });
        }
    }

    fn within(&self, memory: ScopeRows, detail: String) -> String {
        match (memory.number(), self.scopes.get(&memory.number())) {
            (0, _) => detail,
            (_, Some(name)) => format!("scope {name:?}: {detail}"),
            (number, None) => format!("scope {number}: {detail}"),
        }
    }

    /// Runs a query that gives (entry's row number, detail), one row a problem.
    fn rows<C: Deref<Target = Connection>>(
        &mut self,
        tx: &SqliteTx<'_, C>,
        kind: ProblemKind,
        sql: &str,
    ) -> Result<(), Error> {
        let mut statement = tx.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let entry: i64 = row.get(0)?;
            self.add(kind, row.get(1)?, Some((entry, id_of(&tx.connection, entry))));
        }
        Ok(())
    }
}

/// Says whether it is about what the statement names, not about the machine.
pub(super) fn is_sql_error(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(code, _) => code.extended_code == rusqlite::ffi::SQLITE_ERROR,
        rusqlite::Error::SqlInputError { .. } => true,
        _ => false,
    }
}

fn asks_too_much(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::OutOfMemory | ErrorCode::TooBig))
}

fn id_of(connection: &Connection, row: i64) -> Option<EntryId> {
    let mut statement = connection.prepare_cached("SELECT ulid FROM entry WHERE id = ?1").ok()?;
    let key: Option<String> = statement.query_row([row], |found| found.get(0)).optional().ok()?;
    ScopeRows::owning(row).name(&key?)?.parse().ok()
}

fn file(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    search.report.pages = pages(&tx.connection)?;
    let mut statement = tx.connection.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            search.add(ProblemKind::File, line.replace('\n', "; "), None);
        }
    }
    for (name, detail) in objects::unreadable(&tx.connection)? {
        search.add(ProblemKind::File, format!("{name} cannot be read: {detail}"), None);
    }
    search.count.add(search.report.pages)
}

fn objects(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    if schema::is_older(&tx.connection)? {
        // A store that may write upgrades the file when it opens it.
        return Ok(());
    }
    for object in objects::wrong(&tx.connection)? {
        let detail = format!("{} {} is missing or not as expected", object.kind, object.name);
        search.add(ProblemKind::Schema, detail, None);
    }
    Ok(())
}

fn entries(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    for row in row_numbers::impossible_rows(&tx.connection)? {
        let detail = format!("row number must be 1 to {}, got {row}", row_numbers::HIGHEST);
        search.add(ProblemKind::Unreadable, detail, Some((row, id_of(&tx.connection, row))));
    }
    let mut statement = tx.connection.prepare(&format!("{} ORDER BY id", RawEntry::select()))?;
    let mut rows = statement.query([])?;
    let mut walk = Forward::after("row numbers of entries", None);
    while let Some(row) = rows.next()? {
        let entry = RawEntry::read(row)?;
        walk.step(entry.row)?;
        search.report.entries += 1;
        search.count.add(1)?;
        for (_, fault) in entry.faults() {
            search.add(ProblemKind::Unreadable, fault, Some((entry.row, entry.id())));
        }
    }
    Ok(())
}

fn references(
    tx: &SqliteTx<'_, impl Deref<Target = Connection>>,
    search: &mut Search<'_>,
) -> Result<(), Error> {
    for reference in &REFERENCES {
        let row_faults::Reference { table, column, parent, .. } = reference;
        let mut statement = tx.connection.prepare(&format!(
            "SELECT {column}, count(*) FROM {table} WHERE {} GROUP BY {column}",
            reference.dangling()
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (missing, count): (i64, i64) = (row.get(0)?, row.get(1)?);
            let number = ScopeRows::owning(missing).row(missing);
            let detail = format!("{count} rows of {table} name {parent} {number}, which is not there");
            search.add(ProblemKind::Orphan, detail, (*parent == "entry").then_some((missing, None)));
        }
    }
    search.report.links = tx.connection.query_row("SELECT count(*) FROM link", [], |row| row.get(0))?;
    Ok(())
}

fn tags(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    search.report.tags = tx.connection.query_row("SELECT count(*) FROM tag", [], |row| row.get(0))?;
    // Tags that do not parse are reported as unreadable.
    const LISTED: &str =
        "json_each(CASE WHEN json_valid(entry.tags) THEN entry.tags ELSE '[]' END) AS listed";
    search.rows(
        tx,
        ProblemKind::Tags,
        &format!(
            "SELECT DISTINCT entry.id, 'the tag ' || json_quote(listed.value) || ' is not in the index'
             FROM entry, {LISTED} WHERE listed.type <> 'null' AND NOT EXISTS
                 (SELECT 1 FROM tag WHERE tag.tag = CAST(listed.value AS TEXT) AND tag.entry_id = entry.id)"
        ),
    )?;
    search.rows(
        tx,
        ProblemKind::Tags,
        &format!(
            "SELECT tag.entry_id, 'the index says ' || json_quote(tag.tag) || ', the entry does not'
             FROM tag JOIN entry ON entry.id = tag.entry_id WHERE NOT EXISTS
                 (SELECT 1 FROM {LISTED} WHERE CAST(listed.value AS TEXT) = tag.tag)"
        ),
    )
}

fn sources(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    for fault in sources::faults(&tx.connection)? {
        let entry = fault.entry.map(|row| (row, id_of(&tx.connection, row)));
        search.add(ProblemKind::Source, fault.detail, entry);
    }
    Ok(())
}

fn spaces(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    for fault in spaces::faults(&tx.connection)? {
        search.add(ProblemKind::Space, fault.detail, None);
    }
    Ok(())
}

fn vectors(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    let sql = format!("SELECT {VECTOR_COLUMNS}, {DIMENSIONS} FROM embedding");
    let mut statement = tx.connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let vector = VectorRow::read(row)?;
        search.report.vectors += 1;
        search.count.add(1)?;
        if let Some(fault) = vector.fault() {
            let id = id_of(&tx.connection, vector.entry);
            search.add(ProblemKind::Vector, fault, Some((vector.entry, id)));
        }
    }
    Ok(())
}

fn pending(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    // A file of an older version without a space marks no entry; a store that may write upgrades it.
    let condition = match schema::is_older(&tx.connection)? {
        true => "EXISTS (SELECT 1 FROM space WHERE state = 'active')",
        false => "1",
    };
    let sql = format!(
        "SELECT id, 'no vector in the active space, and not marked as pending' FROM entry
         WHERE {condition} AND {LACKS_PENDING_MARK}"
    );
    search.rows(tx, ProblemKind::Pending, &sql)
}

fn change_log(
    tx: &SqliteTx<'_, impl Deref<Target = Connection>>,
    search: &mut Search<'_>,
) -> Result<(), Error> {
    search.rows(
        tx,
        ProblemKind::ChangeLog,
        "SELECT id, 'the change log does not know the entry' FROM entry
         WHERE NOT EXISTS (SELECT 1 FROM change WHERE change.entry_id = entry.id)",
    )?;
    for detail in row_numbers::faults(&tx.connection)? {
        search.add(ProblemKind::ChangeLog, detail, None);
    }
    Ok(())
}

fn lost_scopes(
    tx: &SqliteTx<'_, impl Deref<Target = Connection>>,
    search: &mut Search<'_>,
) -> Result<(), Error> {
    let mut statement = tx.connection.prepare(scopes::LOST)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
        let detail = format!("{entries} entries are of scope {number}, which is not in the table of scopes");
        search.add(ProblemKind::Orphan, detail, None);
    }
    Ok(())
}

fn blocks(tx: &SqliteTx<'_, impl Deref<Target = Connection>>, search: &mut Search<'_>) -> Result<(), Error> {
    let memory = tx.reach.rows();
    for detail in tx.unusable_blocks()? {
        search.add(ProblemKind::Blocks, search.within(memory, detail), None);
    }
    if memory.number() > 0 {
        // The table of sqlite-vec is of the memory without a name.
        return Ok(());
    }
    let Some(space) = tx.active_space()? else { return Ok(()) };
    let Some(filled_to) = tx.index_position(space.id, vec0::KIND)? else { return Ok(()) };
    // A table whose difference to the log is unknown is not used.
    if let Changes::Entries { .. } = tx.changes_since(filled_to)? {
        for detail in vec0::faults(&tx.connection, &space, filled_to.number())? {
            search.add(ProblemKind::Blocks, detail, None);
        }
    }
    Ok(())
}

fn full_text(
    tx: &SqliteTx<'_, impl Deref<Target = Connection>>,
    search: &mut Search<'_>,
) -> Result<(), Error> {
    let mut differing = Vec::new();
    let compared = words::compare(tx, &mut search.count, |difference| differing.push(difference));
    for words::Difference { row, detail } in differing {
        let stored = row.map(|row| tx.stored(row));
        let detail = if stored.is_none() { search.within(tx.reach.rows(), detail) } else { detail };
        search.add(
            ProblemKind::FullText,
            detail,
            stored.map(|stored| (stored, id_of(&tx.connection, stored))),
        );
    }
    compared
}
