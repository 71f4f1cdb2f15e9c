//! An older state that is copied into the file while it is open: whoever has it open answers from what is there now.

use std::path::Path;
use std::time::Duration;

use crate::common::{BACKENDS, Configure, ends, nearest, open};
use rekall::{NewEntry, Rekall};
use rusqlite::Connection;
use rusqlite::backup::Backup;

const FROM: &str = "REKALL_RESTORED_FROM";
const INTO: &str = "REKALL_RESTORED_INTO";

/// As `.restore` of SQLite's own shell does it: page by page, in one transaction on the file that is open elsewhere.
fn restore(from: &Path, into: &Path) {
    let (source, mut target) = (Connection::open(from).unwrap(), Connection::open(into).unwrap());
    target.busy_timeout(Duration::from_secs(10)).unwrap();
    Backup::new(&source, &mut target).unwrap().run_to_completion(100, Duration::ZERO, None).unwrap();
}

/// Runs in a child only.
#[test]
fn child_restores() {
    let (Ok(from), Ok(into)) = (std::env::var(FROM), std::env::var(INTO)) else { return };
    restore(Path::new(&from), Path::new(&into));
}

fn restore_from_elsewhere(from: &Path, into: &Path) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restored::child_restores"])
        .env(FROM, from)
        .env(INTO, into)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

fn position(path: &Path) -> i64 {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'change'";
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn notes(words: [&str; 2], count: usize) -> Vec<NewEntry> {
    (0..count).map(|n| NewEntry::new(format!("{} n{n}", words[n % 2]))).collect()
}

fn restored_under_an_open_memory(configure: Configure, restore: fn(&Path, &Path), persisted: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (path, older) = (folder.path().join("a.db"), folder.path().join("older.db"));
    let writer = |path: &Path| open(path, BACKENDS[0].1);
    let memory = writer(&path);
    memory.remember_many(&notes(["base", "ground"], 40)).run().unwrap();
    memory.backup(&older).run().unwrap();
    memory.remember_many(&notes(["first", "second"], 20)).run().unwrap();

    let opened = open(&path, configure);
    if persisted {
        opened.rebuild_index().run().unwrap();
    }
    assert_eq!(nearest(&opened, "first", 5).len(), 5);
    let before = position(&path);
    drop(memory);
    restore(&older, &path);
    // Nobody looks until the log is as long as it was.
    let other = writer(&path);
    other.remember_many(&notes(["third", "fourth"], 20)).run().unwrap();
    assert_eq!(position(&path), before, "the test wants two histories of one length");

    let fresh = writer(&path);
    for text in ["third", "first n3", "base", "fourth n1"] {
        assert_eq!(nearest(&opened, text, 15), nearest(&fresh, text, 15), "{text}");
    }
    // And what that one persists now is of the present history.
    opened.remember(NewEntry::new("fifth")).unwrap();
    opened.rebuild_index().run().unwrap();
    let late = open(&path, configure);
    for text in ["fifth", "third n2", "base"] {
        assert_eq!(nearest(&late, text, 15), nearest(&fresh, text, 15), "{text}, by one that comes later");
    }
}

#[test]
fn an_open_memory_answers_from_what_was_restored() {
    for &(name, configure) in BACKENDS {
        for persisted in [false, true] {
            println!("{name}, persisted: {persisted}");
            ends(name, move || restored_under_an_open_memory(configure, restore, persisted));
        }
    }
}

#[test]
fn another_process_may_restore() {
    for &(name, configure) in BACKENDS {
        for persisted in [false, true] {
            println!("{name}, persisted: {persisted}");
            ends(name, move || restored_under_an_open_memory(configure, restore_from_elsewhere, persisted));
        }
    }
}

/// The base in the file is of one history, what changed since of another, and both have the same positions.
#[test]
fn what_is_persisted_and_what_changed_since_are_of_one_history() {
    for &(name, configure) in BACKENDS {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        let (path, older) = (folder.path().join("a.db"), folder.path().join("older.db"));
        let memory = open(&path, configure);
        memory.remember_many(&notes(["base", "ground"], 20)).run().unwrap();
        memory.backup(&older).run().unwrap();
        let branch = |memory: &Rekall, words| {
            memory.remember_many(&notes(words, 20)).run().unwrap();
            memory.rebuild_index().run().unwrap();
        };
        branch(&memory, ["first", "second"]);
        let opened = open(&path, configure);
        assert_eq!(nearest(&opened, "first", 5).len(), 5);
        opened.remember(NewEntry::new("first late")).unwrap();
        assert_eq!(nearest(&opened, "first", 5).len(), 5);
        let before = position(&path);
        restore(&older, &path);
        branch(&memory, ["third", "fourth"]);
        memory.remember(NewEntry::new("third late")).unwrap();
        assert_eq!(position(&path), before, "the test wants two histories of one length");
        let fresh = open(&path, BACKENDS[0].1);
        for text in ["third", "first n3", "base", "late"] {
            assert_eq!(nearest(&opened, text, 15), nearest(&fresh, text, 15), "{name}: {text}");
        }
    }
}

#[test]
fn compacting_takes_nothing_away_that_is_persisted() {
    let sq8 = BACKENDS[1].1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let memory = open(&path, sq8);
    memory.remember_many(&notes(["base", "ground"], 40)).run().unwrap();
    memory.rebuild_index().run().unwrap();
    let expected = nearest(&memory, "base", 10);
    memory.compact().run().unwrap();
    assert_eq!(nearest(&memory, "base", 10), expected);
    let lean = open(&path, |builder| builder.memory_budget(0));
    assert_eq!(nearest(&lean, "base", 10), expected);
    assert_eq!(lean.stats().unwrap().index_backend, Some("sq8 in the file"));
}
