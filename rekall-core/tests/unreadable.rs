//! An entry that cannot be read, because another program or an older version wrote it: the others can, and it is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rekall_core::{
    Draft, EntryId, Error, ErrorKind, Filter, JsonlExportOptions, JsonlImportOptions, NewEntry, SqliteStore,
    Store, StoreOptions,
};
use rusqlite::Connection;

fn notes(folder: &tempfile::TempDir) -> (SqliteStore, Vec<EntryId>) {
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
    let notes: Vec<NewEntry> =
        (0..9).map(|number| NewEntry::new(format!("note {number}")).tags(["t"])).collect();
    let mut tx = store.write().unwrap();
    let ids = tx.insert(&notes.iter().map(Draft::new).collect::<Vec<_>>()).unwrap();
    tx.commit().unwrap();
    // Deeper than the parser reads, not too deep for SQLite.
    let deep = format!("{{\"k\": {}1{}}}", "[".repeat(500), "]".repeat(500));
    let raw = Connection::open(&path).unwrap();
    raw.execute("UPDATE entry SET metadata = ?1, superseded_by = 2 WHERE id = 5", [deep]).unwrap();
    (store, ids.into_iter().map(|inserted| inserted.id).collect())
}

fn is_named(error: &Error, id: EntryId) {
    assert!(matches!(error, Error::UnreadableEntry { id: named, .. } if *named == id), "{error}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&id.to_string()), "{error}");
}

#[test]
fn the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ids) = notes(&folder);
    is_named(&store.get(ids[4]).unwrap_err(), ids[4]);
    let tx = store.read().unwrap();
    is_named(&tx.entries(&[4, 5, 6]).unwrap_err(), ids[4]);
    let found = tx.readable_entries(&[4, 5, 6, 99]).unwrap();
    assert_eq!(
        found.iter().map(|(row, entry)| (*row, entry.is_ok())).collect::<Vec<_>>(),
        [(4, true), (5, false), (6, true)]
    );
    // Page by page one comes to all of them.
    let (mut seen, mut named, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        match tx.list(&Filter::new(), after, 3) {
            Ok(page) if page.is_empty() => break,
            Ok(page) => {
                after = page.last().map(|entry| entry.id);
                seen.extend(page.into_iter().map(|entry| entry.id));
            }
            Err(Error::UnreadableEntry { id, .. }) => {
                named.push(id);
                after = Some(id);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(named, [ids[4]]);
    assert_eq!(seen, [&ids[..4], &ids[5..]].concat());
    // Nobody knows what its metadata holds: it is not ruled out in silence.
    assert_eq!(tx.matching(&Filter::new().metadata("k", 1)).unwrap(), [5]);
}

#[test]
fn an_export_goes_on_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ids) = notes(&folder);
    let mut lines = Vec::new();
    let report =
        store.export_jsonl(&mut lines, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();
    assert_eq!(report.entries, 9);
    let [mended] = report.repaired.as_slice() else { panic!("{report:?}") };
    assert_eq!((mended.id, mended.columns.as_slice()), (ids[4], &["metadata".to_owned()][..]));

    let other = tempfile::tempdir().unwrap();
    let other = SqliteStore::open(other.path().join("b.db"), &StoreOptions::default()).unwrap();
    other.import_jsonl(&mut lines.as_slice(), &JsonlImportOptions::default(), &mut |_, _| {}, None).unwrap();
    let entry = other.get(ids[4]).unwrap();
    assert_eq!(
        (entry.title.as_str(), entry.tags.as_slice(), entry.superseded_by),
        ("note 4", &["t".to_owned()][..], Some(ids[1]))
    );
    let kept = entry.legacy.unwrap()["unreadable"]["metadata"].as_str().unwrap().to_owned();
    assert!(kept.starts_with("{\"k\": [[[") && kept.len() > 1_000);
    assert_eq!(other.get(ids[8]).unwrap(), store.get(ids[8]).unwrap());

    // Repair does the same to the file itself.
    assert!(!store.check().unwrap().problems.is_empty());
    store.repair().unwrap();
    assert_eq!(store.get(ids[4]).unwrap().legacy, other.get(ids[4]).unwrap().legacy);
}
