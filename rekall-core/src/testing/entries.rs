//! Entries.

use serde_json::json;

use super::Bench;
use crate::{Context, Draft, EntryPatch, Error, ErrorKind, NewEntry, Relation, Role, Status, TextDigest};

/// Every field, with texts and numbers that an engine may not change.
pub fn entries_come_back_as_they_were_written(bench: &Bench) {
    let context = Context { text: Some("why 'it' was \u{1F600}".to_owned()), ..Context::default() };
    let entry = NewEntry::new("CORS \"fails\"\ton Safari")
        .content("Zeile\r\n\u{FEFF}naïve 東京 \\ % _ ")
        .kind("décision")
        .project("shop")
        .tags(["b", "a", "b", "É"])
        .confidence(5)
        .memory_type("semantic")
        .context(context.clone())
        .metadata("exact", 9_007_199_254_740_993_i64)
        .metadata("float", 1.0)
        .metadata("a", json!({"z": [0.1, null, {"y": "\u{1}"}], "b": u64::MAX}))
        .expires_at(bench.now() + 1)
        .valid_from(-5)
        .valid_to(7);
    let written = bench.insert(&[entry.clone(), NewEntry::new("bare")]);
    let found = bench.read().get(written[0].id).unwrap();
    assert_eq!((found.id, &found.title, &found.content), (written[0].id, &entry.title, &entry.content));
    assert_eq!(
        (&found.kind, &found.project, &found.memory_type),
        (&entry.kind, &entry.project, &entry.memory_type)
    );
    assert_eq!((found.confidence, &found.metadata, found.context), (5, &entry.metadata, Some(context)));
    assert_eq!(
        serde_json::to_string(&found.metadata).unwrap(),
        serde_json::to_string(&entry.metadata).unwrap(),
        "numbers keep their spelling, and keys their order"
    );
    assert_eq!((found.created_at, found.updated_at), (bench.now(), bench.now()));
    assert_eq!(
        (found.expires_at, found.valid_from, found.valid_to),
        (Some(bench.now() + 1), Some(-5), Some(7))
    );
    assert_eq!((found.status, found.superseded_by), (Status::Active, None));
    assert!(
        ["b", "a", "É"].iter().all(|tag| found.tags.iter().any(|other| other == tag)),
        "{:?}",
        found.tags
    );
    let bare = bench.read().get(written[1].id).unwrap();
    assert_eq!((bare.project, bare.context, bare.metadata.len(), bare.tags.len()), (None, None, 0, 0));
}

/// Ids are made in order or given; one is given once.
pub fn ids_are_given_and_refused(bench: &Bench) {
    let [first, second] = bench.remember(["a", "b"]);
    assert!(first.id < second.id && first.row < second.row);
    let own = bench.unknown();
    assert!(own > second.id, "made later");
    let note = NewEntry::new("c");
    let written = bench.write(|tx| tx.insert(&[Draft::new(&note).id(own)]));
    assert_eq!(written[0].id, own);
    let error = bench.refused(|tx| tx.insert(&[Draft::new(&note).id(own)]));
    assert!(matches!(error, Error::DuplicateId { id } if id == own), "{error:?}");
    let named = NewEntry::new("d").id(bench.unknown());
    let other = bench.unknown();
    let error = bench.refused(|tx| tx.insert(&[Draft::new(&named).id(other)]));
    assert!(matches!(error, Error::OutOfRange { .. }), "{error:?}");
    let error = bench.refused(|tx| tx.insert(&[Draft::new(&NewEntry::new(" "))]));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = bench.refused(|tx| tx.insert(&[Draft::new(&NewEntry::new("nul").content("a\0b"))]));
    assert!(matches!(error, Error::Nul { .. }), "{error:?}");
    assert_eq!(bench.read().count_entries().unwrap(), 3);
}

