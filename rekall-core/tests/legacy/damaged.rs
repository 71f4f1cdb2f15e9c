//! Damaged files: a typed error, or the bad vector in quarantine; never a harmed original.

use std::fs;
use std::path::PathBuf;

use rekall_core::legacy::{self, LegacyImportOptions};
use rekall_core::{Error, ErrorKind, Role, SpaceState, SqliteStore, Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::*;

/// The damaged file in a folder of its own.
fn placed(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("knowledge.db");
    fs::write(&path, damaged(name)).unwrap();
    (folder, path)
}

fn expectation(name: &str) -> Value {
    let all = json("damaged/damaged.expected.json");
    let file = format!("damaged-{name}.db");
    all.as_array().unwrap().iter().find(|one| one["file"] == file.as_str()).unwrap().clone()
}

#[test]
fn files_that_cannot_be_read_are_refused_untouched() {
    let cases = [
        ("version-99", ErrorKind::NewerVersion),
        ("truncated-file", ErrorKind::Corrupt),
        ("zero-byte", ErrorKind::NotADatabase),
        ("text-file", ErrorKind::NotADatabase),
    ];
    for (name, kind) in cases {
        let (folder, path) = placed(name);
        let before = snapshot(folder.path());
        let store_folder = tempfile::tempdir().unwrap();
        let store = new_store(store_folder.path());
        let refusals: [(&str, Error); 5] = [
            ("probe", legacy::probe(&path).unwrap_err()),
            ("import", store.import_legacy(&path, LegacyImportOptions::default()).unwrap_err()),
            ("migrate", legacy::migrate(&path, LegacyImportOptions::default()).unwrap_err()),
            ("open", SqliteStore::open(&path, &StoreOptions::default()).unwrap_err()),
            ("open with migrate", SqliteStore::open(&path, &migrating()).unwrap_err()),
        ];
        for (action, error) in refusals {
            assert_eq!(error.kind(), kind, "{action} {name}: {error}");
            assert!(error.to_string().contains("knowledge.db"), "{action} {name}: {error}");
            assert_eq!(snapshot(folder.path()), before, "{action} {name}");
        }
        assert_eq!(store.read().unwrap().stats().unwrap().entries, 0);
    }
    let (_folder, path) = placed("version-99");
    let error = legacy::probe(&path).unwrap_err();
    assert!(matches!(error, Error::NewerVersion { found: 99, supported: 12, .. }), "{error}");
}

#[test]
fn other_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = new_store(folder.path());
    let error = legacy::probe(store.path()).unwrap_err();
    assert!(matches!(error, Error::NotALegacyFile { .. }), "{error}");
    assert!(error.to_string().ends_with("a rekall file, which needs no import"), "{error}");

    let blog = folder.path().join("blog.db");
    let other = rusqlite::Connection::open(&blog).unwrap();
    other.execute_batch("CREATE TABLE entries (id, body); CREATE TABLE tags (name);").unwrap();
    other.close().unwrap();
    let before = fs::read(&blog).unwrap();
    assert!(matches!(legacy::probe(&blog).unwrap_err(), Error::NotALegacyFile { .. }));
    assert!(matches!(SqliteStore::open(&blog, &migrating()).unwrap_err(), Error::NotADatabase { .. }));
    assert_eq!(fs::read(&blog).unwrap(), before);

    let nothing = legacy::probe(folder.path().join("nothing.db")).unwrap_err();
    assert!(matches!(nothing, Error::FileNotFound { .. }), "{nothing}");
    assert!(matches!(legacy::probe(folder.path()).unwrap_err(), Error::NotADatabase { .. }));
}

