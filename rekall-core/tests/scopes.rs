//! Scopes of a file: what other programs write, upkeep of the whole file, and how they are made and removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod upkeep_common;

use std::path::Path;
use std::sync::Arc;

use rekall_core::testing::{open_scope, scope};
use rekall_core::{
    Error, Filter, JsonlExportOptions, ProblemKind, SqliteStore, Store, StoreOptions, TextDigest, TextQuery,
};
use rusqlite::Connection;
use upkeep_common::*;

const SCOPES: [&str; 3] = ["one", "two", "three"];

/// Notes in the memory without a name, and in scopes beside it, with sources and codes of an index.
fn crowded(path: &Path) -> (SqliteStore, Vec<Arc<dyn Store>>) {
    let store = filled(path, 30);
    let scopes: Vec<Arc<dyn Store>> = SCOPES.iter().map(|name| open_scope(&store, name)).collect();
    for (memory, first) in scopes.iter().map(|scope| &**scope).zip(1..).chain([(&store as &dyn Store, 0)]) {
        let mut tx = memory.write().unwrap();
        if first > 0 {
            let notes: Vec<_> = (1..=270).map(|number| (id(number), 1_000 * first + number)).collect();
            insert(&mut *tx, &notes).unwrap();
        }
        let source = tx.put_source("file:///notes.md", Some("stamp"), TextDigest::unknown()).unwrap();
        let digest = TextDigest::unknown();
        let place = rekall_core::NewPlace { source, number: 0, path: &[], line: None, digest, tags: &[] };
        tx.place_section(1, &place).unwrap();
        tx.link(id(1), id(2), &rekall_core::Relation::from("related"), None).unwrap();
        tx.commit().unwrap();
    }
    (store, scopes)
}

fn told(store: &dyn Store) -> String {
    let mut lines = Vec::new();
    store
        .transfer()
        .unwrap()
        .export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| {}, None)
        .unwrap();
    String::from_utf8(lines).unwrap()
}

/// What each memory of a file says.
fn all_told(store: &SqliteStore) -> Vec<String> {
    let names = store.scopes().unwrap().list().unwrap();
    let scopes = names.iter().map(|name| told(&*open_scope(store, name.as_str())));
    std::iter::once(told(store)).chain(scopes).collect()
}

fn raw(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;").unwrap();
    connection.execute_batch(sql).unwrap();
}

fn count(path: &Path, what: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {what}");
    Connection::open(path).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_number_of_a_space_that_came_with_an_import_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 1);
    let scope = open_scope(&store, "one");
    let header = r#"{"format":"rekall","version":1,"entries":0,"spaces":[
        {"number":7,"fingerprint":"m","dimensions":2,"state":"retired","created_at":1}],"meta":[]}"#;
    let mut line = header.replace('\n', "");
    line.push('\n');
    let options = rekall_core::JsonlImportOptions::default();
    let transfer = scope.transfer().unwrap();
    transfer.import_jsonl(&mut line.as_bytes(), &options, &mut |_, _| {}, None).unwrap();
    let mut tx = scope.write().unwrap();
    assert_eq!(tx.spaces().unwrap()[0].id.0, 7);
    tx.drop_space(rekall_core::SpaceId(7)).unwrap();
    assert_eq!(tx.ensure_active_space("another", 2).unwrap().id.0, 8);
}

/// Also where the tables hold rows of scopes alone, of which SQLite would count on.
#[test]
fn what_another_program_inserts_without_a_number_is_in_the_memory_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, scopes) = crowded(&path);
    let mut tx = store.write().unwrap();
    tx.delete_all().unwrap();
    let source = tx.source("file:///notes.md").unwrap().unwrap().number;
    tx.delete_source(source).unwrap();
    tx.commit().unwrap();
    let before: Vec<String> = scopes.iter().map(|scope| told(&**scope)).collect();
    raw(
        &path,
        "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'by hand', 0, 0);
         INSERT INTO source (uri, synced_at) VALUES ('note:1', 0), ('note:2', 0);
         INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('by hand', 2, 'retired', 0);",
    );
    let tx = store.read().unwrap();
    assert_eq!(tx.list(&Filter::new(), None, 9).unwrap()[0].title, "by hand");
    assert_eq!(tx.search_words(&TextQuery::new("hand"), &Filter::new(), 9).unwrap().len(), 1);
    let sources: Vec<_> =
        tx.sources("").unwrap().into_iter().map(|source| (source.number, source.uri)).collect();
    assert_eq!(sources, [(1, "note:1".to_owned()), (2, "note:2".to_owned())]);
    assert_eq!(tx.spaces().unwrap().len(), 2);
    drop(tx);
    assert_eq!(scopes.iter().map(|scope| told(&**scope)).collect::<Vec<_>>(), before);
    assert_clean(&store);
    // And the library's own.
    let mut tx = store.write().unwrap();
    assert_eq!(tx.put_source("note:3", None, TextDigest::unknown()).unwrap(), 3);
    let error = tx.put_source("\u{1}1/file:///notes.md", None, TextDigest::unknown()).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
}

