//! Export and import: nothing is lost, nothing is guessed, nothing half done.

use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::{
    Context, Draft, EntryPatch, Error, ErrorKind, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    NewEntry, NewVector, OnDuplicate, Relation, Role, SpaceState, SqliteStore, Status, Store, TextDigest,
};
use rusqlite::Connection;

use crate::upkeep_common::*;

fn import(
    store: &SqliteStore,
    bytes: &[u8],
    options: &JsonlImportOptions,
) -> Result<JsonlImportReport, Error> {
    let mut input = bytes;
    store.import_jsonl(&mut input, options, &mut |_, _| {}, None)
}

/// A store with something of everything.
fn rich(path: &std::path::Path) -> SqliteStore {
    let store = filled(path, 12);
    let mut tx = store.write().unwrap();
    let retired = tx.add_space("old-model/\"1\"", 4, SpaceState::Retired).unwrap();
    let dropped = tx.add_space("dropped", 3, SpaceState::Retired).unwrap();
    tx.drop_space(dropped.id).unwrap();
    tx.add_space("next-model", 16, SpaceState::Building).unwrap();
    let odd = NewEntry::new("  \u{202e}odd \"quoted\" \\ title\u{0301} ")
        .content("line\r\nline\ttab \u{2028} 👩‍👩‍👧‍👦 \u{1}\u{7f}")
        .kind("Décision")
        .project("prøject")
        .tags(["ünï", "with \"quotes\"", "C++", "a\nb"])
        .metadata("null", serde_json::Value::Null)
        .metadata("nested", serde_json::json!({"a": [1, 2.5, -0.0, true, "x"], "é": {}}))
        .context(Context {
            situation: Some("s\nt".into()),
            solution: Some(String::new()),
            files: vec!["C:\\new\\table".into()],
            ..Context::default()
        });
    let active = tx.active_space().unwrap().unwrap();
    let values: Vec<Vec<f32>> = (0..4).map(vector).collect();
    let old = vector_of(9, 4);
    let mut vectors: Vec<NewVector<'_>> = values.iter().map(|v| new_vector(&active, 1, v)).collect();
    for (chunk, vector) in vectors.iter_mut().enumerate() {
        vector.role = if chunk < 2 { Role::Summary } else { Role::Context };
        vector.chunk = chunk as u16 % 2 * 700;
        (vector.start, vector.end) = (chunk as u32 * 10, u32::MAX);
    }
    vectors.push(NewVector {
        space: retired.id,
        role: Role::Context,
        chunk: 65_535,
        start: 0,
        end: 0,
        digest: TextDigest::unknown(),
        values: &old,
    });
    let inserted =
        tx.insert(&[Draft::new(&odd).vectors(&vectors), Draft::new(&NewEntry::new("pending"))]).unwrap();
    tx.link(id(3), id(9), &Relation::from(Relation::RELATED), Some("because\n\"of\" it")).unwrap();
    tx.link(id(9), id(3), &Relation::from("my own word"), None).unwrap();
    tx.link(inserted[0].id, id(1), &Relation::from(Relation::SUPERSEDES), None).unwrap();
    let obsolete = EntryPatch::new().status(Status::Obsolete).superseded_by(Some(inserted[0].id));
    tx.update(id(1), &obsolete).unwrap();
    tx.commit().unwrap();
    // What only other programs write.
    let raw = Connection::open(path).unwrap();
    raw.execute_batch(
        "UPDATE entry SET metadata = '{ \"big\" : 123456789012345678901234567890, \"exact\": 1.10, \"z\": 1,
                 \"a\" : \"two  blanks\" }' WHERE id = 2;
         UPDATE entry SET legacy = '{\"b\": 1,\n \"a\": [1e300]}', created_at = -5 WHERE id = 4;
         UPDATE entry SET legacy = '\"only text\"' WHERE id = 5;
         UPDATE entry SET confidence = 77, memory_type = '', title = '' WHERE id = 6;
         INSERT INTO pending SELECT 6 WHERE NOT EXISTS (SELECT 1 FROM pending WHERE entry_id = 6);
         UPDATE embedding SET vector = x'0102' WHERE entry_id = 7;
         UPDATE embedding SET digest = x'' WHERE entry_id = 8;
         INSERT INTO quarantine (entry_id, space_id, role, chunk, reason, vector, found_at)
             VALUES (8, 3, 300, -1, 'was \"odd\"', x'ff', 5), (8, NULL, NULL, NULL, 'no bytes', NULL, 6);
         UPDATE entry SET expires_at = 7, valid_from = -8, valid_to = 9 WHERE id = 9;
         INSERT INTO source (id, uri, stamp, digest, synced_at)
             VALUES (4, 'file:///notes/a%20b.md', '12 34', x'aabb', 5), (5, 'https://example.org/', NULL, x'', 5);
         INSERT INTO section (entry_id, source_id, number, path, line, digest, tags)
             VALUES (3, 4, 1, '[\"Title\", \"Part \\\\ 2\"]', 12, x'0102', '[\"ünï\"]'),
                    (9, 4, 0, '[]', NULL, x'', '[]'), (10, 5, 0, '[]', 1, x'ff', '[]');
         INSERT INTO usage VALUES (9, 123, 4);
         INSERT INTO meta VALUES ('legacy:schema', 12), ('legacy:blob', x'00ff'), ('legacy:text', 'é'),
             ('legacy:real', 1.5), ('legacy:null', NULL), ('other', 1);",
    )
    .unwrap();
    store
}