/// One by one and several at once, in the order asked for.
pub fn entries_are_found_by_id_and_by_row(bench: &Bench) {
    let [a, b, c] = bench.remember(["a", "b", "c"]);
    bench.write(|tx| tx.delete(b.id));
    let (tx, unknown) = (bench.read(), bench.unknown());
    let found = tx.get_many(&[c.id, unknown, b.id, a.id, c.id]).unwrap();
    let titles: Vec<_> = found.iter().map(|entry| entry.as_ref().map(|entry| &*entry.title)).collect();
    assert_eq!(titles, [Some("c"), None, None, Some("a"), Some("c")]);
    let rows = [c.row, b.row, a.row];
    assert_eq!(tx.entries(&rows).unwrap().iter().map(|found| found.0).collect::<Vec<_>>(), [c.row, a.row]);
    let readable = tx.readable_entries(&rows).unwrap();
    assert!(readable.iter().all(|(_, entry)| entry.is_ok()) && readable.len() == 2);
    let (row, entry) = tx.locate(c.id).unwrap();
    assert_eq!((row, entry.id, tx.row_of(a.id).unwrap()), (c.row, c.id, a.row));
    assert_eq!(tx.ids(&rows).unwrap(), [(a.row, a.id), (c.row, c.id)].into());
    assert_eq!(tx.first_by_id(&rows, 1).unwrap(), [a.row]);
    assert_eq!(tx.all_ids().unwrap(), [(a.row, a.id), (c.row, c.id)]);
    assert_eq!(tx.entries_after(a.row, 9).unwrap().iter().map(|found| found.0).collect::<Vec<_>>(), [c.row]);
    for id in [unknown, b.id] {
        let errors =
            [tx.get(id).err(), tx.locate(id).err(), tx.row_of(id).err(), bench.store().get(id).err()];
        for error in errors {
            assert!(matches!(error, Some(Error::EntryNotFound { id: of }) if of == id), "{error:?}");
        }
    }
    assert_eq!(bench.store().get(a.id).unwrap().title, "a");
}

/// What is patched changes; all else stays.
pub fn updates_change_what_they_say_and_stamp_it(bench: &Bench) {
    let written = bench.insert(&[NewEntry::new("before").content("text").project("p").tags(["x"])]);
    let before = bench.read().get(written[0].id).unwrap();
    bench.pass(5);
    let patch = EntryPatch::new().title("after").tags(["y", "z"]);
    let (row, after) = bench.write(|tx| tx.update(before.id, &patch));
    assert_eq!((row, &*after.title, &*after.content), (written[0].row, "after", "text"));
    assert_eq!((after.created_at, after.updated_at), (before.created_at, bench.now()));
    assert_eq!(
        (after.project.as_deref(), &after.tags[..]),
        (Some("p"), &["y".to_owned(), "z".to_owned()][..])
    );
    assert_eq!(bench.read().get(before.id).unwrap(), after);
}

/// No such entry, and values that no entry can have.
pub fn updates_that_cannot_be_are_refused(bench: &Bench) {
    let [entry] = bench.remember(["a"]);
    let unknown = bench.unknown();
    let error = bench.refused(|tx| tx.update(unknown, &EntryPatch::new().title("b")));
    assert!(matches!(error, Error::EntryNotFound { .. }), "{error:?}");
    let error = bench.refused(|tx| tx.update(entry.id, &EntryPatch::new().title("")));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(bench.read().get(entry.id).unwrap().title, "a");
}

/// Vectors, links, places, and names of successors.
pub fn what_hangs_on_an_entry_goes_with_it(bench: &Bench) {
    let [a, b] = bench.remember(["a", "b"]);
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        tx.insert_vectors(a.row, &[super::vector(&space, 0, &[0.0, 1.0])])?;
        tx.link(a.id, b.id, &Relation::from("related"), None)?;
        tx.supersede(b.id, a.id)?;
        let source = tx.put_source("file:///x", None, TextDigest::unknown())?;
        let digest = TextDigest::unknown();
        tx.place_section(
            a.row,
            &crate::NewPlace { source, number: 0, path: &[], line: None, digest, tags: &[] },
        )?;
        Ok(space)
    });
    bench.write(|tx| tx.delete(a.id));
    let tx = bench.read();
    assert_eq!((tx.count_vectors(space.id).unwrap(), tx.count_sections("").unwrap()), (0, 0));
    assert_eq!(tx.links(b.id).unwrap(), []);
    assert_eq!(tx.get(b.id).unwrap().superseded_by, None);
    assert!(tx.sample_of_entries(space.id, Role::Summary, 9).unwrap().is_empty());
    drop(tx);
    let error = bench.refused(|tx| tx.delete(a.id));
    assert!(matches!(error, Error::EntryNotFound { .. }), "{error:?}");
}

/// Those that are there, each once, in order.
pub fn many_entries_are_deleted_at_once(bench: &Bench) {
    let written =
        bench.insert(&["a", "b", "c", "d", "e"].map(|title| NewEntry::new(title).tags([title, "all"])));
    let id = |at: usize| written[at].id;
    let unknown = bench.unknown();
    assert_eq!(bench.write(|tx| tx.delete_many(&[id(2), unknown, id(0), id(2)])), [id(2), id(0)]);
    assert_eq!(
        bench.write(|tx| tx.delete_matching(&crate::Filter::new().tag_any("d").tag_any("a"))),
        [id(3)]
    );
    let error = bench.refused(|tx| tx.delete_matching(&crate::Filter::new()));
    assert!(matches!(error, Error::Unconditional), "{error:?}");
    assert_eq!(bench.write(|tx| tx.delete_all()), [id(1), id(4)]);
    assert_eq!(bench.read().count_entries().unwrap(), 0);
}
