//! Everything moves from a file to a server and back, and stays what it was.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

#[allow(dead_code, reason = "another test compares answers")]
mod beside;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::{
    Draft, Error, JsonlExportOptions, JsonlImportOptions, JsonlImportReport, NewEntry, NewVector,
    OnDuplicate, Role, SqliteStore, Store, StoreOptions, TextDigest,
};
use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

use beside::{Pair, Random};

fn export(store: &dyn Store) -> String {
    export_with(store, &JsonlExportOptions::default())
}

fn export_with(store: &dyn Store, options: &JsonlExportOptions) -> String {
    let mut lines = Vec::new();
    store.transfer().unwrap().export_jsonl(&mut lines, options, &mut |_, _| {}, None).unwrap();
    String::from_utf8(lines).unwrap()
}

fn import(store: &dyn Store, lines: &str, on_duplicate: OnDuplicate) -> Result<JsonlImportReport, Error> {
    let options = JsonlImportOptions::on_duplicate(on_duplicate);
    store.transfer().unwrap().import_jsonl(&mut lines.as_bytes(), &options, &mut |_, _| {}, None)
}

fn on_server(server: &Server) -> PostgresStore {
    PostgresStore::open(&server.memory_url(), &PostgresOptions::default()).unwrap()
}

fn in_file(folder: &tempfile::TempDir, name: &str) -> SqliteStore {
    SqliteStore::open(folder.path().join(name), &StoreOptions::default()).unwrap()
}

/// Entries with vectors in the active space, and one vector that another program has damaged.
fn add_vectors(file: &SqliteStore) {
    let mut tx = file.write().unwrap();
    let space = match tx.active_space().unwrap() {
        Some(space) => space,
        None => tx.ensure_active_space("model", 3).unwrap(),
    };
    for at in 0..8 {
        let mut values = vec![0.0; space.dimensions];
        values[at % space.dimensions] = 1.0;
        let vector = |chunk| NewVector {
            space: space.id,
            role: Role::Summary,
            chunk,
            start: 0,
            end: 4,
            digest: TextDigest::of("note"),
            values: &values,
        };
        let entry = NewEntry::new("note");
        tx.insert(&[Draft::new(&entry).vectors(&[vector(0), vector(1)])]).unwrap();
    }
    tx.commit().unwrap();
    let other = rusqlite::Connection::open(file.path()).unwrap();
    let damage = "UPDATE embedding SET vector = zeroblob(length(vector))
        WHERE rowid = (SELECT max(rowid) FROM embedding)";
    assert_eq!(other.execute(damage, []).unwrap(), 1);
}

#[test]
fn what_random_transactions_left_moves_both_ways_byte_by_byte() {
    let Some(server) = Server::shared() else { return };
    let mut moved = [0; 6];
    for seed in 11..=14 {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random(seed);
        let mut pair = Pair::open(server);
        (0..60).for_each(|_| pair.transact(&mut random));
        add_vectors(&pair.file);
        for (name, from) in [("file", &pair.file as &dyn Store), ("server", &pair.server)] {
            let lines = export(from);
            for (times, what) in moved.iter_mut().zip([
                "chunk",
                "links",
                "source",
                "usage",
                "superseded_by\":\"",
                "quarantine",
            ]) {
                *times += lines.matches(&format!("\"{what}")).count();
            }
            let (there, back) = (on_server(server), in_file(&folder, name));
            let to_server = import(&there, &lines, OnDuplicate::Refuse).unwrap();
            assert_eq!(export(&there), lines, "{name} to server, seed {seed}");
            let to_file = import(&back, &lines, OnDuplicate::Refuse).unwrap();
            assert_eq!(to_server, to_file, "{name}, seed {seed}");
            assert_eq!(export(&back), lines, "and to a file, seed {seed}");
            let without = JsonlExportOptions::without_vectors();
            let texts = export_with(&there, &without);
            assert!(texts.len() < lines.len() && !texts.contains("\"quarantine\""));
            assert_eq!(texts, export_with(&back, &without), "without vectors, seed {seed}");
            // Once more over what is there: nothing changes, whichever way.
            for on_duplicate in [OnDuplicate::Skip, OnDuplicate::Replace] {
                let again = import(&there, &lines, on_duplicate).unwrap();
                assert_eq!(again, import(&back, &lines, on_duplicate).unwrap(), "{on_duplicate:?}");
                assert_eq!(again.skipped + again.replaced, to_server.added);
                assert_eq!(export(&there), lines, "{on_duplicate:?}, seed {seed}");
            }
            assert!(matches!(
                import(&there, &lines, OnDuplicate::Refuse).unwrap_err(),
                Error::DuplicateId { .. }
            ));
        }
    }
    assert!(moved.iter().all(|&times| times >= 4), "{moved:?}");
}

