//! Importing: twice, beside a log, odd values, stopping.

use rekall_core::Store;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::legacy::{self, LegacyImportOptions, OffsetSource};
use rekall_core::{Error, NewEntry, Status};
use rusqlite::Connection;
use serde_json::json;

use crate::support::*;

const ADDED: &str = "01KJZZZZZZ0000000000000000";

/// A copy of a good file whose last entry stands only in the `-wal` file beside it.
pub(crate) fn with_log(name: &str, folder: &Path) -> PathBuf {
    let (_original, path) = copy_of(name);
    let program = Connection::open(&path).unwrap();
    program
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             INSERT INTO entries (id, title, type, created_at, updated_at)
             VALUES ('{ADDED}', 'Only in the log', 'bug', '2026-03-06T00:00:00', '2026-03-06T00:00:00');"
        ))
        .unwrap();
    // Copied while it is open: as a program that is killed leaves it.
    let copy = folder.join("knowledge.db");
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        fs::write(format!("{}{suffix}", copy.display()), fs::read(from).unwrap()).unwrap();
    }
    copy
}

#[test]
fn what_stands_only_in_the_log_is_imported_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_log("v12-head", folder.path());
    let before = snapshot(folder.path());
    assert_eq!(before.len(), 2);
    assert_eq!(legacy::probe(&path).unwrap().entries, 124);
    let store_folder = tempfile::tempdir().unwrap();
    let store = new_store(store_folder.path());
    let report = store.import_legacy(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!(report.entries, 124);
    assert_eq!(store.get(ADDED.parse().unwrap()).unwrap().title, "Only in the log");
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn an_interrupted_transaction_is_rolled_back_in_a_copy() {
    let (folder, path) = copy_of("v7");
    // In rollback mode, spill a transaction onto the disk and copy the files in the middle of it.
    let program = Connection::open(&path).unwrap();
    program.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    program
        .execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE entries SET title = 'lost' || title;")
        .unwrap();
    let killed = folder.path().join("killed.db");
    for suffix in ["", "-journal"] {
        let from = format!("{}{suffix}", path.display());
        fs::write(format!("{}{suffix}", killed.display()), fs::read(from).unwrap()).unwrap();
    }
    program.execute_batch("ROLLBACK").unwrap();
    let before = snapshot(folder.path());
    let store_folder = tempfile::tempdir().unwrap();
    let store = new_store(store_folder.path());
    store.import_legacy(&killed, LegacyImportOptions::default()).unwrap();
    for (_, id) in ids(&store) {
        assert!(!store.get(id).unwrap().title.starts_with("lost"));
    }
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn a_second_import_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = new_store(folder.path());
    let file = data("v12-head.db");
    let first = store.import_legacy(&file, LegacyImportOptions::default()).unwrap();
    let before: Vec<_> = ids(&store).into_iter().map(|(_, id)| store.get(id).unwrap()).collect();
    let stats = store.read().unwrap().stats().unwrap();
    let second = store.import_legacy(&file, LegacyImportOptions::default()).unwrap();
    assert_eq!((second.entries, second.existing), (0, first.entries));
    assert_eq!((second.tags, second.links, second.vectors, second.pending), (0, 0, 0, 0));
    assert!(second.spaces.is_empty() && second.unmapped_rows.is_empty());
    let after: Vec<_> = ids(&store).into_iter().map(|(_, id)| store.get(id).unwrap()).collect();
    assert_eq!(after, before);
    let tx = store.read().unwrap();
    assert_eq!(tx.legacy_tables().unwrap()["sources"], 5);
    assert_eq!((tx.stats().unwrap().vectors, tx.stats().unwrap().links), (stats.vectors, stats.links));
}

#[test]
fn a_store_with_a_space_of_its_own_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = new_store(folder.path());
    let mut tx = store.write().unwrap();
    let own = tx.ensure_active_space("own", 3).unwrap();
    tx.insert(&[rekall_core::Draft::new(&NewEntry::new("mine"))]).unwrap();
    tx.commit().unwrap();
    let report = store.import_legacy(data("v7.db"), LegacyImportOptions::default()).unwrap();
    assert!(!report.spaces[0].active);
    let tx = store.read().unwrap();
    assert_eq!(tx.active_space().unwrap().unwrap().id, own.id);
    assert_eq!(tx.stats().unwrap().entries, 124);
    drop(tx);
    // Another file of the same model joins the same space.
    let report = store.import_legacy(data("v11.db"), LegacyImportOptions::default()).unwrap();
    assert_eq!(report.entries, 123);
    let tx = store.read().unwrap();
    assert_eq!(tx.spaces().unwrap().len(), 2);
    assert_eq!(tx.count_vectors(tx.spaces().unwrap()[1].id).unwrap(), 159 + 140);
}

