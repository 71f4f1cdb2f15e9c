//! Migration: the old file is kept, the new one stands in its place, nothing else is left.

use std::fs;
use std::path::Path;

use rekall_core::legacy::{self, LegacyImportOptions};
use rekall_core::{Error, SqliteStore, Store, StoreOptions};
use rusqlite::Connection;

use crate::imports::with_log;
use crate::support::*;

/// Names in a folder but for those SQLite keeps beside an open file.
fn names(folder: &Path) -> Vec<String> {
    snapshot(folder).into_keys().filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal")).collect()
}

#[test]
fn a_legacy_file_is_refused_unless_migration_is_asked_for() {
    let (folder, path) = copy_of("v12-centrality");
    let before = snapshot(folder.path());
    let mut read_only = migrating();
    read_only.read_only = true;
    for options in [StoreOptions::default(), read_only] {
        let error = SqliteStore::open(&path, &options).unwrap_err();
        assert!(matches!(error, Error::LegacyFile { schema: 12, .. }), "{error}");
        assert_eq!(snapshot(folder.path()), before);
    }
}

#[test]
fn each_file_is_migrated_with_a_backup() {
    for (name, schema) in FILES {
        let (folder, path) = copy_of(name);
        let original = fs::read(&path).unwrap();
        let report = legacy::migrate(&path, LegacyImportOptions::default()).unwrap();
        assert_eq!((report.entries, report.legacy_schema), (123, schema));
        let backup = report.backup.unwrap();
        assert_eq!(fs::read(&backup).unwrap(), original);
        let backup_name = backup.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(backup_name.starts_with("knowledge.db.bak-legacy-"));
        assert_eq!(names(folder.path()), ["knowledge.db".to_owned(), backup_name]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }

        // From now on it is an ordinary file.
        let migrated = fs::read(&path).unwrap();
        let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
        assert_eq!(store.read().unwrap().stats().unwrap().entries, 123);
        drop(store);
        drop(SqliteStore::open(&path, &migrating()).unwrap());
        assert_eq!(fs::read(&path).unwrap(), migrated);
        let error = legacy::migrate(&path, LegacyImportOptions::default()).unwrap_err();
        assert!(matches!(error, Error::NotALegacyFile { .. }), "{error}");
        // The backup is a good legacy file itself.
        assert_eq!(legacy::probe(&backup).unwrap().entries, 123);
    }
}

