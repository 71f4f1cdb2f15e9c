//! Files of older versions are brought up to date when opened, in one step; newer ones are refused, untouched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rekall_core::{Error, ErrorKind, Filter, NewEntry, SqliteStore, Store, StoreOptions, TextQuery};
use rusqlite::Connection;
use upkeep_common::*;

/// The tables as version 1 made them: never to be changed.
const VERSION_1: &str = include_str!("data/file-version-1.sql");

/// A file of version 1 with five entries: with a vector, marked as waiting, and three that nobody marked; a program that
/// was killed left a space half dropped.
fn version_1(folder: &Path) -> PathBuf {
    let path = folder.join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN; {VERSION_1}
         PRAGMA application_id = {}; PRAGMA user_version = 1; COMMIT;",
        0x524B_4C31
    ))
    .unwrap();
    old.execute_batch(&format!(
        "INSERT INTO space (fingerprint, dimensions, state, created_at)
             VALUES ('{FINGERPRINT}', {DIMENSIONS}, 'active', 0), ('older', {DIMENSIONS}, 'leaving', 0);"
    ))
    .unwrap();
    for number in 1..=5_u64 {
        old.execute(
            "INSERT INTO entry (id, ulid, title, content, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 0, 0)",
            (number as i64, id(number).to_string(), format!("Note {number}"), word(number)),
        )
        .unwrap();
    }
    let bytes: Vec<u8> = vector(1).iter().flat_map(|value| value.to_le_bytes()).collect();
    let sql = "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES (?1, ?2, 0, 0, ?3)";
    old.execute(sql, (1, 1, &bytes)).unwrap();
    old.execute(sql, (2, 2, &bytes)).unwrap();
    old.execute("INSERT INTO pending VALUES (2)", []).unwrap();
    path
}

/// The tables as version 2 made them: never to be changed.
const VERSION_2: &str = include_str!("data/file-version-2.sql");

/// A file of version 2 with so many entries, each with a vector; every tenth is longer than a passage.
fn version_2(folder: &Path, count: u64) -> PathBuf {
    let path = folder.join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN; {VERSION_2}
         PRAGMA application_id = {}; PRAGMA user_version = 2;
         INSERT INTO space (fingerprint, dimensions, state, created_at)
             VALUES ('{FINGERPRINT}', {DIMENSIONS}, 'active', 0);",
        0x524B_4C31
    ))
    .unwrap();
    let bytes: Vec<u8> = vector(1).iter().flat_map(|value| value.to_le_bytes()).collect();
    for number in 1..=count {
        let content = match number % 10 {
            0 => format!("{} {}", "A sentence of a long note. ".repeat(100), word(number)),
            _ => word(number),
        };
        let title = format!("Note {number}");
        old.execute(
            "INSERT INTO entry (id, ulid, title, content, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, 0, 0)",
            (number as i64, id(number).to_string(), title, content),
        )
        .unwrap();
        let sql = "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES (?1, 1, 0, 0, ?2)";
        old.execute(sql, (number as i64, &bytes)).unwrap();
    }
    old.execute_batch("COMMIT").unwrap();
    path
}

/// The tables as version 3 made them: never to be changed.
const VERSION_3: &str = include_str!("data/file-version-3.sql");

/// A file of version 3 with so many entries, their words in segments, the codes of an index, and everything else that a
/// file of this library has: what these tables hold is the same in both versions.
fn version_3(folder: &Path, count: u64) -> PathBuf {
    with_tables(folder, count, VERSION_3, 3)
}

/// The tables as version 4 made them: never to be changed.
const VERSION_4: &str = include_str!("data/file-version-4.sql");

/// A file with what a file of this library has, in the tables of an older version.
fn with_tables(folder: &Path, count: u64, schema: &str, version: i64) -> PathBuf {
    let path = folder.join("old.db");
    let new = folder.join("new.db");
    drop(indexed(&new, count));
    let old = Connection::open(&path).unwrap();
    let (tables, triggers) = schema.split_once("-- Triggers rather than code").unwrap();
    old.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN; {tables} PRAGMA application_id = {};
         PRAGMA user_version = {version}; COMMIT; ATTACH '{}' AS new; PRAGMA foreign_keys = OFF; BEGIN;
         INSERT INTO new.index_block (space_id, kind, number, seq, data) VALUES (1, 'sq8', 0, 1, x'00');",
        0x524B_4C31,
        new.display()
    ))
    .unwrap();
    let of_old = |sql: &str| -> Vec<String> {
        let mut statement = old.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    for table in
        of_old("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'")
    {
        let columns = of_old(&format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
        old.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table};
             DELETE FROM main.sqlite_sequence WHERE name = '{table}';
             INSERT INTO main.sqlite_sequence SELECT name, seq FROM new.sqlite_sequence WHERE name = '{table}';"
        ))
        .unwrap();
    }
    old.execute_batch(&format!("--{triggers} COMMIT; DETACH new; PRAGMA wal_checkpoint(TRUNCATE);")).unwrap();
    path
}

