//! What another program writes with plain SQL is seen like our own writes: log, full text, tags, version.

use std::path::Path;
use std::process::{Command, Stdio};

use rekall_core::{Changes, Context, Draft, Filter, LogPosition, NewEntry, SqliteStore, Store, TextQuery};

use crate::upkeep_common::*;

/// Runs SQL in the sqlite3 program; `None` when there is none.
fn sqlite3(path: &Path, sql: &str) -> Option<()> {
    use std::io::Write;
    let mut command = Command::new("sqlite3");
    command.arg("-bail").arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
    Some(())
}

fn raw(path: &Path, sql: &str) -> Option<()> {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    Some(())
}

/// What an index sees: the rows that changed since the last look.
struct Watcher<'s> {
    store: &'s SqliteStore,
    position: LogPosition,
    version: i64,
}

impl Watcher<'_> {
    fn changed(&mut self) -> Vec<i64> {
        let version = self.store.data_version().unwrap();
        assert_ne!(version, self.version, "the change goes unnoticed");
        self.version = version;
        let Changes::Entries { position, mut entries, .. } =
            self.store.read().unwrap().changes_since(self.position).unwrap()
        else {
            panic!("the log was lost")
        };
        self.position = position;
        entries.sort_unstable();
        entries
    }
}

fn found(store: &SqliteStore, words: &str) -> Vec<i64> {
    let tx = store.read().unwrap();
    let hits = tx.search_words(&TextQuery::new(words), &Filter::new().any_status(), 99).unwrap();
    let mut rows: Vec<i64> = hits.iter().map(|hit| hit.key.row).collect();
    rows.sort_unstable();
    rows
}

fn tagged(store: &SqliteStore, tag: &str) -> Vec<i64> {
    store.read().unwrap().matching(&Filter::new().any_status().tag_all(tag)).unwrap()
}

fn follow(write: fn(&Path, &str) -> Option<()>) -> Option<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 10);
    let (position, version) = (store.read().unwrap().position().unwrap(), store.data_version().unwrap());
    let mut watcher = Watcher { store: &store, position, version };

    write(
        &path,
        "INSERT INTO entry (ulid, title, content, tags, created_at, updated_at)
             VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'Écrit ailleurs', 'kumquat', '[\"foreign\",\"all\"]', 1, 2);",
    )?;
    assert_eq!(watcher.changed(), [11]);
    assert_eq!(store.read().unwrap().count_pending().unwrap(), 1, "it waits for vectors, whoever wrote");
    assert_eq!(found(&store, "kumquat"), [11]);
    assert_eq!(found(&store, "ecrit"), [11], "accents fold, whoever wrote");
    assert_eq!(tagged(&store, "foreign"), [11]);
    assert_eq!(store.read().unwrap().entries(&[11]).unwrap()[0].1.content, "kumquat");
    assert_clean(&store);

    write(&path, "UPDATE entry SET content = 'persimmon', tags = '[\"moved\"]' WHERE id IN (3, 4);")?;
    assert_eq!(watcher.changed(), [3, 4]);
    assert_eq!(found(&store, "persimmon"), [3, 4]);
    assert_eq!(found(&store, &word(3)), [0; 0]);
    assert_eq!(tagged(&store, "moved"), [3, 4]);
    assert!(!tagged(&store, "all").contains(&3));
    let pending = store.read().unwrap().count_pending().unwrap();
    assert_eq!(pending, 3, "their vectors no longer fit their text");
    assert_clean(&store);

    // Entries that name the deleted one change, too.
    write(&path, "UPDATE entry SET superseded_by = 6 WHERE id = 5;")?;
    assert_eq!(watcher.changed(), [5]);
    write(&path, "INSERT INTO link VALUES (6, 7, 'related', NULL, 0); DELETE FROM entry WHERE id = 6;")?;
    assert_eq!(watcher.changed(), [5, 6]);
    assert_eq!(found(&store, &word(6)), [0; 0]);
    assert_eq!(store.get(id(5)).unwrap().superseded_by, None);
    assert!(store.read().unwrap().links(id(7)).unwrap().is_empty());
    assert_clean(&store);

    // Of vectors, too: changed, deleted, moved from one entry to another.
    write(&path, "DELETE FROM embedding WHERE entry_id = 7; INSERT INTO pending VALUES (7);")?;
    assert_eq!(watcher.changed(), [7]);
    write(
        &path,
        "UPDATE embedding SET entry_id = 7 WHERE entry_id = 8; DELETE FROM pending WHERE entry_id = 7;",
    )?;
    assert_eq!(watcher.changed(), [7, 8]);
    write(&path, "INSERT INTO pending VALUES (8); UPDATE entry SET status = 'obsolete' WHERE id = 9;")?;
    assert_eq!(watcher.changed(), [9]);
    assert_clean(&store);

    // A transaction undone is no change.
    write(&path, "BEGIN; DELETE FROM entry; ROLLBACK;")?;
    assert_eq!(store.read().unwrap().position().unwrap(), watcher.position);

    write(
        &path,
        "BEGIN; DELETE FROM entry WHERE id = 1; UPDATE entry SET title = 'Neu' WHERE id = 2; COMMIT;",
    )?;
    assert_eq!(watcher.changed(), [1, 2]);
    // What is gone is never read again under its number.
    write(
        &path,
        "DELETE FROM entry WHERE id = 11;
         INSERT INTO entry (ulid, title, created_at, updated_at)
             VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAW', 'Later', 1, 1);",
    )?;
    assert_eq!(watcher.changed(), [11, 12]);
    assert_clean(&store);
    Some(())
}