#[test]
fn opening_migrates_when_asked_to() {
    let (folder, path) = copy_of("v11");
    let store = SqliteStore::open(&path, &migrating()).unwrap();
    assert_eq!(store.read().unwrap().stats().unwrap().entries, 123);
    drop(store);
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn another_file_of_the_backups_name_is_not_overwritten() {
    let (folder, path) = copy_of("v7");
    let original = fs::read(&path).unwrap();
    let first = legacy::migrate(&path, LegacyImportOptions::default()).unwrap().backup.unwrap();
    // The same file again: its backup is there already.
    fs::write(&path, &original).unwrap();
    assert_eq!(legacy::migrate(&path, LegacyImportOptions::default()).unwrap().backup.unwrap(), first);
    // Somebody else's file under that name stays.
    fs::write(&first, "precious").unwrap();
    fs::write(&path, &original).unwrap();
    let second = legacy::migrate(&path, LegacyImportOptions::default()).unwrap().backup.unwrap();
    assert_ne!(second, first);
    assert_eq!(fs::read(&first).unwrap(), b"precious");
    assert_eq!(fs::read(&second).unwrap(), original);
    assert_eq!(names(folder.path()).len(), 3);
}

#[test]
fn the_log_of_a_killed_program_is_taken_along_and_does_not_reach_the_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_log("v12-head", folder.path());
    let before = snapshot(folder.path());
    let report = legacy::migrate(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!(report.entries, 124);
    let backup = report.backup.unwrap();
    assert_eq!(fs::read(&backup).unwrap(), before["knowledge.db"]);
    let log = format!("{}-wal", backup.display());
    assert_eq!(fs::read(log).unwrap(), before["knowledge.db-wal"]);
    assert!(!snapshot(folder.path()).contains_key("knowledge.db-wal"));
    let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
    assert_eq!(store.read().unwrap().stats().unwrap().entries, 124);
    assert_eq!(legacy::probe(&backup).unwrap().entries, 124);
}

/// A moment of the migration above: the file stands alone already, its log is still beside it.
#[test]
fn a_file_that_stands_alone_is_the_same_beside_its_old_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_log("v12-head", folder.path());
    let log = fs::read(folder.path().join("knowledge.db-wal")).unwrap();
    Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    fs::write(folder.path().join("knowledge.db-wal"), log).unwrap();
    assert_eq!(legacy::probe(&path).unwrap().entries, 124);
    let report = legacy::migrate(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!((report.entries, report.vectors, report.links), (124, 159, 36));
}

#[test]
fn a_file_that_a_program_has_open_is_refused() {
    let (folder, path) = copy_of("v12-head");
    let program = Connection::open(&path).unwrap();
    let count = |program: &Connection| -> i64 {
        program.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&program), 123);
    let original = fs::read(&path).unwrap();
    for written in [false, true] {
        if written {
            program.execute("UPDATE entries SET title = title || '!'", []).unwrap();
        }
        let before = snapshot(folder.path());
        let error = legacy::migrate(&path, LegacyImportOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error}");
        assert!(error.to_string().contains("another program has"), "{error}");
        assert_eq!(snapshot(folder.path()), before);
        assert_eq!(fs::read(&path).unwrap(), original);
    }
    // It goes on undisturbed, and when it is gone the way is free.
    program.execute("DELETE FROM links", []).unwrap();
    program.close().unwrap();
    let report = legacy::migrate(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!((report.entries, report.links), (123, 0));
}

#[test]
fn what_a_killed_migration_left_is_cleared_away() {
    let (folder, path) = copy_of("v7");
    fs::create_dir(folder.path().join("knowledge.db.migrating")).unwrap();
    fs::write(folder.path().join("knowledge.db.migrating/new.db"), "half").unwrap();
    fs::write(folder.path().join("knowledge.db.migrate-lock"), "").unwrap();
    drop(SqliteStore::open(&path, &migrating()).unwrap());
    assert_eq!(names(folder.path()).len(), 2);
    // Killed behind the last step: the file is new, the rest is still there.
    fs::create_dir(folder.path().join("knowledge.db.migrating")).unwrap();
    fs::write(folder.path().join("knowledge.db.migrate-lock"), "").unwrap();
    drop(SqliteStore::open(&path, &migrating()).unwrap());
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn threads_that_migrate_at_once_get_one_migration() {
    let (folder, path) = copy_of("v7");
    let options = migrating();
    std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..4).map(|_| scope.spawn(|| SqliteStore::open(&path, &options).map(drop))).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(names(folder.path()).len(), 2);
    let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
    assert_eq!(store.read().unwrap().stats().unwrap().entries, 123);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_stays_a_link() {
    let (folder, path) = copy_of("v7");
    let link = folder.path().join("alias.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    legacy::migrate(&link, LegacyImportOptions::default()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        SqliteStore::open(&path, &StoreOptions::default()).unwrap().read().unwrap().stats().unwrap().entries,
        123
    );
}

#[test]
fn a_stopped_migration_leaves_the_file_and_its_backup() {
    let (folder, path) = copy_of("v7");
    let original = fs::read(&path).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(true);
    let error = legacy::migrate(&path, LegacyImportOptions::default().cancel(&stop)).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(fs::read(&path).unwrap(), original);
    assert!(names(folder.path()).iter().all(|name| name == "knowledge.db" || name.contains(".bak-legacy-")));
}