/// Every row of every table.
fn every_row(path: &Path) -> Vec<String> {
    let raw = Connection::open(path).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut statement = raw.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let mut all = Vec::new();
    for table in
        names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'scope' ORDER BY name")
    {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let columns: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} FROM {table}", columns.join(" || ',' || "));
        let mut found: Vec<String> = names(&sql).into_iter().map(|row| format!("{table}: {row}")).collect();
        found.sort();
        all.extend(found);
    }
    all
}

#[test]
fn a_file_of_version_4_is_brought_up_to_date_and_no_row_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_tables(folder.path(), 300, VERSION_4, 4);
    Connection::open(&path).unwrap().execute_batch("DELETE FROM index_block").unwrap();
    let reader = SqliteStore::open(&path, &read_only()).unwrap();
    let before = export(&reader);
    assert_eq!(found(&reader, &word(77)), [77]);
    assert_eq!(reader.scopes().unwrap().list().unwrap(), []);
    let error = reader.scopes().unwrap().open(&"new".parse().unwrap()).unwrap_err();
    assert!(matches!(error, Error::ScopeNotFound { .. }), "{error}");
    assert_clean(&reader);
    drop(reader);
    assert_eq!(version(&path), 4);
    let rows_before = every_row(&path);
    let store = open(&path);
    assert_eq!((version(&path), every_row(&path)), (5, rows_before));
    assert_eq!(export(&store), before);
    assert_clean(&store);
    let scoped = rekall_core::testing::open_scope(&store, "new");
    let mut tx = scoped.write().unwrap();
    insert(&mut *tx, &[(id(1), 1)]).unwrap();
    tx.commit().unwrap();
    assert_eq!((scoped.read().unwrap().count_entries().unwrap(), export(&store)), (1, before));
    assert_clean(&store);
}

fn rows(path: &Path, table: &str) -> i64 {
    let raw = Connection::open(path).unwrap();
    raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_file_of_version_3_is_brought_up_to_date_and_nothing_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_3(folder.path(), 300);
    let before = content(&path);
    let reader = SqliteStore::open(&path, &read_only()).unwrap();
    let (kept, position) = (entries(&reader), reader.read().unwrap().position().unwrap().number());
    drop(reader);
    let words: Vec<i64> = ["word_segment", "word_page", "word_pending", "index_block", "pending"]
        .map(|table| rows(&path, table))
        .into();
    assert!(words[0] > 0 && words[1] > 0 && words[3] > 0, "{words:?}");
    let store = open(&path);
    assert_eq!(version(&path), 5);
    assert_eq!(entries(&store), kept);
    assert_eq!(export(&store), before);
    assert_eq!(store.read().unwrap().position().unwrap().number(), position, "nothing was logged");
    let after: Vec<i64> = ["word_segment", "word_page", "word_pending", "index_block", "pending"]
        .map(|table| rows(&path, table))
        .into();
    assert_eq!(after, words, "no words, codes or marks were made again");
    assert_eq!(found(&store, &word(77)), [77]);
    assert_eq!(["source", "section", "usage"].map(|table| rows(&path, table)), [0, 0, 0]);
    assert_eq!(
        rows(&path, "entry WHERE expires_at IS NULL AND valid_from IS NULL AND valid_to IS NULL"),
        300
    );
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("DELETE FROM index_block").unwrap();
    assert_clean(&store);
    // What is new works as in a new file.
    raw.execute_batch(
        "INSERT INTO source (id, uri, synced_at) VALUES (1, 'file:///notes/a.md', 0);
         INSERT INTO section (entry_id, source_id, number) VALUES (7, 1, 0), (8, 1, 1);
         INSERT INTO usage VALUES (7, 5, 1); UPDATE entry SET expires_at = 9 WHERE id = 8;
         PRAGMA foreign_keys = OFF; DELETE FROM entry WHERE id = 7;",
    )
    .unwrap();
    assert_eq!(["source", "section", "usage"].map(|table| rows(&path, table)), [1, 1, 0]);
    assert_clean(&store);
    drop(store);
    assert_clean(&open(&path));
}

