//! With `secure_delete` every operation that writes says so when bytes could not be erased from the disk.

use std::sync::{Arc, Mutex};

use crate::common::WordModel;
use rekall::{Batch, EntryId, EntryPatch, Event, NewEntry, Rekall, VectorBackend};

type Write = fn(&Rekall, [EntryId; 2]);

fn unit() -> Vec<f32> {
    (0..16).map(|n| f32::from(u8::from(n == 0))).collect()
}

fn import(memory: &Rekall) {
    let mut line: &[u8] = br#"{"title": "imported"}"#;
    memory.import_jsonl(&mut line).run().unwrap();
}

const WRITES: &[(&str, Write)] = &[
    ("remember", |memory, _| {
        memory.remember(NewEntry::new("new")).unwrap();
    }),
    ("remember_with_vector", |memory, _| {
        memory.remember_with_vector(NewEntry::new("new"), &unit()).unwrap();
    }),
    ("update of the text", |memory, [id, _]| {
        memory.update(id, &EntryPatch::new().title("changed")).unwrap();
    }),
    ("update of metadata", |memory, [id, _]| {
        memory.update(id, &EntryPatch::new().project(Some("home".to_owned()))).unwrap();
    }),
    ("update_with_vector", |memory, [id, _]| {
        memory.update_with_vector(id, &EntryPatch::new(), &unit()).unwrap();
    }),
    ("supersede_entry", |memory, [old, new]| drop(memory.supersede_entry(old, new).unwrap())),
    ("forget", |memory, [id, _]| memory.forget(id).unwrap()),
    ("link", |memory, [one, two]| memory.link(one, two, "solves", None).unwrap()),
    ("unlink", |memory, [one, two]| assert!(memory.unlink(one, two, "cites").unwrap())),
    ("apply", |memory, [id, _]| {
        let mut batch = Batch::new();
        batch.forget(id);
        memory.apply(&batch).run().unwrap();
    }),
    ("remember_json", |memory, _| {
        memory.remember_json(r#"{"title": "new"}"#).run().unwrap();
    }),
    ("import_jsonl", |memory, _| import(memory)),
    ("embed_pending", |memory, _| assert_eq!(memory.embed_pending().run().unwrap().entries, 1)),
    ("reembed_with_embedder", |memory, _| {
        let model = Arc::new(WordModel::named("other words", 16));
        memory.reembed_with_embedder(model).run().unwrap();
    }),
    ("repair", |memory, [id, _]| {
        // Metadata that cannot be read, which repair replaces.
        let raw = rusqlite::Connection::open(memory.path()).unwrap();
        let deep = format!("{{\"k\": {}1{}}}", "[".repeat(500), "]".repeat(500));
        raw.execute("UPDATE entry SET metadata = ?1 WHERE ulid = ?2", (deep, id.to_string())).unwrap();
        assert!(!memory.repair().run().unwrap().repaired.is_empty());
    }),
    ("compact", |memory, _| assert!(!memory.compact().run().unwrap().complete)),
    ("rebuild_index", |memory, _| memory.rebuild_index().run().unwrap()),
];

#[test]
fn every_write_says_when_bytes_were_not_erased() {
    for (name, write) in WRITES {
        let folder = tempfile::tempdir().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let memory = Rekall::builder(folder.path().join("a.db"))
            .embedder(Arc::new(WordModel::new(16)))
            .vector_backend(VectorBackend::Sq8)
            .secure_delete(true)
            .on_event(move |event| {
                if let Event::NotErased { reason } = event {
                    hears.lock().unwrap().push(reason.clone());
                }
            })
            .open()
            .unwrap();
        let ids = ["one", "two"].map(|title| memory.remember(NewEntry::new(title)).unwrap());
        memory.link(ids[0], ids[1], "cites", None).unwrap();
        // Waits for vectors, so that there is something to embed later.
        import(&memory);
        memory.rebuild_index().run().unwrap();
        assert_eq!(*heard.lock().unwrap(), [""; 0], "{name}: nobody reads");
        let reader = memory.store().read().unwrap();
        write(&memory, ids);
        assert_ne!(*heard.lock().unwrap(), [""; 0], "{name}: a reader sees the older state");
        drop(reader);
        heard.lock().unwrap().clear();
        memory.remember(NewEntry::new("last")).unwrap();
        assert_eq!(*heard.lock().unwrap(), [""; 0], "{name}: the next write erases");
    }
}