#[test]
fn a_bad_vector_is_quarantined_and_breaks_nothing() {
    let cases = [
        ("vector-truncated", "1001 bytes, which is no whole number of components"),
        ("vector-nan", "NaN at component 17"),
        ("dimensions", "its row says 768 components, it has 384"),
    ];
    for (name, reason) in cases {
        let (folder, path) = placed(name);
        let expected = expectation(name);
        let before = snapshot(folder.path());
        let store_folder = tempfile::tempdir().unwrap();
        let store = new_store(store_folder.path());
        let report = store.import_legacy(&path, LegacyImportOptions::default()).unwrap();
        assert_eq!(snapshot(folder.path()), before, "{name}");

        assert_eq!((report.entries, report.vectors, report.quarantined), (123, 158, 1), "{name}");
        let bad = &report.quarantine_reasons[0];
        assert_eq!(json!(bad.entry), expected["entry_id"], "{name}");
        assert_eq!((bad.role, bad.reason.as_str()), (Some(Role::Summary), reason));
        assert!(report.spaces.len() == 1 && report.spaces[0].dimensions == 384);

        // Its bytes are kept, and the entry waits for a better one.
        let raw = rusqlite::Connection::open(store.path()).unwrap();
        let (kept, said): (Vec<u8>, String) = raw
            .query_row(
                "SELECT vector, reason FROM quarantine JOIN entry ON entry.id = entry_id
                 WHERE ulid = ?1 AND role = 0 AND found_at > 0",
                [bad.entry.to_string()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!(kept.len() as u64, expected["bytes_after"].as_u64().unwrap());
        assert_eq!(said, reason);
        let tx = store.read().unwrap();
        let space = tx.active_space().unwrap().unwrap();
        let row = tx.row_of(bad.entry).unwrap();
        assert!(tx.pending(space.id, 0, 1000).unwrap().contains(&row));

        // The other vectors are those of the sound file.
        let sound = json("v12-head.expected.json");
        let query = &sound["queries"][0];
        let found = top_ten(&store, space.id, &query_vector(query));
        let wanted: Vec<_> = query["top10"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|hit| hit["entry_id"] != expected["entry_id"])
            .collect();
        for (hit, wanted) in found.iter().zip(wanted) {
            assert_eq!(json!(hit.0), wanted["entry_id"], "{name}");
        }
    }
}

#[test]
fn vectors_of_two_models_become_two_spaces() {
    let (folder, path) = placed("mixed-models");
    let expected = expectation("mixed-models");
    let before = snapshot(folder.path());
    let store_folder = tempfile::tempdir().unwrap();
    let store = new_store(store_folder.path());
    let report = store.import_legacy(&path, LegacyImportOptions::default()).unwrap();
    assert_eq!(snapshot(folder.path()), before);

    assert_eq!((report.vectors, report.quarantined), (159, 0));
    let told: Vec<_> =
        report.spaces.iter().map(|space| (space.fingerprint.as_str(), space.vectors, space.active)).collect();
    let (main, other) = (
        "imported, model sentence-transformers/all-MiniLM-L6-v2, unverified",
        "imported, model example/rotated-minilm-384, unverified",
    );
    assert_eq!(told, [(main, 129, true), (other, 30, false)]);
    let spaces = store.read().unwrap().spaces().unwrap();
    let states: Vec<_> = spaces.iter().map(|space| (space.fingerprint.as_str(), space.state)).collect();
    assert_eq!(states, [(main, SpaceState::Active), (other, SpaceState::Retired)]);

    let sound = json("v12-head.expected.json");
    let queries = expected["queries_over_the_main_model_only"].as_array().unwrap();
    for (query, with_vector) in queries.iter().zip(sound["queries"].as_array().unwrap()) {
        assert_eq!(query["text"], with_vector["text"]);
        let found = top_ten(&store, spaces[0].id, &query_vector(with_vector));
        for (hit, wanted) in found.iter().zip(query["top10"].as_array().unwrap()) {
            assert_eq!(json!(hit.0), wanted["entry_id"], "{}", query["text"]);
            assert!((hit.1 - wanted["cosine"].as_f64().unwrap()).abs() < 1e-8);
        }
    }
    let tx = store.read().unwrap();
    for id in expected["other_model_entry_ids"].as_array().unwrap() {
        let row = tx.row_of(id.as_str().unwrap().parse().unwrap()).unwrap();
        let stored = tx.stored_vectors(row).unwrap();
        assert!(stored.iter().any(|vector| vector.space == spaces[1].id && vector.key.role == 0));
    }
}