#[test]
fn a_round_trip_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = rich(&folder.path().join("a.db"));
    let first = export(&store);
    assert_eq!(export(&store), first, "the same content gives the same bytes");
    let copy = open(&folder.path().join("b.db"));
    let report = import(&copy, &first, &JsonlImportOptions::default()).unwrap();
    assert_eq!((report.added, report.links, report.spaces, report.quarantined), (14, 3, 3, 3));
    assert_eq!(report.vectors, 16);
    let second = export(&copy);
    for (line, (a, b)) in first.split(|&b| b == b'\n').zip(second.split(|&b| b == b'\n')).enumerate() {
        let shown = |line: &[u8]| String::from_utf8_lossy(line).chars().rev().take(300).collect::<String>();
        assert!(a == b, "line {}, backwards: {} became {}", line + 1, shown(a), shown(b));
    }
    assert!(first == second);

    // Not only the bytes: what reads as entries, too.
    let (ours, theirs) = (store.read().unwrap(), copy.read().unwrap());
    for (row, entry) in entries(&store) {
        let copied = theirs.get(entry.id).unwrap();
        // JSON blanks apart, values are the same.
        assert_eq!(copied, entry);
        assert_eq!(theirs.links(entry.id).unwrap(), ours.links(entry.id).unwrap());
        if row != 7 {
            let mine = ours.stored_vectors(row).unwrap();
            let their_row = theirs.row_of(entry.id).unwrap();
            let copies = theirs.stored_vectors(their_row).unwrap();
            let facts = |v: &rekall_core::StoredVector| (v.space, v.key.role, v.key.chunk, v.start, v.end);
            assert!(mine.iter().map(facts).eq(copies.iter().map(facts)));
        }
    }
    assert_eq!(ours.spaces().unwrap(), theirs.spaces().unwrap());
    drop((ours, theirs));
    assert_clean(&copy);
    let raw = Connection::open(copy.path()).unwrap();
    let stamped = "SELECT count(*) FROM source WHERE stamp IS NOT NULL";
    assert_eq!(raw.query_row(stamped, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "they are read again");
    let metadata: String = raw
        .query_row("SELECT metadata FROM entry WHERE ulid = ?1", [id(2).to_string()], |row| row.get(0))
        .unwrap();
    assert_eq!(metadata, r#"{"big":123456789012345678901234567890,"exact":1.10,"z":1,"a":"two  blanks"}"#);
}

#[test]
fn the_order_of_writing_does_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let forwards = filled(&folder.path().join("a.db"), 30);
    let backwards = open(&folder.path().join("b.db"));
    let text = String::from_utf8(export(&forwards)).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    import(&backwards, lines.join("\n").as_bytes(), &JsonlImportOptions::default()).unwrap();
    assert_eq!(String::from_utf8(export(&backwards)).unwrap(), text);
    backwards.compact().unwrap();
    backwards.repair().unwrap();
    assert_eq!(String::from_utf8(export(&backwards)).unwrap(), text);
}

