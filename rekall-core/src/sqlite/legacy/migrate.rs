//! Putting a new file in the place of a legacy one.
//!
//! Everything is prepared in a folder beside the file, `NAME.migrating`; the last step is a rename. Killed at any
//! moment, the process leaves either the legacy file or the new one, whole, and the next migration
//! clears away what else it left.
//!
//! 1. Take the lock (`NAME.migrate-lock`), clear away what a killed migration left.
//! 2. Copy the file, with a `-wal` or `-journal` beside it, to `NAME.bak-legacy-DIGEST`, never over another file.
//!    The digest is that of the bytes: a migration that is tried again makes no second backup.
//! 3. Build the new file, check it, press it onto the disk.
//! 4. If there is a `-wal` or `-journal`: it must not meet the new file, which it would be applied to, nor may it be
//!    missing from the legacy one. So put a legacy file that needs it no longer in the place of the one that
//!    does (applied to this one, it changes nothing), and only then remove it.
//! 5. Rename the new file into place.
//!
//! A legacy file that another program has open is refused: that program would go on writing to a file that
//! is no longer there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::lock::{MigrationLock, lock_path};
use super::source::{COMPANIONS, Source, copy_file};
use super::{LegacyFile, LegacyImportOptions, LegacyImportReport, probe, write};
use crate::files::{create_private_folder, io_error, sync_folder, with_suffix};
use crate::sqlite::connection::{Examined, connect};
use crate::sqlite::schema::{self, FileFormat};
use crate::staged_file;
use crate::{Error, SqliteStore, StoreOptions};

/// Puts a rekall file in the place of a file of the Python tool, with all that is in it, and leaves the old
/// one beside it ([`LegacyImportReport::backup`]). Atomic, and safe to be killed at any moment.
///
/// Costs an import, room for two copies, and an `fsync` of each. The new file has mode 0600.
///
/// ```no_run
/// use rekall_core::legacy::{self, LegacyImportOptions};
///
/// let report = legacy::migrate("knowledge.db", LegacyImportOptions::default())?;
/// println!("{} entries; the old file is {:?}", report.entries, report.backup);
/// # Ok::<(), rekall_core::Error>(())
/// ```
///
/// # Errors
/// Those of [`SqliteStore::import_legacy`](crate::SqliteStore::import_legacy); [`Error::Busy`] when another program has the file open, changes it
/// meanwhile, or migrates it. The file is as it was then.
pub fn migrate(
    path: impl AsRef<Path>,
    options: LegacyImportOptions<'_>,
) -> Result<LegacyImportReport, Error> {
    let path = path.as_ref();
    super::probe(path)?;
    run(path, &StoreOptions::default(), options)?.ok_or_else(|| probe::is_ours(path))
}

/// What opening a store does first: says what stands at `path` if that is no rekall file, and migrates it
/// when the options say so. `application_id` is that in the file's header.
pub(crate) fn migrate_for_open(
    path: &Path,
    application_id: i64,
    options: &StoreOptions,
) -> Result<(), Error> {
    let may_write = options.migrate && !options.read_only;
    if application_id == schema::APPLICATION_ID {
        // The last migration may have been killed after its last step.
        if may_write && lock_path(path).exists() {
            drop(Work::begin(path, options.busy_timeout)?);
        }
        return Ok(());
    }
    let schema = match super::probe(path) {
        Ok(file) => file.schema,
        // Not ours either, then, and not to be opened in the ordinary way, which leaves traces.
        Err(Error::NotALegacyFile { path, found }) => return Err(Error::NotADatabase { path, found }),
        Err(error) => return Err(error),
    };
    if !may_write {
        return Err(Error::LegacyFile { path: path.to_owned(), schema });
    }
    if let Some(report) = run(path, options, LegacyImportOptions::default())? {
        tracing::info!(
            entries = report.entries,
            quarantined = report.quarantined,
            backup = ?report.backup,
            "migrated a legacy file"
        );
    }
    Ok(())
}

/// `None` when another process migrated the file meanwhile.
fn run(
    path: &Path,
    options: &StoreOptions,
    import: LegacyImportOptions<'_>,
) -> Result<Option<LegacyImportReport>, Error> {
    // Through a symbolic link: the file is replaced, not the link.
    let path = &fs::canonicalize(path).map_err(io_error("open", path))?;
    let work = Work::begin(path, options.busy_timeout)?;
    let source = match super::open(path, &work.folder) {
        Err(Error::NotALegacyFile { .. }) => return Ok(None),
        source => source?,
    };
    let file = match probe::examine(&source.connection, path) {
        Ok((file, _)) => file,
        Err(Error::NotALegacyFile { .. }) => return Ok(None),
        Err(error) => return Err(error.at_path(path)),
    };
    nobody_else(path, &source)?;

    let backup = back_up(path, &source, &work)?;
    let new = work.folder.join("new.db");
    let new_options = StoreOptions { migrate: false, create: true, read_only: false, ..options.clone() };
    let store = SqliteStore::open_examined(Examined::at(&new, false)?, &new_options)?;
    let mut report = write::import(&store, &source, import)?;
    drop(store);
    staged_file::close(connect(&new, false)?, &new)?;
    verify(&new, &file, &report)?;
    File::options()
        .write(true)
        .open(&new)
        .and_then(|file| file.sync_all())
        .map_err(io_error("sync", &new))?;

    source.unchanged()?;
    nobody_else(path, &source)?;
    if let Some(copy) = source.into_copy() {
        rename(&copy.file(), path)?;
    }
    for suffix in COMPANIONS.into_iter().chain(["-shm"]) {
        remove_if_there(&with_suffix(path, suffix))?;
    }
    sync_folder(path)?;
    rename(&new, path)?;
    report.backup = Some(backup);
    Ok(Some(report))
}