#[test]
fn a_file_of_version_3_is_read_as_it_is_by_who_may_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_3(folder.path(), 40);
    Connection::open(&path).unwrap().execute_batch("DELETE FROM index_block").unwrap();
    let store = SqliteStore::open(&path, &read_only()).unwrap();
    assert_clean(&store);
    assert_eq!(found(&store, &word(33)), [33]);
    let tx = store.read().unwrap();
    assert_eq!(tx.get(id(5)).unwrap().title, "Note 5");
    assert_eq!(tx.count(&Filter::new()).unwrap(), 40);
    assert_eq!(version(&path), 3);
}

#[test]
fn a_file_of_version_3_is_salvaged_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_3(folder.path(), 40);
    let target = folder.path().join("salvaged.db");
    let report = SqliteStore::salvage(&path, &target, &mut |_, _| {}, None).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!((report.entries, report.vectors), (40, 40));
    let store = open(&target);
    assert_clean(&store);
    assert_eq!(export(&store), content(&path));
}

fn found(store: &SqliteStore, word: &str) -> Vec<i64> {
    let tx = store.read().unwrap();
    let hits = tx.search_words(&TextQuery::new(word), &Filter::new(), 10).unwrap();
    hits.iter().map(|hit| hit.key.row).collect()
}

#[test]
fn a_file_of_version_2_keeps_everything_and_its_words_are_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_2(folder.path(), 600);
    let reader = SqliteStore::open(&path, &read_only()).unwrap();
    let before = entries(&reader);
    assert_eq!((found(&reader, &word(77)), found(&reader, &word(600))), (vec![77], vec![600]));
    assert_eq!(reader.read().unwrap().fault_of_words().unwrap(), None);
    drop(reader);
    assert_eq!(version(&path), 2);
    let store = open(&path);
    assert_eq!(version(&path), 5);
    assert_clean(&store);
    assert_eq!(entries(&store), before);
    assert_eq!(store.read().unwrap().stats().unwrap().vectors, 600, "the old vectors serve until then");
    assert_eq!((found(&store, &word(77)), found(&store, &word(600))), (vec![77], vec![600]));
    let tx = store.read().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    let long: Vec<i64> = (1..=60).map(|tenth| tenth * 10).collect();
    assert_eq!(tx.pending(space.id, 0, 1_000).unwrap(), long, "they wait for vectors of their passages");
    let left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'entry\\_fts%' ESCAPE '\\' OR name = 'entry_text'";
    assert_eq!(sqlite(&*tx).query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_hosts_own_vectors_stay_those_of_whole_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_2(folder.path(), 20);
    let sql = "UPDATE space SET fingerprint = 'external; dimensions=2; model=\"own\"'";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let store = open(&path);
    assert_clean(&store);
    let tx = store.read().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    assert_eq!(tx.pending(space.id, 0, 1_000).unwrap(), Vec::<i64>::new());
}

/// Whatever state the table of FTS5 is in.
#[test]
fn a_file_of_version_2_with_a_damaged_full_text_is_brought_up_to_date() {
    for damage in [
        "DELETE FROM entry_fts_data",
        "DROP TABLE entry_fts_config",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'porter', 'klingon')
             WHERE name = 'entry_fts'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = version_2(folder.path(), 20);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let store = open(&path);
        assert_clean(&store);
        assert_eq!(found(&store, &word(7)), [7], "{damage}");
    }
}

const OLD_FILE: &str = "REKALL_OLD_FILE";

/// Runs in a child only.
#[test]
fn child_upgrades() {
    let Ok(file) = std::env::var(OLD_FILE) else { return };
    say("begin");
    drop(open(Path::new(&file)));
    say("end");
}

#[test]
fn an_upgrade_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let old = std::fs::read(version_2(folder.path(), 3_000)).unwrap();
    let mut random = Random(1);
    let (mut before, mut after) = (0, 0);
    for round in 0..20 {
        let path = folder.path().join(format!("{round}.db"));
        std::fs::write(&path, &old).unwrap();
        let mut child = child("child_upgrades", &[(OLD_FILE, path.to_str().unwrap())]).spawn().unwrap();
        let mut said = lines(&mut child);
        assert_eq!(said.next().as_deref(), Some("begin"));
        if round == 19 {
            assert_eq!(said.next().as_deref(), Some("end"));
        }
        let end = Instant::now() + Duration::from_micros(random.below(40_000));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        match version(&path) {
            2 => before += 1,
            found => {
                assert_eq!(found, 5);
                after += 1;
            }
        }
        // Searchable as it stands, and brought up to date by the next process.
        let reader = SqliteStore::open(&path, &read_only()).unwrap();
        assert_eq!(found(&reader, &word(2_999)), [2_999]);
        drop(reader);
        let store = open(&path);
        assert_clean(&store);
        assert_eq!(found(&store, &word(2_999)), [2_999]);
    }
    println!("{before} before, {after} after");
    assert!(before > 0 && after > 0, "{before} before, {after} after: the moments are badly chosen");
}

