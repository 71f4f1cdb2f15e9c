//! Carrying what can still be read of a damaged file into a new one.

use crate::SqliteStore;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::raw_entry::RawEntry;
use super::row_faults::{self, REFERENCES, VECTOR_COLUMNS, VectorRow};
use super::table_scan::Scan;
use super::{file_header, row_numbers, sources, spaces};
use crate::engine::ScopeRows;
use crate::files::{io_error, refuse_special_path, with_suffix};
use crate::id::IdGenerator;
use crate::sqlite::reach::Numbered;
use crate::sqlite::schema::{self, LACKS_PENDING_MARK, objects};
use crate::sqlite::scopes;
use crate::sqlite::upkeep::{Progress, REPORT_EVERY, stop_if};
use crate::sqlite::words::rebuild;
use crate::staged_file::{self, StagedFile};
use crate::store::RepairedEntry;
use crate::{EntryId, Error, ErrorKind, SpaceState, SystemWallClock, WallClock};

/// What [`SqliteStore::salvage`](crate::SqliteStore::salvage) carried over, and what it could not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SalvageReport {
    /// Entries carried over.
    pub entries: u64,
    /// Those of them that had unreadable parts.
    pub repaired: Vec<RepairedEntry>,
    /// Entries that are lost, as far as their ids could be read from an index.
    pub lost: Vec<EntryId>,
    /// Ranges of row numbers in `entry` that could not be read; not every number need have been an entry.
    pub unreadable_rows: Vec<(i64, i64)>,
    /// Vectors carried over.
    pub vectors: u64,
    /// Vectors moved to the quarantine as unusable.
    pub quarantined: u64,
    /// Links carried over.
    pub links: u64,
    /// Entries marked as waiting for vectors, which theirs are lost.
    pub pending: u64,
    /// What could not be read, table by table.
    pub damage: Vec<String>,
}

impl SalvageReport {
    /// Whether everything was read, and read as it was.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.damage.is_empty()
            && self.unreadable_rows.is_empty()
            && self.lost.is_empty()
            && self.repaired.is_empty()
    }
}

impl SqliteStore {
    /// Reads what can be read of a damaged file, row by row around the damage, and writes it to a new file at
    /// `target`, which appears when it is whole. `source` is only copied from (it and its write-ahead log need
    /// the same space once more meanwhile). Close it first, in this process, too, which would lose its locks on the
    /// file; no other program should be using it. Words, tags and the change log are rebuilt. `progress` is called with
    /// entries (a total of 0: not known).
    ///
    /// Row numbers stay. Unreadable parts of an entry move to its `legacy`, as in [`SqliteStore::repair`](crate::SqliteStore::repair).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// # tx.commit()?;
    /// # let damaged = store.path().to_owned();
    /// # drop(store);
    /// let target = folder.path().join("salvaged.db");
    /// let report = SqliteStore::salvage(&damaged, &target, &mut |_, _| {}, None)?;
    /// assert_eq!((report.entries, report.is_complete()), (2, true));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] for the target; [`Error::NotADatabase`] or [`Error::Corrupt`] when not even
    /// the list of tables can be read; [`Error::Io`], [`Error::Full`], [`Error::Interrupted`]. There is no
    /// target then.
    pub fn salvage(
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<SalvageReport, Error> {
        let (source, target) = (source.as_ref(), target.as_ref());
        refuse_special_path(source)?;
        let file = StagedFile::database(target)?;
        let copy = copy_of(source, target)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let from = Connection::open_with_flags(copy.path(), flags)?;
        from.execute_batch(
            "PRAGMA cell_size_check = ON; PRAGMA writable_schema = ON; PRAGMA query_only = ON;",
        )
        .map_err(|error| damaged(error, source))?;
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'entry')";
        let ours: bool = from.query_row(sql, [], |row| row.get(0)).map_err(|error| damaged(error, source))?;
        if !ours {
            let found = "it has no table of entries that can be read".to_owned();
            return Err(Error::NotADatabase { path: source.to_owned(), found });
        }
        let to = Connection::open_with_flags(file.path(), flags)?;
        schema::create(&to)?;
        // References are repaired at the end.
        to.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN IMMEDIATE;")?;
        let mut salvage = Salvage {
            from: &from,
            to: &to,
            ids: IdGenerator::default(),
            now: SystemWallClock.now_ms(),
            dimensions: HashMap::new(),
            lowest: None,
            report: SalvageReport::default(),
        };
        salvage.scopes()?;
        salvage.spaces_and_meta()?;
        salvage.entries(progress, cancel)?;
        salvage.vectors(cancel)?;
        salvage.rest()?;
        let report = salvage.finish()?;
        to.execute_batch("COMMIT")?;
        staged_file::close(to, file.path())?;
        file.publish()?;
        Ok(report)
    }
}

