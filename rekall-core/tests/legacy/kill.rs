//! A migration killed at any moment leaves the legacy file or the new one, whole.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rekall_core::legacy::{self, LegacyImportOptions};
use rekall_core::{Error, SqliteStore, Store};

use crate::imports::with_log;
use crate::support::*;

/// Set in the process that is to be killed: the file it migrates.
const FILE: &str = "REKALL_TEST_MIGRATE";

#[test]
fn child_that_migrates() {
    if let Some(path) = std::env::var_os(FILE) {
        legacy::migrate(PathBuf::from(path), LegacyImportOptions::default()).unwrap();
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_migrates", "--test-threads", "1"])
        .env(FILE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// Kills `times` migrations of what `place` puts into a folder, at random moments, and looks at what is left.
fn kill(seed: u64, times: usize, entries: u64, place: impl Fn(&Path) -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = place(folder.path());
    let started = Instant::now();
    assert!(start(&path).wait().unwrap().success());
    let whole = started.elapsed();

    let mut random = Random(seed);
    let (mut old, mut new) = (0, 0);
    for round in 0..times {
        let folder = tempfile::tempdir().unwrap();
        let path = place(folder.path());
        let before = snapshot(folder.path());
        let mut child = start(&path);
        // A random moment, the last ones of a slow run among them.
        std::thread::sleep(Duration::from_micros(random.below(whole.as_micros() as u64 * 5 / 4)));
        child.kill().unwrap();
        child.wait().unwrap();

        let after = snapshot(folder.path());
        let context = format!("seed {seed}, round {round}, {:?}", after.keys());
        for (name, bytes) in &after {
            let backup = name.strip_prefix("knowledge.db.bak-legacy-");
            if let Some(digest) = backup {
                let original = if digest.ends_with("-wal") { "knowledge.db-wal" } else { "knowledge.db" };
                assert_eq!(bytes, &before[original], "backup of {context}");
            }
        }
        match legacy::probe(&path) {
            Ok(file) => {
                old += 1;
                assert_eq!(file.entries, entries, "{context}");
                if !before.contains_key("knowledge.db-wal") {
                    assert_eq!(after["knowledge.db"], before["knowledge.db"], "{context}");
                }
                // The Python tool would still read it: so does SQLite, with whatever log is beside it.
                let copies = tempfile::tempdir().unwrap();
                for name in ["knowledge.db", "knowledge.db-wal"] {
                    if let Some(bytes) = after.get(name) {
                        fs::write(copies.path().join(name), bytes).unwrap();
                    }
                }
                let raw = rusqlite::Connection::open(copies.path().join("knowledge.db")).unwrap();
                let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                assert_eq!(sound, "ok", "{context}");
                let count: u64 = raw.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
                assert_eq!(count, entries, "{context}");
            }
            Err(Error::NotALegacyFile { .. }) => {
                new += 1;
                assert!(!after.contains_key("knowledge.db-wal"), "{context}");
            }
            Err(error) => panic!("{error}: {context}"),
        }

        let store =
            SqliteStore::open(&path, &migrating()).unwrap_or_else(|error| panic!("{error}: {context}"));
        let stats = store.read().unwrap().stats().unwrap();
        assert_eq!((stats.entries, stats.vectors, stats.links), (entries, 159, 36), "{context}");
        drop(store);
        let left: Vec<_> = snapshot(folder.path()).into_keys().collect();
        let expected = |name: &String| name == "knowledge.db" || name.starts_with("knowledge.db.bak-legacy-");
        assert!(left.iter().all(expected), "{left:?} after {context}");
    }
    let _ = writeln!(std::io::stderr(), "killed {times} of {whole:?}: {old} legacy, {new} new");
    assert!(old > 0, "every migration was over before it was killed");
}

#[test]
fn a_killed_migration_leaves_one_whole_file() {
    kill(1, 40, 123, |folder| {
        let path = folder.join("knowledge.db");
        fs::write(&path, fs::read(data("v12-head.db")).unwrap()).unwrap();
        path
    });
}

#[test]
fn a_killed_migration_beside_a_log_leaves_one_whole_file() {
    kill(2, 40, 124, |folder| with_log("v12-head", folder));
}