#[test]
fn a_space_that_was_added_under_its_number_is_not_in_the_way_of_the_next() {
    let Some(server) = Server::shared() else { return };
    let there = on_server(server);
    let space = |number| {
        format!(
            r#"{{"number":{number},"fingerprint":"m{number}","dimensions":2,"state":"retired","created_at":1}}"#
        )
    };
    let spaces = [2, 1, 7].map(space).join(",");
    let header = format!(r#"{{"format":"rekall","version":1,"entries":0,"spaces":[{spaces}],"meta":[]}}"#);
    assert_eq!(import(&there, &header, OnDuplicate::Skip).unwrap().spaces, 3);
    let mut tx = there.write().unwrap();
    let next = tx.ensure_active_space("another", 2).unwrap();
    tx.commit().unwrap();
    assert_eq!(next.id.0, 8);
    let numbers: Vec<i64> = there.read().unwrap().spaces().unwrap().iter().map(|space| space.id.0).collect();
    assert_eq!(numbers, [1, 2, 7, 8]);
}

#[test]
fn json_moves_letter_by_letter_and_so_does_what_the_python_tool_left() {
    let Some(server) = Server::shared() else { return };
    let odd = r#"{"z":1e400,"a":12345678901234567890123,"m":[1.10,"\u0041"]}"#;
    let lines = format!(
        r#"{{"format":"rekall","version":1,"entries":1,"spaces":[],"meta":[["legacy:a","text"],["legacy:n",7],["legacy:o",{{"base64":"AAE="}}]]}}
{{"id":"01J1PJA9P0QJ5ZP6E0P4C8Q3RW","title":"Disk full","content":"","kind":"note","project":null,"tags":["ops"],"status":"active","superseded_by":null,"confidence":2,"memory_type":"episodic","metadata":{odd},"legacy":{odd},"created_at":1,"updated_at":2}}
"#
    );
    let (there, folder) = (on_server(server), tempfile::tempdir().unwrap());
    import(&there, &lines, OnDuplicate::Refuse).unwrap();
    assert_eq!(export(&there), lines);
    let back = in_file(&folder, "a.db");
    import(&back, &export(&there), OnDuplicate::Refuse).unwrap();
    assert_eq!(export(&back), lines);
}

#[test]
fn a_bad_line_is_named_as_a_file_names_it_and_nothing_is_stored() {
    let Some(server) = Server::shared() else { return };
    let (there, folder) = (on_server(server), tempfile::tempdir().unwrap());
    let here = in_file(&folder, "a.db");
    let id = "01J1PJA9P0QJ5ZP6E0P4C8Q3RW";
    let cases = [
        String::new(),
        "{\"title\": \"a\"}\n{\"title\": \"\"}".to_owned(),
        format!("{{\"title\": \"a\"}}\n{{\"title\": \"b\", \"superseded_by\": \"{id}\"}}"),
        format!(
            "{{\"title\": \"a\", \"id\": \"{id}\", \"links\": [{{\"target\": \"{id}\", \"relation\": \"r\"}}]}}"
        ),
        "{\"format\":\"rekall\",\"version\":2}".to_owned(),
        "{\"format\":\"rekall\",\"version\":1,\"entries\":3,\"spaces\":[],\"meta\":[]}".to_owned(),
        "{\"format\":\"rekall\",\"version\":1,\"spaces\":[],\"meta\":[[\"other\", 1]]}".to_owned(),
    ];
    for lines in cases {
        let refused = import(&there, &lines, OnDuplicate::Skip).unwrap_err();
        let expected = import(&here, &lines, OnDuplicate::Skip).unwrap_err();
        assert_eq!(refused.to_string(), expected.to_string(), "{lines}");
        assert_eq!(there.read().unwrap().count_entries().unwrap(), 0);
    }
    let nul = "{\"title\": \"a\", \"content\": \"b\\u0000c\"}";
    assert!(import(&there, nul, OnDuplicate::Skip).is_err());
}

#[test]
fn many_plain_lines_go_in_together_and_a_stopped_import_leaves_nothing() {
    let Some(server) = Server::shared() else { return };
    let there = on_server(server);
    let mut lines = String::new();
    (0..1_300).for_each(|n| writeln!(lines, "{{\"title\": \"note {n}\"}}").unwrap());
    let flag = Arc::new(AtomicBool::new(false));
    let stop = |done, _| flag.store(done > 600, Ordering::Relaxed);
    let transfer = there.transfer().unwrap();
    let options = JsonlImportOptions::default();
    let stopped =
        transfer.import_jsonl(&mut lines.as_bytes(), &options, &mut { stop }, Some(&flag)).unwrap_err();
    assert!(matches!(stopped, Error::Interrupted));
    assert_eq!(there.read().unwrap().count_entries().unwrap(), 0);
    let mut heard = Vec::new();
    let report = transfer
        .import_jsonl(&mut lines.as_bytes(), &options, &mut |done, _| heard.push(done), None)
        .unwrap();
    assert_eq!((report.added, heard.last()), (1_300, Some(&1_300)));
    let mut out = Vec::new();
    let mut stop = |done, _| flag.store(done > 600, Ordering::Relaxed);
    flag.store(false, Ordering::Relaxed);
    let stopped =
        transfer.export_jsonl(&mut out, &JsonlExportOptions::default(), &mut stop, Some(&flag)).unwrap_err();
    assert!(matches!(stopped, Error::Interrupted));
}