/// The lock and the folder of one migration; both go when it is dropped.
#[derive(Debug)]
struct Work {
    folder: PathBuf,
    /// Dropped after the folder was removed.
    _lock: MigrationLock,
}

impl Work {
    fn begin(path: &Path, timeout: Duration) -> Result<Self, Error> {
        let lock = MigrationLock::take(path, timeout)?;
        let folder = with_suffix(path, ".migrating");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &folder)(error));
            }
            _ => {}
        }
        create_private_folder(&folder).map_err(io_error("create", &folder))?;
        Ok(Self { folder, _lock: lock })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be removed now is by the next migration.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Refuses a file that another connection has open, as far as that shows: in WAL mode it does, and the
/// `-wal` file is there then. Changes nothing on the disk.
fn nobody_else(path: &Path, source: &Source) -> Result<(), Error> {
    if !source.stamp().has_wal() {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // In this mode the log's index is kept in memory, and opening it takes the whole file's lock.
    match connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK;") {
        Ok(()) => connection.close().map_err(|(_, error)| Error::from(error)),
        Err(error) => match Error::from(error) {
            Error::Busy { .. } => {
                Err(Error::Busy { detail: format!("another program has {} open", path.display()) })
            }
            other => Err(other.at_path(path)),
        },
    }
}

/// Copies the file and its companions to a name that says what it is; gives that of the file.
fn back_up(path: &Path, source: &Source, work: &Work) -> Result<PathBuf, Error> {
    let draft = work.folder.join("backup");
    let mut parts = vec![""];
    parts.extend(source.stamp().companions());
    let mut hasher = blake3::Hasher::new();
    for part in &parts {
        let copy = with_suffix(&draft, part);
        copy_file(&with_suffix(path, part), &copy)?;
        File::open(&copy)
            .and_then(|file| hasher.update_reader(file).map(drop))
            .map_err(io_error("read", &copy))?;
    }
    source.unchanged()?;
    let digest = &hasher.finalize().to_hex()[..16];
    // The file comes last: where it is, its companions are.
    parts.reverse();
    let mut number = 1;
    loop {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let name = with_suffix(path, &format!(".bak-legacy-{digest}{again}"));
        let mut placed = true;
        for part in &parts {
            placed &= place(&with_suffix(&draft, part), &with_suffix(&name, part))?;
        }
        if placed {
            sync_folder(path)?;
            return Ok(name);
        }
        number += 1;
    }
}

/// Gives `from` the name `to`, unless that is another file's; says whether `to` now has its bytes.
fn place(from: &Path, to: &Path) -> Result<bool, Error> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => same_bytes(from, to),
        // Some file systems have no hard links.
        Err(_) if !to.exists() => copy_file(from, to).map(|()| true),
        Err(_) => same_bytes(from, to),
    }
}

fn same_bytes(a: &Path, b: &Path) -> Result<bool, Error> {
    let digest = |path: &Path| {
        let mut hasher = blake3::Hasher::new();
        File::open(path)
            .and_then(|file| hasher.update_reader(file).map(|hasher| hasher.finalize()))
            .map_err(io_error("read", path))
    };
    Ok(digest(a)? == digest(b)?)
}

/// Checks that the new file is sound and holds what it should.
fn verify(draft: &Path, file: &LegacyFile, report: &LegacyImportReport) -> Result<(), Error> {
    let wrong = |detail: String| Error::Corrupt { detail: format!("the migrated file is wrong: {detail}") };
    let connection = crate::sqlite::connection::open_immutable(draft)?;
    if schema::identify(&connection)? != FileFormat::Current {
        return Err(wrong("no rekall file".to_owned()));
    }
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(wrong(found));
    }
    if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(wrong("a reference to nothing".to_owned()));
    }
    let unmapped = |table: &str| report.unmapped_rows.get(table).copied().unwrap_or(0);
    let expected = [
        ("entry", report.entries),
        ("entry", file.entries),
        ("tag", report.tags),
        ("link", report.links),
        ("embedding", report.vectors),
        ("quarantine", report.quarantined),
    ];
    for (table, expected) in expected {
        let sql = format!("SELECT count(*) FROM {table}");
        let found: u64 = connection.query_row(&sql, [], |row| row.get(0))?;
        if found != expected {
            return Err(wrong(format!("expected {expected} rows of {table}, got {found}")));
        }
    }
    let vectors = report.vectors + report.quarantined + unmapped("embeddings");
    if vectors != file.vectors {
        return Err(wrong(format!("expected {} vectors, got {vectors}", file.vectors)));
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(io_error("replace", to))?;
    sync_folder(to)
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}