#[test]
fn numbers_are_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_store, scopes) = crowded(&folder.path().join("a.db"));
    let mut tx = scopes[0].write().unwrap();
    tx.delete_all().unwrap();
    insert(&mut *tx, &[(id(1), 1)]).unwrap();
    assert_eq!(tx.row_of(id(1)).unwrap(), 271);
    tx.commit().unwrap();
}

#[test]
fn upkeep_of_the_file_leaves_every_memory_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, scopes) = crowded(&path);
    let before = all_told(&store);
    assert_eq!(before.len(), 4);
    assert_clean(&store);
    store.compact().unwrap();
    assert_eq!(count(&path, "word_segment"), 4, "the words of each are in one segment");
    assert_eq!((all_told(&store), count(&path, "word_pending")), (before.clone(), 0));
    assert_clean(&store);
    for (scoped, first) in scopes.iter().zip(1..) {
        let tx = scoped.read().unwrap();
        let found = |word: String| tx.search_words(&TextQuery::new(&word), &Filter::new(), 9).unwrap().len();
        assert_eq!((found(word(1_000 * first + 7)), found(word(7))), (1, 0));
    }
    let copy = folder.path().join("copy.db");
    store.backup(&copy, &mut |_, _| {}, None).unwrap();
    assert_eq!(all_told(&open(&copy)), before);
    drop((store, scopes));
    let salvaged = folder.path().join("salvaged.db");
    let report = SqliteStore::salvage(&path, &salvaged, &mut |_, _| {}, None).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(report.entries, 30 + 3 * 270);
    let salvaged = open(&salvaged);
    assert_eq!(all_told(&salvaged), before);
    assert_clean(&salvaged);
    // Numbers go on after those that were given.
    let one = open_scope(&salvaged, "one");
    let mut tx = one.write().unwrap();
    insert(&mut *tx, &[(id(999), 1)]).unwrap();
    assert_eq!(tx.row_of(id(999)).unwrap(), 271);
}

#[test]
fn damage_in_a_scope_is_reported_by_its_name_and_repaired() {
    for (damage, kind) in [
        (
            "UPDATE entry SET created_at = 'yesterday' WHERE id & 4294967295 = 7 AND id >> 32 = -2",
            ProblemKind::Unreadable,
        ),
        (
            "UPDATE entry SET ulid = 'no id' WHERE id & 4294967295 = 7 AND id >> 32 = -2",
            ProblemKind::Unreadable,
        ),
        (
            "UPDATE entry SET ulid = 'x' || ulid WHERE id & 4294967295 = 7 AND id >> 32 = -2",
            ProblemKind::Unreadable,
        ),
        (
            "UPDATE embedding SET vector = x'00' WHERE entry_id & 4294967295 = 7 AND entry_id >> 32 = -2",
            ProblemKind::Vector,
        ),
        ("DELETE FROM tag WHERE entry_id & 4294967295 = 7 AND entry_id >> 32 = -2", ProblemKind::Tags),
        (
            "DELETE FROM change WHERE entry_id & 4294967295 = 7 AND entry_id >> 32 = -2",
            ProblemKind::ChangeLog,
        ),
        ("DELETE FROM word_page WHERE segment_id >> 32 = -2", ProblemKind::FullText),
        ("INSERT INTO usage VALUES (-8589934592 + 7, 'when', 1)", ProblemKind::Source),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (store, scopes) = crowded(&path);
        let before: Vec<String> = [0, 1, 3].map(|at| all_told(&store)[at].clone()).into();
        raw(&path, &format!("DROP TRIGGER entry_updated; {damage}"));
        let report = store.check().unwrap();
        let problem = report.problems.iter().find(|problem| problem.kind == kind);
        let problem = problem.unwrap_or_else(|| panic!("{damage}: {report:#?}"));
        assert!(problem.detail.contains("scope \"two\""), "{damage}: {problem:?}");
        assert!(problem.row.is_none_or(|row| row == 7), "{damage}: {problem:?}");
        let report = store.repair().unwrap();
        assert_clean(&store);
        // In the order of names: three, two.
        let after = all_told(&store);
        assert_eq!(
            [0, 1, 2].map(|at| after[at].clone()).to_vec(),
            {
                let mut expected = before.clone();
                expected[2].clone_from(&after[2]);
                expected
            },
            "{damage}"
        );
        assert_eq!(scopes[1].read().unwrap().count_entries().unwrap(), 270, "{damage}: {report:?}");
    }
}

