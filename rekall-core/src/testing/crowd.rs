//! A store full of memories that look like the one under test.

use std::sync::Arc;

use super::{Made, vector};
use crate::{
    Draft, Entry, EntryId, Error, NewEntry, NewPlace, Relation, ScopeName, SpaceState, Store, TextDigest,
    Usage, WriteTx,
};

/// A name of a scope.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn scope(name: &str) -> ScopeName {
    name.parse().unwrap()
}

/// The memory of a scope, made where it is not there yet.
///
/// # Panics
/// When the store has no scopes.
#[must_use]
pub fn open_scope(store: &dyn Store, name: &str) -> Arc<dyn Store> {
    store.scopes().expect("scopes").open(&scope(name)).unwrap()
}

/// An empty scope in a store whose memory without a name, and whose scopes before and after it, hold what tests write: the same texts,
/// tags, names and times, vectors and links. The suite holds in it as in a store of its own:
/// `store_conformance!(in_a_scope, scoped)`, where `scoped` is `make(clock).map(testing::in_a_crowd)`.
///
/// # Panics
/// When the store has no scopes.
#[must_use]
pub fn in_a_crowd((store, kept): Made) -> Made {
    let before = open_scope(&*store, "before");
    let scoped = open_scope(&*store, "tested");
    let after = open_scope(&*store, "tested ");
    for other in [&*store, &*before, &*after] {
        fill(other);
    }
    let kept = (store, before, after, kept);
    (scoped, Box::new(kept))
}

/// Does something in a transaction of its own.
pub(super) fn write<T>(store: &dyn Store, work: impl FnOnce(&mut dyn WriteTx) -> Result<T, Error>) -> T {
    let mut tx = store.write().unwrap();
    let done = work(&mut *tx).unwrap();
    tx.commit().unwrap();
    done
}

/// An id that is the same wherever it is asked for.
pub(super) fn id(number: u64) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

fn fill(store: &dyn Store) {
    let now = store.now_ms();
    let titles = ["a", "b", "c", "d", "e", "CORS fails on Safari", "first", "second", "bare"];
    let mut entries: Vec<NewEntry> = titles
        .iter()
        .map(|title| {
            NewEntry::new(*title)
                .content("text one two three")
                .kind("bug")
                .project("shop")
                .tags([*title, "all", "x"])
        })
        .collect();
    // More than wait to be moved into a segment.
    entries.extend((0..300).map(|number| NewEntry::new(format!("note {number} one two")).tags(["x", "all"])));
    entries.push(NewEntry::new("past").expires_at(now - 1));
    entries.push(NewEntry::new("passing").expires_at(now + 5).valid_from(now - 5).valid_to(now + 5));
    write(store, |tx| {
        let space = tx.ensure_active_space("model", 2)?;
        let units = [[1.0, 0.0], [0.0, 1.0]];
        let vectors = [vector(&space, 0, &units[0]), vector(&space, 1, &units[1])];
        let drafts: Vec<Draft<'_>> = entries
            .iter()
            .zip(1..)
            .map(|(entry, number)| {
                let draft = Draft::new(entry).id(id(number));
                if number % 3 == 0 { draft } else { draft.vectors(&vectors) }
            })
            .collect();
        let written = tx.insert(&drafts)?;
        let other = tx.add_space("next", 2, SpaceState::Building)?;
        tx.insert_vectors(written[0].row, &[vector(&other, 0, &units[0])])?;
        tx.mark_wordless(written[2].row, space.id)?;
        tx.link(written[0].id, written[1].id, &Relation::from("related"), Some("why"))?;
        tx.link(written[1].id, written[2].id, &Relation::from("related"), None)?;
        tx.supersede(written[3].id, written[4].id)?;
        tx.record_usage(&[(written[0].id, Usage::new(now, 3))])?;
        let digest = TextDigest::unknown();
        for (uri, at) in [("file:///1", 0_usize), ("file:///a/b.md", 3), ("file:///x", 6), ("note:1", 8)] {
            let source = tx.put_source(uri, Some("stamp"), digest)?;
            let path = ["a".to_owned()];
            for number in 0..2 {
                let place = NewPlace { source, number, path: &path, line: Some(1), digest, tags: &[] };
                let row = written[(at + usize::try_from(number).unwrap()) % written.len()].row;
                tx.place_section(row, &place)?;
            }
            tx.orphan_sections(source, &[written[at].row])?;
        }
        let position = tx.position()?;
        for kind in ["kind", "sq8", "a"] {
            tx.replace_index_blocks(space.id, kind, position, &mut (0..3).map(|byte| vec![byte; 9]))?;
        }
        tx.delete(written[5].id)
    });
}

/// What another memory sees of an entry that may not have touched it.
pub(super) fn titles(store: &dyn Store) -> Vec<(EntryId, String)> {
    let entries = store.read().unwrap().entries_after(0, usize::MAX >> 1).unwrap();
    entries.into_iter().map(|(_, Entry { id, title, .. })| (id, title)).collect()
}