#[test]
fn the_first_line_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let empty = open(&folder.path().join("a.db"));
    assert_eq!(
        String::from_utf8(export(&empty)).unwrap(),
        "{\"format\":\"rekall\",\"version\":1,\"entries\":0,\"spaces\":[],\"meta\":[]}\n"
    );
    let store = filled(&folder.path().join("b.db"), 1);
    let text = String::from_utf8(export(&store)).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(line["id"], id(1).to_string());
    assert_eq!(line["title"], "Note 1");
    assert_eq!(line["vectors"][0]["role"], "summary");
    assert_eq!(line["vectors"][0]["vector"].as_str().unwrap().len(), 44, "32 bytes in base64");
}

#[test]
fn bad_lines_are_named_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 5);
    let text = String::from_utf8(export(&store)).unwrap();
    let change = |line: usize, from: &str, to: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(lines[line - 1].contains(from), "{from} in {}", lines[line - 1]);
        lines[line - 1] = lines[line - 1].replacen(from, to, 1);
        lines.join("\n")
    };
    let quoted = |key: &str| format!("\"{key}\":");
    let vector = {
        let line: serde_json::Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        line["vectors"][0]["vector"].as_str().unwrap().to_owned()
    };
    let zeroes = format!("{}=", "A".repeat(43));
    let cases = [
        (1, String::new(), "got nothing"),
        (1, "\n".to_owned(), "got nothing"),
        (1, "hello".to_owned(), "expected {\"format\""),
        (1, change(1, "\"rekall\"", "\"other\""), "got the format \"other\""),
        (1, change(1, ":1,", ":0,"), "got version 0"),
        (1, change(1, "\"active\"", "\"sleepy\""), "got \"sleepy\""),
        (1, change(1, "\"dimensions\":8", "\"dimensions\":0"), "got 0"),
        (1, change(1, "\"meta\":[]", "\"meta\":[[\"log_floor\",9]]"), "log_floor"),
        (1, change(1, "\"meta\":[]", "\"meta\":[],\"more\":1"), "unknown field `more`"),
        (3, change(3, "{", "{,"), "expected an entry"),
        (3, change(3, &quoted("title"), &quoted("titel")), "unknown field `titel`"),
        (3, change(3, "\"confidence\":2", "\"confidence\":256"), "256"),
        (3, change(3, "\"confidence\":2", "\"confidence\":\"2\""), "string"),
        (3, change(3, "\"active\"", "\"asleep\""), "unknown variant `asleep`"),
        (3, change(3, &id(2).to_string(), "no id"), "id must be a ULID"),
        (3, change(3, "\"tags\":[", "\"tags\":[1,"), "tags of an entry"),
        (3, change(3, "\"metadata\":{", "\"metadata\":[{"), "expected"),
        (3, change(3, "\"metadata\":{\"number\":2}", "\"metadata\":[]"), "metadata of an entry"),
        (4, change(4, "\"situation\"", "\"weather\""), "context of an entry"),
        (3, change(3, "\"space\":1", "\"space\":2"), "got space 2"),
        (3, change(3, "\"summary\"", "\"sermon\""), "got \"sermon\""),
        (3, change(3, &vector, &vector[4..]), "got 29 bytes"),
        (3, change(3, &vector, "no base64!"), "expected base64"),
        (3, change(3, &vector, &zeroes), "got length 0"),
        (3, change(3, "\"chunk\":0", "\"chunk\":65536"), "65536"),
        (3, change(3, "\"start\":0", "\"start\":99"), "99 to"),
        (
            3,
            change(3, "\"superseded_by\":null", &format!("\"superseded_by\":\"{}\"", id(77))),
            &id(77).to_string(),
        ),
        (
            6,
            text.lines()
                .take(6)
                .chain([""])
                .collect::<Vec<_>>()
                .join("\n")
                .replace("\"entries\":5", "\"entries\":6"),
            "got 5",
        ),
        (4, text.lines().take(4).collect::<Vec<_>>().join("\n"), "expected 5 entries in all, got 3"),
        (7, format!("{text}\n"), "got an empty line"),
        (
            7,
            format!(
                "{text}{}\n",
                text.lines().nth(5).unwrap().replace(&id(5).to_string(), &id(6).to_string())
            ),
            "got 6",
        ),
    ];
    let target = open(&folder.path().join("b.db"));
    let blank = export(&target);
    for (number, input, said) in cases {
        let error = import(&target, input.as_bytes(), &JsonlImportOptions::default()).expect_err(said);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let Error::BadLine { line, .. } = &error else { panic!("{said}: {error}") };
        let message = error.to_string();
        assert_eq!(*line, number, "{message}");
        assert!(message.contains(said) && !message.contains('\n'), "{said:?} in {message:?}");
        assert_eq!(export(&target), blank, "{said}: something was imported");
    }
    assert_clean(&target);
    let newer =
        import(&target, change(1, ":1,", ":2,\"news\":[],").as_bytes(), &JsonlImportOptions::default());
    assert!(matches!(newer, Err(Error::NewerExport { found: 2, supported: 1 })), "{newer:?}");
    let binary = import(&target, &[0xff; 100], &JsonlImportOptions::default());
    assert!(matches!(binary, Err(Error::BadLine { line: 1, .. })));
}