#[test]
fn rows_changed_with_another_connection_are_seen() {
    follow(raw).unwrap();
}

#[test]
fn rows_changed_with_the_sqlite3_program_are_seen() {
    if follow(sqlite3).is_none() {
        println!("there is no sqlite3 program here: only another connection was tried");
    }
}

const REPLACE: &str = "INSERT OR REPLACE INTO entry (ulid, title, tags, created_at, updated_at)
    VALUES ('00000000000000000000000004', 'Replaced', '[\"new\"]', 1, 1);";

/// With OR REPLACE SQLite deletes rows without a word to the triggers, unless these are recursive.
#[test]
fn rows_replaced_by_another_program_are_seen_when_its_triggers_are_recursive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 10);
    let (position, version) = (store.read().unwrap().position().unwrap(), store.data_version().unwrap());
    let mut watcher = Watcher { store: &store, position, version };
    raw(&path, &format!("PRAGMA recursive_triggers = ON; {REPLACE}"));
    assert_eq!(watcher.changed(), [4, 11]);
    assert_eq!(found(&store, &word(4)), [0; 0]);
    assert_eq!(tagged(&store, "new"), [11]);
    assert_clean(&store);
}

/// Without recursive triggers, too: one looks at what is about to be replaced.
#[test]
fn rows_replaced_behind_the_triggers_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    for foreign_keys in [true, false] {
        let path = folder.path().join(format!("{foreign_keys}.db"));
        let store = indexed(&path, 10);
        let (position, version) = (store.read().unwrap().position().unwrap(), store.data_version().unwrap());
        let mut watcher = Watcher { store: &store, position, version };
        raw(&path, &format!("PRAGMA foreign_keys = {foreign_keys}; {REPLACE}"));
        assert_eq!(watcher.changed(), [4, 11]);
        assert_eq!(found(&store, &word(4)), [0; 0]);
        assert_eq!(found(&store, "Replaced"), [11]);
        assert_eq!(store.get(id(4)).unwrap().title, "Replaced");
        // What names the entry that is gone goes with it only where foreign keys are switched on.
        assert_eq!(store.check().unwrap().is_clean(), foreign_keys);
        store.repair().unwrap();
        assert_clean(&store);
    }
}

#[test]
fn words_behind_a_backslash_are_found_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db"));
    let context = Context {
        files: vec!["C:\\new\\report.txt".into()],
        error_messages: vec!["line\none\ttwo".into()],
        ..Context::default()
    };
    let mut tx = store.write().unwrap();
    tx.insert(&[Draft::new(&NewEntry::new("paths").tags(["a\\rust"]).context(context))]).unwrap();
    tx.commit().unwrap();
    for word in ["new", "report", "rust", "line", "one", "two"] {
        assert_eq!(found(&store, word).len(), 1, "{word}");
    }
    for part in ["ew", "eport", "ust", "none", "ttwo"] {
        assert_eq!(found(&store, part).len(), 0, "{part}");
    }
}
