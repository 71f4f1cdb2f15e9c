//! Many entries at once: their words are read while the server writes them.

use rekall_core::store::{WriteEntries, WriteSpaces};
use rekall_core::{Context, Draft, EntryId, EntryPatch, NewEntry, NewVector, Role, TextDigest};

use super::super::PostgresStore;
use super::{foreign, memory};
use crate::testing::Server;

fn id(number: usize) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

fn note(number: usize) -> NewEntry {
    let tags: Vec<String> = (0..number % 4).map(|tag| format!("tag{}", tag % 2)).collect();
    let words = ["heron", "d\u{e9}p\u{f4}t", "\u{732b}", "e-mail", "the kingfishers"];
    let content: Vec<&str> = (0..number % 60).map(|at| words[(at * number) % 5]).collect();
    let mut note = NewEntry::new(format!("note {number}")).content(content.join(" ")).tags(tags);
    if number.is_multiple_of(3) {
        note.context = Some(Context { situation: Some(format!("weir {number}")), ..Context::default() });
    }
    note
}

/// Writes notes in one transaction, so many with one call; gives what the tables hold that follows from them.
fn written(server: &Server, store: &PostgresStore, notes: usize, at_once: usize) -> Vec<String> {
    let mut tx = store.begin_write().unwrap();
    let space = tx.ensure_active_space("model", 384).unwrap();
    let mut values = vec![0.0; 384];
    values[0] = 1.0;
    let entries: Vec<NewEntry> = (0..notes).map(note).collect();
    let vectors: Vec<Vec<NewVector<'_>>> = (0..notes)
        .map(|number| {
            let digest = TextDigest::of(&entries[number].title);
            let (role, chunks) = (Role::Summary, 0..(number * 7 % 5) as u16);
            let new =
                |chunk| NewVector { space: space.id, role, chunk, start: 0, end: 9, digest, values: &values };
            chunks.map(new).collect()
        })
        .collect();
    let drafts: Vec<Draft<'_>> = entries
        .iter()
        .zip(&vectors)
        .zip(1..)
        .map(|((entry, vectors), number)| Draft::new(entry).id(id(number)).vectors(vectors))
        .collect();
    for drafts in drafts.chunks(at_once) {
        tx.insert(drafts).unwrap();
    }
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    let tables = [
        "(SELECT id, ulid, title, content, tags, context, metadata FROM entry)",
        "embedding",
        "tag",
        "pending",
        "wordless",
        "word_pending",
        "(SELECT entry_id FROM change)",
        "word_segment",
        "word_page",
    ];
    let digest = |table| {
        let sql = format!(
            "SELECT count(*), md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM {table} AS row"
        );
        foreign(server, store, &sql).unwrap()
    };
    tables.into_iter().map(digest).collect()
}

#[test]
fn a_large_batch_leaves_the_rows_that_small_ones_leave() {
    let Some(server) = Server::shared() else { return };
    let (small, large) = (memory(server), memory(server));
    // Several statements for the entries, and for their vectors.
    let small = written(server, &small, 3_500, 250);
    assert_eq!(written(server, &large, 3_500, usize::MAX), small);
    assert!(small[0].starts_with("3500|") && small[1].starts_with("7000|"), "{small:?}");
}

#[test]
fn the_words_of_a_batch_are_kept_until_something_else_is_written() {
    let Some(server) = Server::shared() else { return };
    let store = memory(server);
    let entries: Vec<NewEntry> = (0..900).map(note).collect();
    let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts[..300]).unwrap();
    assert!(tx.kept_words().is_some());
    let inserted = tx.insert(&drafts[300..600]).unwrap();
    tx.update(inserted[0].id, &EntryPatch::new().content("a plover, later")).unwrap();
    assert!(tx.kept_words().is_none());
    tx.insert(&drafts[600..610]).unwrap();
    assert!(tx.kept_words().is_none(), "too few to be moved into a segment");
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());

    // Another program's trigger decides on what is stored.
    let trigger = "CREATE FUNCTION redact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.title := 'redacted'; RETURN NEW; END $$;
        CREATE TRIGGER redact BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION redact()";
    foreign(server, &store, trigger).unwrap();
    let mut tx = store.begin_write().unwrap();
    tx.insert(&drafts[610..]).unwrap();
    assert!(tx.kept_words().is_none());
    tx.finish().unwrap();
    assert_eq!(store.check_words().unwrap(), Vec::<String>::new());
    let redacted = foreign(server, &store, "SELECT count(*) FROM entry WHERE title = 'redacted'").unwrap();
    assert_eq!(redacted.trim(), "290");
}
