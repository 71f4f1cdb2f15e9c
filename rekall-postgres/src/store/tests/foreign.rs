//! What other programs write is read, and what cannot be read is said.

use rekall_core::store::{
    ListEntries, MatchEntries, ReadChanges, ReadEntries, ReadPending, ReadSpaces, ReadVectors, WriteSpaces,
};
use rekall_core::{Changes, Error, Filter, NewestBy, Store};

use super::{foreign, memory, remember};
use crate::testing::Server;

#[test]
fn what_another_program_writes_is_found_by_the_next_reader() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let before = store.begin_read().unwrap().position().unwrap();
    let version = store.data_version().unwrap();
    foreign(
        server,
        &store,
        "INSERT INTO entry (ulid, title, tags, metadata, created_at, updated_at) VALUES
            ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'by hand', '[\"x\"]', '{\"n\": 1.0}', 1, 1)",
    )
    .unwrap();
    assert_ne!(store.data_version().unwrap(), version);
    let tx = store.begin_read().unwrap();
    let Changes::Entries { entries, .. } = tx.changes_since(before).unwrap() else { panic!("all is known") };
    let entry = &tx.entries(&entries).unwrap()[0].1;
    assert_eq!((entry.title.as_str(), &entry.tags[..]), ("by hand", &["x".to_owned()][..]));
    assert_eq!(tx.count(&Filter::new().metadata("n", 1).tag_all("x")).unwrap(), 1);
    assert!(tx.is_pending(entries[0]).unwrap());
}

#[test]
fn an_entry_that_cannot_be_read_leaves_the_others() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let rows: Vec<i64> = ["a", "b", "c", "d"].iter().map(|title| remember(&store, title).1).collect();
    for damage in ["tags = '[1]'", "confidence = 300", "context = '{\"text\": 1}'"] {
        foreign(server, &store, &format!("UPDATE entry SET {damage} WHERE id = {}", rows[1])).unwrap();
        let tx = store.begin_read().unwrap();
        let readable = tx.readable_entries(&rows).unwrap();
        let titles: Vec<_> =
            readable.iter().map(|(_, entry)| entry.as_ref().map(|entry| &*entry.title).ok()).collect();
        assert_eq!(titles, [Some("a"), None, Some("c"), Some("d")], "{damage}");
        assert!(matches!(tx.entries(&rows), Err(Error::UnreadableEntry { .. })), "{damage}");
        // A page ends before it, the next one fails with it, and the one after it goes on.
        let all = Filter::new();
        let page = tx.list(&all, None, 10).unwrap();
        assert_eq!(page.len(), 1, "{damage}");
        let Err(Error::UnreadableEntry { id, .. }) = tx.list(&all, Some(page[0].id), 10) else {
            panic!("{damage}")
        };
        assert_eq!(tx.list(&all, Some(id), 10).unwrap().len(), 2, "{damage}");
        let newest = tx.list_newest(&all, NewestBy::Created, None, 10).unwrap();
        assert_eq!((newest.entries.len(), &newest.unreadable[..]), (3, &[id][..]), "{damage}");
        drop(tx);
        let mend = "tags = '[]', confidence = 2, context = NULL";
        foreign(server, &store, &format!("UPDATE entry SET {mend} WHERE id = {}", rows[1])).unwrap();
    }
    foreign(server, &store, &format!("UPDATE entry SET ulid = 'no id' WHERE id = {}", rows[1])).unwrap();
    let tx = store.begin_read().unwrap();
    assert!(matches!(tx.readable_entries(&rows), Err(Error::Corrupt { .. })));
    assert_eq!(tx.count_entries().unwrap(), 4);
}

#[test]
fn metadata_with_an_escaped_nul_or_a_long_number_is_filtered_and_read() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let (id, row) = remember(&store, "a");
    let set = |metadata: &str| {
        let sql = format!("UPDATE entry SET metadata = '{metadata}' WHERE id = {row}");
        foreign(server, &store, &sql).unwrap();
    };
    set(r#"{"k": "a\u0000b", "n": 123456789012345678901234567890, "o": {"z": 1, "a": 2}}"#);
    let tx = store.begin_read().unwrap();
    assert_eq!(tx.count(&Filter::new().metadata("k", "a\0b")).unwrap(), 1);
    let entry = tx.get(id).unwrap();
    assert_eq!(entry.metadata["n"], "123456789012345678901234567890", "every digit");
    assert_eq!(tx.count(&Filter::new().metadata("k", "a")).unwrap(), 0);
}

#[test]
fn vectors_that_cannot_be_used_are_named() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let (_, row) = remember(&store, "a");
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    tx.finish().unwrap();
    let id = space.id.0;
    foreign(
        server,
        &store,
        &format!(
            "INSERT INTO embedding (entry_id, space_id, role, chunk, vector) VALUES
                ({row}, {id}, 0, 0, '\\x0000803f00000000'), ({row}, {id}, 0, 1, '\\x00'),
                ({row}, {id}, 0, 2, '\\x0000000000000000'), ({row}, {id}, 900, 0, '\\x0000803f00000000')"
        ),
    )
    .unwrap();
    let tx = store.begin_read().unwrap();
    let batch = tx.vectors_of(&space, &[row]).unwrap();
    assert_eq!((batch.keys.len(), batch.rows.as_slice(), batch.unusable.len()), (1, &[1.0, 0.0][..], 3));
    assert!(matches!(tx.stored_vectors(row), Err(Error::Corrupt { .. })));
    assert_eq!(tx.active_space().unwrap(), Some(space));
}
