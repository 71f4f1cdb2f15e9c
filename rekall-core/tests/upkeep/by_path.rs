//! Check, repair and salvage of files that cannot be opened.

use std::path::Path;

use rekall_core::{CheckReport, Error, ProblemKind, SqliteStore, Store, StoreOptions};

use crate::upkeep_common::*;

/// Runs SQL that this library never would.
fn meddle(path: &Path, sql: &str) {
    let foreign = rusqlite::Connection::open(path).unwrap();
    foreign.execute_batch(&format!("PRAGMA writable_schema = ON; {sql}")).unwrap();
}

fn check(path: &Path) -> CheckReport {
    SqliteStore::check_file(path, &mut |_, _| {}, None).unwrap()
}

fn refused(path: &Path) -> String {
    match SqliteStore::open(path, &StoreOptions::default()) {
        Err(Error::Corrupt { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_file_needs_no_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 20));
    let report = check(&path);
    assert!(report.is_clean() && report.entries == 20, "{report:?}");
    let repaired = SqliteStore::repair_file(&path, &mut |_, _| {}, None).unwrap();
    assert_eq!(repaired, Default::default());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let stopped = SqliteStore::check_file(&path, &mut |_, _| {}, Some(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
}

#[test]
fn triggers_and_indexes_that_cannot_be_parsed_are_put_back() {
    for (sort, name) in [("trigger", "entry_insert"), ("index", "entry_facets")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(filled(&path, 20));
        let name = name_like(&path, sort, name);
        meddle(&path, &format!("UPDATE sqlite_schema SET sql = 'CREATE nonsense (' WHERE name = '{name}'"));
        let detail = refused(&path);
        let before = std::fs::read(&path).unwrap();
        let report = check(&path);
        assert_eq!(report.problems[0].kind, ProblemKind::File);
        assert_eq!(report.problems[0].detail, detail);
        assert_eq!(report.entries, 20, "what can be looked at is: {report:?}");
        assert!(std::fs::read(&path).unwrap() == before, "check changes nothing");

        SqliteStore::repair_file(&path, &mut |_, _| {}, None).unwrap();
        let store = open(&path);
        assert_clean(&store);
        assert_eq!(entries(&store).len(), 20);
        let mut tx = store.write().unwrap();
        insert(&mut *tx, &[(id(21), 21)]).unwrap();
        tx.commit().unwrap();
        assert_clean(&store);
    }
}

/// The first of that sort whose name begins so.
fn name_like(path: &Path, sort: &str, start: &str) -> String {
    let foreign = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = ?1 AND name LIKE ?2 || '%' ORDER BY name LIMIT 1";
    foreign.query_row(sql, [sort, start], |row| row.get(0)).unwrap()
}

#[test]
fn what_cannot_be_repaired_in_place_is_salvaged() {
    let (mut table, mut header) = (false, false);
    for damage in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(filled(&path, 20));
        if damage == 0 {
            meddle(&path, "UPDATE sqlite_schema SET sql = 'CREATE nonsense (' WHERE name = 'tag'");
            table = true;
        } else {
            let mut bytes = std::fs::read(&path).unwrap();
            // A page size that no file has.
            bytes[16..18].copy_from_slice(&[0x1F, 0xFF]);
            std::fs::write(&path, bytes).unwrap();
            header = true;
        }
        let detail = refused(&path);
        let report = check(&path);
        assert!(report.found >= 1 && report.problems[0].detail == detail, "{report:?}");
        let repaired = SqliteStore::repair_file(&path, &mut |_, _| {}, None);
        assert!(
            matches!(&repaired, Err(Error::Corrupt { detail }) if detail.contains("salvage")),
            "{repaired:?}"
        );
        let target = folder.path().join("b.db");
        let salvaged = SqliteStore::salvage(&path, &target, &mut |_, _| {}, None).unwrap();
        assert_eq!(salvaged.entries, 20);
        assert_clean(&open(&target));
    }
    assert!(table && header);
}