#[test]
fn an_import_can_be_stopped_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let store = new_store(folder.path());
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    let mut progress = |done, total| {
        seen.push((done, total));
        stop.store(done == 50, Ordering::Relaxed);
    };
    let options = LegacyImportOptions::default().progress(&mut progress).cancel(&stop);
    let error = store.import_legacy(data("v7.db"), options).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(seen, (1..=50).map(|done| (done, 123)).collect::<Vec<_>>());
    let stats = store.read().unwrap().stats().unwrap();
    assert_eq!((stats.entries, stats.vectors), (0, 0));
    assert!(store.read().unwrap().spaces().unwrap().is_empty());
    let error = store.import_legacy(data("v7.db"), LegacyImportOptions::default().utc_offset_minutes(2000));
    assert!(matches!(error, Err(Error::OutOfRange { field: "utc_offset_minutes", .. })));
}

/// Rows that no Python code would write, but another program can.
const ODD: &str = "
    PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;
    ALTER TABLE entries ADD mood TEXT; ALTER TABLE entries ADD links TEXT;
    CREATE TABLE keepsakes (n, x BLOB); INSERT INTO keepsakes VALUES (1, x'00ff'), (1, x'00ff'), (2, NULL);
    INSERT INTO keepsakes VALUES (9e999, CAST(x'ff41' AS TEXT));
    INSERT INTO entries (id, title, content, type, status, confidence, superseded_by, created_at, updated_at, memory_type, mood,
        links, context_blob, context_structured, context_compressed)
    VALUES
        ('not-a-ulid', 'Old id', x'6869', 'til', 'archived', 9, 'gone', '2025-07-01T10:00:00', 'yesterday', 'dream',
            'good', 'mine', x'00', '{broken', 'text'),
        ('01kckdbva30q9cxwjwb3a454x4', 'Small letters', 7, 'snippet', NULL, NULL, 'not-a-ulid',
            '2025-12-16 12:05:12', '2025-12-16 12:05:12', NULL, NULL, NULL, NULL, '[1]', NULL);
    INSERT INTO tags VALUES ('not-a-ulid', 'x'), ('gone', 'orphan');
    INSERT INTO links VALUES
        ('01KCKDBVA3WNJM5A80FRS7R9W0', 'not-a-ulid', '01kckdbva30q9cxwjwb3a454x4', 'echoes', 'some day', NULL),
        ('01KCKDBVA3WNJM5A80FRS7R9W1', 'not-a-ulid', 'not-a-ulid', 'related', '2025-01-01', NULL),
        ('01KCKDBVA3WNJM5A80FRS7R9W2', 'not-a-ulid', 'gone', 'related', '2025-01-01', NULL);
    INSERT INTO embeddings VALUES
        ('e1', 'not-a-ulid', 'title', zeroblob(16), 4, 'm', '2025-01-01'),
        ('e2', 'not-a-ulid', 'summary', zeroblob(16), 4, 'm', '2025-01-01'),
        ('e3', 'not-a-ulid', 'context', x'0000404000008040', 2, 'm' || char(10) || 'n', '2025-01-01'),
        ('e4', 'gone', 'summary', zeroblob(16), 4, 'm', '2025-01-01');
    CREATE VIRTUAL TABLE extra USING fts5 (words); INSERT INTO extra VALUES ('hidden treasure');";