/// Not even the list of tables can be read.
fn damaged(error: rusqlite::Error, source: &Path) -> Error {
    let error = match Error::from(error) {
        other if other.kind() == ErrorKind::Internal => Error::Corrupt { detail: other.to_string() },
        other => other,
    };
    error.at_path(source)
}

/// Whether the damaged file has the table, as far as its list of tables says so: older files lack some.
fn has_table(from: &Connection, name: &str) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    from.query_row(sql, [name], |row| row.get(0)).unwrap_or(true)
}

/// A copy of the damaged file, to be read without touching the original. It lies beside the target, where there is room.
fn copy_of(source: &Path, target: &Path) -> Result<StagedFile, Error> {
    let copy = StagedFile::scratch(target)?;
    fs::copy(source, copy.path()).map_err(io_error("copy", source))?;
    let log = with_suffix(source, "-wal");
    let has_log = fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0);
    if has_log {
        fs::copy(&log, with_suffix(copy.path(), "-wal")).map_err(io_error("copy", &log))?;
    }
    file_header::repair(copy.path(), has_log).map_err(io_error("write", copy.path()))?;
    Ok(copy)
}

/// A salvage under way.
struct Salvage<'a> {
    from: &'a Connection,
    to: &'a Connection,
    ids: IdGenerator,
    now: i64,
    dimensions: HashMap<i64, i64>,
    /// Where the row numbers of scopes begin, if there are some.
    lowest: Option<i64>,
    report: SalvageReport,
}