#[test]
fn a_lost_table_of_scopes_gives_nothing_away_and_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, scopes) = crowded(&path);
    let before = all_told(&store);
    raw(&path, "DELETE FROM scope");
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 30);
    assert_eq!(told(&store), before[0]);
    assert!(matches!(scopes[0].read(), Err(Error::ScopeNotFound { .. })));
    let report = store.check().unwrap();
    assert!(
        report.problems.iter().any(|problem| problem.detail.contains("scope 2, which is not in the table")),
        "{report:#?}"
    );
    store.repair().unwrap();
    assert_clean(&store);
    assert_eq!(told(&store), before[0]);
    for (number, name) in (1..).zip(SCOPES) {
        let at = 1 + ["one", "three", "two"].iter().position(|other| *other == name).unwrap();
        assert_eq!(
            told(&*open_scope(&store, &format!("recovered-{number}"))),
            before[at].replace("\"stamp\"", "null")
        );
    }
}

#[test]
fn what_is_left_of_a_removal_goes_with_the_next_upkeep() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, scopes) = crowded(&path);
    let before = all_told(&store);
    // As a process leaves it that is killed at once.
    raw(&path, "UPDATE scope SET name = NULL WHERE name = 'two'");
    assert!(matches!(scopes[1].read(), Err(Error::ScopeNotFound { .. })));
    assert_eq!(store.scopes().unwrap().list().unwrap(), [scope("one"), scope("three")]);
    assert_clean(&store);
    store.compact().unwrap();
    for table in ["entry", "space", "source", "word_segment"] {
        assert_eq!(count(&path, &format!("{table} WHERE id >> 32 = -2")), 0, "{table}");
    }
    for table in ["change", "tag", "embedding", "pending", "section", "usage", "word_pending", "wordless"] {
        assert_eq!(count(&path, &format!("{table} WHERE entry_id >> 32 = -2")), 0, "{table}");
    }
    assert_eq!(count(&path, "scope"), 2);
    assert_eq!(all_told(&store), before[..3]);
    assert_clean(&store);
    // Its number is not given again.
    drop(open_scope(&store, "two"));
    assert_eq!(count(&path, "scope WHERE number = 4 AND name = 'two'"), 1);
}

#[test]
fn a_scope_is_made_only_by_who_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, scopes) = crowded(&path);
    let before = all_told(&store);
    drop((store, scopes));
    let mut existing = StoreOptions::default();
    existing.create = false;
    for options in [read_only(), existing] {
        let store = SqliteStore::open(&path, &options).unwrap();
        let error = store.scopes().unwrap().open(&scope("new")).unwrap_err();
        assert!(matches!(error, Error::ScopeNotFound { .. }), "{error}");
        assert_eq!(all_told(&store), before);
    }
    let error =
        SqliteStore::open(&path, &read_only()).unwrap().scopes().unwrap().remove(&scope("one")).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}

/// Whoever makes it: one wins, and all have the same.
#[test]
fn many_may_make_a_scope_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path));
    std::thread::scope(|threads| {
        for number in 1..=6 {
            let path = &path;
            threads.spawn(move || {
                let scoped = open_scope(&open(path), "shared");
                let mut tx = scoped.write().unwrap();
                insert(&mut *tx, &[(id(number), number)]).unwrap();
                tx.commit().unwrap();
            });
        }
    });
    assert_eq!(open_scope(&open(&path), "shared").read().unwrap().count_entries().unwrap(), 6);
}

/// With secure deletion, texts, words and vectors of a scope leave the file; those of others stay searchable.
#[test]
fn what_is_forgotten_in_a_scope_leaves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut options = StoreOptions::default();
    options.secure_delete = true;
    drop(crowded(&path));
    let store = SqliteStore::open(&path, &options).unwrap();
    store.compact().unwrap();
    let one = open_scope(&store, "one");
    let holds = |needle: &str| {
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    assert!(holds(&word(1_007)) && holds(&word(2_007)));
    let mut tx = one.write().unwrap();
    tx.delete(id(7)).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.unerased(), None);
    assert!(!holds(&word(1_007)) && holds(&word(1_008)));
    store.scopes().unwrap().remove(&scope("one")).unwrap();
    assert!(!holds(&word(1_008)) && !holds(&word(1_014)) && holds(&word(2_008)));
    assert_clean(&store);
}