#[test]
fn an_export_cut_anywhere_imports_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = rich(&folder.path().join("a.db"));
    let bytes = export(&store);
    let target = open(&folder.path().join("b.db"));
    for cut in (0..bytes.len() - 1).step_by(97) {
        let error = import(&target, &bytes[..cut], &JsonlImportOptions::default()).expect_err("cut");
        assert!(matches!(error, Error::BadLine { .. }), "{cut}: {error}");
    }
    assert_eq!(target.read().unwrap().stats().unwrap().entries, 0);
    // Only the last line's end may lack.
    import(&target, &bytes[..bytes.len() - 1], &JsonlImportOptions::default()).unwrap();
}

#[test]
fn entries_that_are_there_are_treated_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 6);
    let bytes = export(&store);
    let target = open(&folder.path().join("b.db"));
    let mut tx = target.write().unwrap();
    insert(&mut *tx, &[(id(2), 200), (id(50), 50)]).unwrap();
    tx.link(id(50), id(2), &Relation::from("about"), None).unwrap();
    tx.link(id(2), id(50), &Relation::from("about"), None).unwrap();
    tx.commit().unwrap();
    let row = target.read().unwrap().row_of(id(2)).unwrap();

    let refuse = import(&target, &bytes, &JsonlImportOptions::on_duplicate(OnDuplicate::Refuse));
    assert!(matches!(refuse, Err(Error::DuplicateId { id: there }) if there == id(2)), "{refuse:?}");
    assert_eq!(target.read().unwrap().count_entries().unwrap(), 2);

    let report = import(&target, &bytes, &JsonlImportOptions::default()).unwrap();
    assert_eq!((report.added, report.skipped, report.replaced, report.spaces), (5, 1, 0, 0));
    assert!(says(&target.get(id(2)).unwrap(), 200));
    assert_clean(&target);

    let report = import(&target, &bytes, &JsonlImportOptions::on_duplicate(OnDuplicate::Replace)).unwrap();
    assert_eq!((report.added, report.skipped, report.replaced), (0, 0, 6));
    assert!(says(&target.get(id(2)).unwrap(), 2));
    let tx = target.read().unwrap();
    assert_eq!(tx.row_of(id(2)).unwrap(), row);
    let space = tx.active_space().unwrap().unwrap();
    assert_eq!(tx.vectors_of(&space, &[row]).unwrap().rows, vector(2));
    assert_eq!(tx.links(id(2)).unwrap().len(), 1, "links to it stay, its own are the imported ones");
    assert_eq!(tx.count_pending().unwrap(), 0);
    drop(tx);
    assert_clean(&target);
}