#[test]
fn odd_rows_are_tolerated_and_kept() {
    let (folder, path) = copy_of("v12-head");
    let program = Connection::open(&path).unwrap();
    program.execute_batch("PRAGMA legacy_alter_table = ON").unwrap();
    program.execute_batch(ODD).unwrap();
    program.close().unwrap();
    let store = new_store(folder.path());
    let report = store.import_legacy(&path, LegacyImportOptions::default().utc_offset_minutes(-300)).unwrap();
    assert_eq!((report.entries, report.links, report.tags), (125, 37, 324));
    assert_eq!((report.vectors, report.quarantined, report.normalized), (160, 2, 1));
    assert_eq!(report.time_sources[&OffsetSource::Option], 1);

    let all: Vec<_> = ids(&store).into_iter().map(|(_, id)| store.get(id).unwrap()).collect();
    let old = all.iter().find(|entry| entry.title == "Old id").unwrap();
    assert_eq!((old.kind.as_str(), old.content.as_str()), ("til", "hi"));
    assert_eq!((old.status, old.confidence, old.superseded_by), (Status::Obsolete, 5, None));
    assert_eq!((old.created_at, old.updated_at), (1_751_382_000_000, 1_751_382_000_000));
    assert_eq!((old.tags.as_slice(), &old.context), (["x".to_owned()].as_slice(), &None));
    let legacy = old.legacy.as_ref().unwrap();
    for (key, value) in [
        ("id", json!("not-a-ulid")),
        ("content", json!({"$hex": "6869"})),
        ("status", json!("archived")),
        ("confidence", json!(9)),
        ("superseded_by", json!("gone")),
        ("updated_at", json!("yesterday")),
        ("mood", json!("good")),
        ("column:links", json!("mine")),
        ("context_blob", json!({"$hex": "00"})),
        ("context_structured", json!("{broken")),
        ("context_compressed", json!("text")),
        ("utc_offset_minutes", json!(-300)),
        ("utc_offset_from", json!("option")),
    ] {
        assert_eq!(legacy[key], value, "{key}");
    }
    assert_eq!(legacy["links"][0]["created_at"], "some day");
    let vectors: Vec<_> = legacy["embeddings"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(vectors.len(), 3);
    assert!(legacy["embeddings"].as_array().unwrap().iter().any(|row| row["norm"] == 5.0));

    let small = store.get("01KCKDBVA30Q9CXWJWB3A454X4".parse().unwrap()).unwrap();
    assert_eq!((small.superseded_by, small.content.as_str()), (Some(old.id), "7"));
    assert_eq!((small.memory_type.as_str(), small.confidence, small.status), ("episodic", 2, Status::Active));
    assert_eq!(small.legacy.as_ref().unwrap()["id"], "01kckdbva30q9cxwjwb3a454x4");
    assert_eq!(small.legacy.as_ref().unwrap()["context_structured"], "[1]");

    let tx = store.read().unwrap();
    assert_eq!(tx.links(old.id).unwrap()[0].relation.as_str(), "echoes");
    let mut keepsakes = tx.legacy_rows("keepsakes").unwrap();
    keepsakes.sort_by_key(ToString::to_string);
    let twice = json!({"n": 1, "x": {"$hex": "00ff"}});
    let odd = json!({"n": {"$real": "inf"}, "x": {"$text": "ff41"}});
    assert_eq!(keepsakes, [twice.clone(), twice, json!({"n": 2}), odd]);
    assert_eq!(tx.legacy_rows("links").unwrap().len(), 2);
    assert_eq!(tx.legacy_rows("tags").unwrap(), [json!({"entry_id": "gone", "tag": "orphan"})]);
    assert_eq!(tx.legacy_rows("embeddings").unwrap()[0]["entry_id"], "gone");
    let spaces: Vec<_> =
        tx.spaces().unwrap().into_iter().map(|space| (space.fingerprint, space.dimensions)).collect();
    assert_eq!(spaces[1], ("imported, model m n, unverified".to_owned(), 2));
    // What a virtual table keeps in ordinary ones is carried with them.
    assert_eq!(tx.legacy_rows("extra_content").unwrap()[0]["c0"], "hidden treasure");
    drop(tx);

    // The same ids are made for the same file.
    let again = store.import_legacy(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!((again.entries, again.existing, again.links), (0, 125, 0));
    assert!(again.unmapped_rows.is_empty(), "{:?}", again.unmapped_rows);
}