fn version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// What the file holds, with what is derived left out.
fn content(path: &Path) -> Vec<u8> {
    export(&SqliteStore::open(path, &read_only()).unwrap())
}

#[test]
fn a_file_of_version_1_is_brought_up_to_date_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let before = content(&path);
    let position =
        SqliteStore::open(&path, &read_only()).unwrap().read().unwrap().position().unwrap().number();
    let store = open(&path);
    assert_eq!(version(&path), 5);
    assert_clean(&store);
    assert_eq!(export(&store), before);
    let tx = store.read().unwrap();
    assert_eq!(tx.position().unwrap().number(), position, "nothing was logged");
    assert_eq!(tx.count_pending().unwrap(), 4, "those that were missed wait now");
    let space = tx.active_space().unwrap().unwrap();
    assert_eq!(tx.pending(space.id, 0, 9).unwrap(), [2, 3, 4, 5]);
    drop(tx);
    let mut tx = store.write().unwrap();
    tx.mark_wordless(3, space.id).unwrap();
    insert(&mut *tx, &[(id(6), 6)]).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.read().unwrap().pending(space.id, 0, 9).unwrap(), [2, 4, 5]);
    assert_clean(&store);
    // Again: nothing to do.
    drop(store);
    assert_clean(&open(&path));
}

#[test]
fn a_file_of_version_1_is_read_as_it_is_by_who_may_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let store = SqliteStore::open(&path, &read_only()).unwrap();
    assert_eq!(store.get(id(1)).unwrap().title, "Note 1");
    let tx = store.read().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    assert_eq!(tx.without_vectors(space.id, 0, 9).unwrap(), [2, 3, 4, 5]);
    assert_eq!(tx.stats().unwrap().pending, 1);
    let report = store.check().unwrap();
    let found: Vec<i64> = report.problems.iter().filter_map(|problem| problem.row).collect();
    assert_eq!(found, [3, 4, 5], "what that version missed, and nothing else: {report:#?}");
    assert_eq!(report.found, 3);
    assert_eq!(store.write().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(version(&path), 1);
}

/// Two at once, of which one waits for the other.
#[test]
fn many_may_open_an_old_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let folder = folder.path().join(round.to_string());
        std::fs::create_dir(&folder).unwrap();
        let path = version_1(&folder);
        std::thread::scope(|scope| {
            for number in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let store = open(path);
                    let mut tx = store.write().unwrap();
                    tx.insert(&[rekall_core::Draft::new(&NewEntry::new(format!("by {number}")))]).unwrap();
                    tx.commit().unwrap();
                });
            }
        });
        let store = open(&path);
        assert_clean(&store);
        assert_eq!(store.read().unwrap().count_pending().unwrap(), 8);
    }
}

#[test]
fn what_stops_the_upgrade_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let before = content(&path);
    // The last step fails, behind all tables and triggers.
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TRIGGER full BEFORE INSERT ON pending BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    assert!(SqliteStore::open(&path, &StoreOptions::default()).is_err());
    assert_eq!(version(&path), 1);
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'wordless'";
    assert_eq!(raw.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    raw.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(content(&path), before);
    assert_clean(&open(&path));
}

#[test]
fn an_old_file_is_salvaged_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let target = folder.path().join("new.db");
    let report = SqliteStore::salvage(&path, &target, &mut |_, _| {}, None).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!((report.entries, report.vectors, report.pending), (5, 2, 3));
    let store = open(&target);
    assert_clean(&store);
    assert_eq!(export(&store), content(&path));
}

#[test]
fn a_newer_version_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    drop(filled(&path, 3));
    for version in [6, 0, -1] {
        Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
        let before = std::fs::read(&path).unwrap();
        for options in [StoreOptions::default(), read_only()] {
            let error = SqliteStore::open(&path, &options).unwrap_err();
            assert!(
                matches!(&error, Error::NewerVersion { found, supported: 5, .. } if *found == version),
                "{error}"
            );
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