#[test]
fn spaces_of_another_model_do_not_become_active() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 4);
    let target = open(&folder.path().join("b.db"));
    let mut tx = target.write().unwrap();
    let ours = tx.ensure_active_space("another-model", 3).unwrap();
    tx.commit().unwrap();
    import(&target, &export(&store), &JsonlImportOptions::default()).unwrap();
    let tx = target.read().unwrap();
    assert_eq!(tx.active_space().unwrap().unwrap().id, ours.id);
    let spaces = tx.spaces().unwrap();
    assert_eq!((spaces.len(), spaces[1].state), (2, SpaceState::Retired));
    assert_eq!(tx.count_vectors(spaces[1].id).unwrap(), 4, "kept under another number");
    assert_eq!(tx.count_pending().unwrap(), 4, "to be embedded by the model that is used here");
    drop(tx);
    assert_clean(&target);
}

#[test]
fn both_ways_can_be_watched_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 300);
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    let mut out = Vec::new();
    store
        .export_jsonl(
            &mut out,
            &JsonlExportOptions::default(),
            &mut |done, total| seen.push((done, total)),
            Some(&stop),
        )
        .unwrap();
    assert!(seen.is_sorted() && seen.len() > 3);
    assert_eq!(seen.last(), Some(&(300, 300)));
    let target = open(&folder.path().join("b.db"));
    let halfway = |done: u64, _: u64| stop.store(done >= 100, Ordering::Relaxed);
    let mut input = out.as_slice();
    let stopped =
        target.import_jsonl(&mut input, &JsonlImportOptions::default(), &mut { halfway }, Some(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    assert_eq!(target.read().unwrap().count_entries().unwrap(), 0);
    stop.store(false, Ordering::Relaxed);
    let stopped =
        store.export_jsonl(&mut Vec::new(), &JsonlExportOptions::default(), &mut { halfway }, Some(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
}

/// Takes so many bytes and then fails, like a full disk.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_failing_stream_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 30);
    for room in [0, 10, 500, 5_000] {
        let error = store
            .export_jsonl(&mut Full(room), &JsonlExportOptions::default(), &mut |_, _| {}, None)
            .expect_err("full");
        assert!(matches!(&error, Error::Stream { action: "write", .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}

#[test]
fn without_vectors_everything_else_is_written_and_all_entries_wait_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = rich(&folder.path().join("a.db"));
    let mut lines = Vec::new();
    let without = JsonlExportOptions::without_vectors();
    let report = store.export_jsonl(&mut lines, &without, &mut |_, _| {}, None).unwrap();
    let full = store.export_jsonl(&mut std::io::sink(), &JsonlExportOptions::default(), &mut |_, _| {}, None);
    let full = full.unwrap();
    assert!(full.vectors > 0 && full.links > 0);
    assert_eq!((report.entries, report.links), (full.entries, full.links));
    assert_eq!((report.vectors, report.quarantined), (0, 0));
    let text = String::from_utf8(lines.clone()).unwrap();
    assert!(text.lines().next().unwrap().contains(r#""spaces":[]"#) && !text.contains(r#""vectors":"#));
    // Into a file with a model of its own: they wait for its vectors.
    let other = SqliteStore::open(folder.path().join("b.db"), &rekall_core::StoreOptions::default()).unwrap();
    let mut tx = other.write().unwrap();
    tx.ensure_active_space("another", 3).unwrap();
    tx.commit().unwrap();
    let imported = import(&other, &lines, &JsonlImportOptions::default()).unwrap();
    assert_eq!((imported.added, imported.vectors, imported.spaces), (full.entries, 0, 0));
    assert_eq!(other.read().unwrap().count_pending().unwrap(), full.entries);
    // And the same once more from there.
    let mut again = Vec::new();
    other.export_jsonl(&mut again, &without, &mut |_, _| {}, None).unwrap();
    assert_eq!(again, lines);
}

#[test]
fn an_unreadable_part_of_an_entry_is_named_and_carried_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 5);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(
        "PRAGMA ignore_check_constraints = ON; UPDATE entry SET metadata = '{broken' WHERE id = 3",
    )
    .unwrap();
    let mut bytes = Vec::new();
    let report =
        store.export_jsonl(&mut bytes, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();
    assert!(matches!(report.repaired.as_slice(), [mended] if mended.id == id(3)), "{report:?}");
    store.repair().unwrap();
    let metadata = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().matches("{broken").count();
    assert_eq!((metadata(&bytes), metadata(&export(&store))), (1, 1), "nothing is lost");
}