impl Salvage<'_> {
    /// Numbers that were given are counted again where they cannot be read.
    fn scopes(&mut self) -> Result<(), Error> {
        if !has_table(self.from, "scope") {
            return Ok(());
        }
        let columns = Numbered::ALL.map(|of| of.names().1).join(", ");
        let mut insert = self.to.prepare(&format!(
            "INSERT OR IGNORE INTO scope (number, name, {columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ))?;
        let mut lowest = None;
        let sql = format!("SELECT number, name, {columns} FROM scope ORDER BY number");
        let lost = Scan::new(self.from).all(&sql, &mut |row| {
            let Ok(Ok(rows)) = row.get::<_, i64>(0).map(ScopeRows::of) else { return Ok(()) };
            let given = |column| row.get_ref(column).map(|value| value.as_i64().unwrap_or_default().max(0));
            let name = match row.get_ref(1)? {
                // It was being removed.
                ValueRef::Null => None,
                name => {
                    Some(name.as_str().map_or_else(|_| format!("recovered-{}", rows.number()), str::to_owned))
                }
            };
            insert.execute((rows.number(), name, given(2)?, given(3)?, given(4)?, given(5)?))?;
            lowest = lowest.min(Some(rows.zero())).or(Some(rows.zero()));
            Ok(())
        })?;
        // Rows say themselves of which scope they are.
        self.lowest = if lost > 0 { Some(i64::MIN) } else { lowest };
        self.note("scope", lost);
        Ok(())
    }

    fn spaces_and_meta(&mut self) -> Result<(), Error> {
        let to = self.to;
        let mut statement = to.prepare(
            "INSERT OR IGNORE INTO space (id, fingerprint, dimensions, state, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let (from, dimensions) = (self.from, &mut self.dimensions);
        let sql = "SELECT id, fingerprint, dimensions, state, created_at FROM space ORDER BY id";
        let lost = Scan::new(self.from).all(sql, &mut |row| {
            let Ok(id) = row.get::<_, i64>(0) else { return Ok(()) };
            let fingerprint = String::from_utf8_lossy(row.get_ref(1)?.as_bytes().unwrap_or_default());
            // The vectors know better, where they can be read.
            let usual = spaces::usual_dimensions(from, id).ok().and_then(|usual| usual.dimensions);
            let stated = row.get_ref(2)?.as_i64().ok().and_then(row_faults::possible);
            let Some(count) = usual.or(stated).map(|count| count as i64) else { return Ok(()) };
            let state = row.get_ref(3)?.as_str().ok().and_then(spaces::state);
            let state = state.unwrap_or(SpaceState::Retired).name();
            let made = row.get_ref(4)?.as_i64().unwrap_or_default();
            if statement.execute((id, fingerprint, count, state, made))? == 1 {
                dimensions.insert(id, count);
            }
            Ok(())
        })?;
        self.note("space", lost);
        let mut statement = to.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)")?;
        let sql = "SELECT key, value FROM meta WHERE key GLOB 'legacy:*' OR key GLOB char(1) || '*/legacy:*' ORDER BY key";
        let lost = Scan::new(self.from).all(sql, &mut |row| {
            let value: rusqlite::types::Value = row.get(1)?;
            if let Ok(key) = row.get::<_, String>(0) {
                statement.execute((key, value))?;
            }
            Ok(())
        })?;
        self.note("meta", lost);
        Ok(())
    }

    fn entries(&mut self, progress: Progress<'_>, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let select = RawEntry::select_what_is_there(self.from).unwrap_or_else(|_| RawEntry::select());
        let bounds = ["SELECT seq FROM sqlite_sequence WHERE name = 'entry'", "SELECT max(id) FROM entry"];
        let mut scan = Scan::new(self.from);
        let (to, now, ids, report) = (self.to, self.now, &mut self.ids, &mut self.report);
        scan.rows(&select, "entry", "id", &bounds, self.lowest, &mut |row| {
            stop_if(cancel)?;
            let mut entry = RawEntry::read(row)?;
            if exists(to, "SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1)", [entry.row])? {
                return Ok(());
            }
            let fresh = ids.next(now)?;
            let mut columns: Vec<String> = entry.repair(fresh).into_iter().map(str::to_owned).collect();
            if exists(to, "SELECT EXISTS (SELECT 1 FROM entry WHERE ulid = ?1)", [entry.key()])? {
                entry.rename(fresh);
                columns.push("ulid".to_owned());
            }
            entry.insert(to)?;
            report.entries += 1;
            if report.entries.is_multiple_of(REPORT_EVERY) {
                progress(report.entries, 0);
            }
            if let Some(id) = entry.id().filter(|_| !columns.is_empty()) {
                report.repaired.push(RepairedEntry { id, columns });
            }
            Ok(())
        })?;
        progress(report.entries, 0);
        report.unreadable_rows = scan.unreadable;
        self.lost()
    }

    /// Entries that an index knows of and the table no longer gives.
    fn lost(&mut self) -> Result<(), Error> {
        let (to, lost) = (self.to, &mut self.report.lost);
        let sql = "SELECT ulid, id FROM entry INDEXED BY sqlite_autoindex_entry_1 ORDER BY ulid";
        // When the index is damaged, too, there is nothing to add to the row numbers.
        let _ = Scan::new(self.from).all(sql, &mut |row| {
            let number: i64 = row.get(1)?;
            let name = row.get_ref(0)?.as_str().ok().and_then(|key| ScopeRows::owning(number).name(key));
            if let Some(id) = name.and_then(|id| id.parse::<EntryId>().ok()) {
                let known = "SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1)";
                if !exists(to, known, [number])? && !lost.contains(&id) {
                    lost.push(id);
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn vectors(&mut self, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let select = format!("SELECT {VECTOR_COLUMNS}, NULL FROM embedding");
        let mut scan = Scan::new(self.from);
        let (to, now, dimensions, report) = (self.to, self.now, &self.dimensions, &mut self.report);
        let mut sound = to.prepare(
            "INSERT OR IGNORE INTO embedding (entry_id, space_id, role, chunk, start, end, digest, vector)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let mut aside = to.prepare(
            "INSERT INTO quarantine (entry_id, space_id, role, chunk, reason, vector, found_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let bounds = ["SELECT max(rowid) FROM embedding"];
        scan.rows(&select, "embedding", "rowid", &bounds, None, &mut |row| {
            stop_if(cancel)?;
            let mut vector = VectorRow::read(row)?;
            vector.dimensions = dimensions.get(&vector.space).copied();
            if !exists(to, "SELECT EXISTS (SELECT 1 FROM entry WHERE id = ?1)", [vector.entry])? {
                return Ok(());
            }
            let VectorRow { entry, space, role, chunk, start, end, digest, bytes, .. } = &vector;
            if let Some(reason) = vector.fault() {
                aside.execute((entry, space, role, chunk, reason, bytes, now))?;
                report.quarantined += 1;
            } else {
                let digest = digest.as_deref().unwrap_or_default();
                report.vectors +=
                    sound.execute((entry, space, role, chunk, start, end, digest, bytes))? as u64;
            }
            Ok(())
        })?;
        self.note("embedding", scan.unreadable.len() as u64);
        Ok(())
    }

    fn rest(&mut self) -> Result<(), Error> {
        // A trigger marked every entry that got no vector; which of them waited before is copied here.
        self.to.execute("DELETE FROM pending", [])?;
        // Older files lack the table.
        let tables = [
            ("link", "source_id, target_id, relation, reason, created_at", "source_id, target_id, relation"),
            ("quarantine", "entry_id, space_id, role, chunk, reason, vector, found_at", "id"),
            ("pending", "entry_id", "entry_id"),
            ("wordless", "entry_id, space_id", "entry_id, space_id"),
            ("source", "id, uri, stamp, digest, synced_at", "id"),
            ("section", "entry_id, source_id, number, path, line, digest, tags", "entry_id"),
            ("usage", "entry_id, last_used_at, uses", "entry_id"),
        ];
        const SINCE_VERSION_2: [&str; 4] = ["wordless", "source", "section", "usage"];
        for (table, columns, order) in tables {
            if SINCE_VERSION_2.contains(&table) && !has_table(self.from, table) {
                continue;
            }
            let count = columns.split(',').count();
            let marks = vec!["?"; count].join(", ");
            let mut insert =
                self.to.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"))?;
            let sql = format!("SELECT {columns} FROM {table} ORDER BY {order}");
            let lost = Scan::new(self.from).all(&sql, &mut |row| {
                let values: Vec<rusqlite::types::Value> =
                    (0..count).map(|column| row.get(column)).collect::<Result<_, _>>()?;
                insert.execute(rusqlite::params_from_iter(values))?;
                Ok(())
            })?;
            self.note(table, lost);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SalvageReport, Error> {
        scopes::restore_lost(self.to)?;
        self.renumber()?;
        spaces::repair(self.to)?;
        sources::repair(self.to)?;
        for reference in &REFERENCES {
            self.to.execute(&reference.removal(), [])?;
        }
        let sql = format!("INSERT INTO pending (entry_id) SELECT id FROM entry WHERE {LACKS_PENDING_MARK}");
        self.report.pending = self.to.execute(&sql, [])? as u64;
        let version = self.from.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        match version.is_ok_and(|version| (1..3).contains(&version)) {
            // The vectors of such a file are of other passages.
            true => rebuild::from_entries(self.to, &mut rebuild::mark_long_entries(self.to)?)?,
            false => rebuild::from_entries(self.to, &mut |_, _| Ok(()))?,
        }
        self.report.links = self.to.query_row("SELECT count(*) FROM link", [], |row| row.get(0))?;
        Ok(self.report)
    }

    /// Row numbers that cannot be, as in [`SqliteStore::repair`](crate::SqliteStore::repair). Their dependent rows were made by triggers, and are rebuilt.
    fn renumber(&mut self) -> Result<(), Error> {
        let impossible = row_numbers::impossible_rows(self.to)?;
        if impossible.is_empty() {
            return Ok(());
        }
        objects::drop_triggers(self.to)?;
        let given = row_numbers::renumber(self.to, &impossible)?;
        row_numbers::repair(self.to, 0)?;
        objects::restore(self.to, "trigger")?;
        for row in given.into_values() {
            let ulid: String =
                self.to.query_row("SELECT ulid FROM entry WHERE id = ?1", [row], |row| row.get(0))?;
            if let Ok(id) = ulid.parse() {
                self.report.repaired.push(RepairedEntry { id, columns: vec!["id".to_owned()] });
            }
        }
        Ok(())
    }

    fn note(&mut self, table: &str, gaps: u64) {
        if gaps > 0 {
            self.report.damage.push(format!("{table}: {gaps} gaps that could not be read"));
        }
    }
}

fn exists(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<bool, Error> {
    Ok(connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0))?)
}
