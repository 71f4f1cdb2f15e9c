//! Memories full of what the tests of another one use: titles, tags, sources, spaces, blocks.

use std::sync::Arc;

use rekall_core::{Draft, NewEntry, NewPlace, NewVector, Relation, Role, Status, Store, TextDigest, Usage};
use rekall_postgres::PostgresStore;

/// Titles, in which the words of most tests occur.
const TITLES: [&str; 12] = [
    "a",
    "b",
    "c",
    "one",
    "two",
    "note",
    "red apple",
    "green apple",
    "CORS fails on Safari",
    "disk full",
    "old",
    "new",
];

/// A new scope of a store whose other memories are full: the one without a name, and a scope before and after it.
pub(crate) fn scope_among_others(store: &PostgresStore) -> Arc<dyn Store> {
    fill(store);
    let scopes = store.scopes().unwrap();
    fill(&*scopes.open(&"before".parse().unwrap()).unwrap());
    let made = scopes.open(&"tested".parse().unwrap()).unwrap();
    fill(&*scopes.open(&"after".parse().unwrap()).unwrap());
    made
}

/// Two scopes that are full, in a store.
pub(crate) fn fill_scopes(store: &PostgresStore) {
    for name in ["before", "after"] {
        fill(&*store.scopes().unwrap().open(&name.parse().unwrap()).unwrap());
    }
}

fn fill(store: &dyn Store) {
    let now = store.now_ms();
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    tx.add_space("other", 3, rekall_core::SpaceState::Building).unwrap();
    let vector = |chunk, values| NewVector {
        space: space.id,
        role: Role::Summary,
        chunk,
        start: 0,
        end: 4,
        digest: TextDigest::of("note"),
        values,
    };
    let mut made = Vec::new();
    for (at, title) in TITLES.iter().enumerate() {
        let mut entry = NewEntry::new(*title);
        entry.content = format!("{title}, about apples and a disk");
        entry.tags = vec!["a".into(), "b".into(), "x".into(), "ops".into()];
        entry.project = Some(["p", "rekall", "a"][at % 3].into());
        entry.metadata.insert("n".into(), at.into());
        entry.expires_at = match at % 4 {
            0 => Some(now + 1),
            1 => Some(now - 1),
            _ => None,
        };
        let vectors = [vector(0, &[1.0, 0.0]), vector(1, &[0.6, 0.8])];
        let vectors = if at % 3 == 0 { &[][..] } else { &vectors[..] };
        made.push(tx.insert(&[Draft::new(&entry).vectors(vectors)]).unwrap()[0]);
    }
    let [first, second, third] = [made[0], made[1], made[2]];
    tx.link(first.id, second.id, &Relation::from("related".to_owned()), Some("why")).unwrap();
    tx.supersede(second.id, third.id).unwrap();
    tx.update(third.id, &rekall_core::EntryPatch::new().status(Status::Obsolete)).unwrap();
    tx.mark_wordless(first.row, space.id).unwrap();
    tx.record_usage(&[(third.id, Usage::new(now, 3))]).unwrap();
    for (uri, number) in [("file:///a", 0), ("file:///a/b.md", 1), ("file:a", 2)] {
        let source = tx.put_source(uri, Some("stamp"), TextDigest::of(uri)).unwrap();
        let place =
            NewPlace { source, number, path: &[], line: None, digest: TextDigest::of("a"), tags: &[] };
        let placed = made[usize::try_from(number).unwrap()].row;
        tx.place_section(placed, &place).unwrap();
        if number == 1 {
            tx.orphan_sections(source, &[placed]).unwrap();
        }
    }
    tx.commit().unwrap();
    let mut tx = store.write().unwrap();
    let position = tx.position().unwrap();
    for kind in ["sq8", "flat", "kind"] {
        tx.replace_index_blocks(space.id, kind, position, &mut [vec![1, 2, 3]].into_iter()).unwrap();
    }
    tx.delete(made[11].id).unwrap();
    tx.commit().unwrap();
}
