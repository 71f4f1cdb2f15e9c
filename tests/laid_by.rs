//! What the index lays by in the file makes the next process faster and never changes a result.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{WordModel, memory_with};
use rekall::{Builder, EntryPatch, Mode, NewEntry, Rekall, VectorBackend, Watch};

const ENTRIES: usize = 3_000;

fn open(path: &Path, configure: impl FnOnce(Builder) -> Builder) -> Rekall {
    open_wide(path, 32, configure)
}

fn open_wide(path: &Path, dimensions: usize, configure: impl FnOnce(Builder) -> Builder) -> Rekall {
    configure(Rekall::builder(path).embedder(Arc::new(WordModel::new(dimensions)))).open().unwrap()
}

fn sq8(builder: Builder) -> Builder {
    builder.vector_backend(VectorBackend::Sq8)
}

#[cfg(feature = "sqlite-vec")]
fn sqlite_vec(builder: Builder) -> Builder {
    builder.vector_backend(VectorBackend::SqliteVec)
}

fn streamed(builder: Builder) -> Builder {
    builder.memory_budget(0)
}

type Answer = Vec<(String, u32)>;

fn answers(rekall: &Rekall) -> Vec<Answer> {
    ["alpha1 beta2", "alpha7", "gamma5 beta0 alpha3", "rewritten"]
        .iter()
        .map(|query| {
            let found = rekall.recall(query).mode(Mode::Semantic).limit(20).run().unwrap();
            found.iter().map(|hit| (hit.entry.id.to_string(), hit.similarity.unwrap().to_bits())).collect()
        })
        .collect()
}

#[test]
fn every_way_of_starting_gives_the_same_bits() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(32))));
    let notes: Vec<NewEntry> = (0..ENTRIES)
        .map(|n| NewEntry::new(format!("alpha{} beta{} gamma{} n{n}", n % 13, n % 7, n % 29)))
        .collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    let path = memory.path().to_owned();
    let expected = answers(&open(&path, |builder| builder.vector_backend(VectorBackend::Flat)));

    let fresh = open(&path, sq8);
    assert_eq!(answers(&fresh), expected);
    assert_eq!(fresh.stats().unwrap().index_backend, Some("sq8"));
    fresh.rebuild_index(Watch::new()).unwrap();
    assert_eq!(answers(&fresh), expected);
    drop(fresh);

    let cold = open(&path, sq8);
    assert_eq!(answers(&cold), expected, "from what was laid by");
    let lean = open(&path, streamed);
    assert_eq!(answers(&lean), expected, "from the file, block by block");
    assert_eq!(lean.stats().unwrap().index_backend, Some("sq8 in the file"));
    assert!(lean.stats().unwrap().memory.index < 10_000);

    // Changes since: one entry new, one other, one gone.
    memory.remember(NewEntry::new("alpha7 alpha7")).unwrap();
    memory.update(ids[5], &EntryPatch::new().title("rewritten")).unwrap();
    memory.forget(ids[7]).unwrap();
    let expected = answers(&open(&path, |builder| builder.vector_backend(VectorBackend::Flat)));
    for (name, rekall) in [
        ("held", cold),
        ("streamed", lean),
        ("held, started anew", open(&path, sq8)),
        ("streamed, started anew", open(&path, streamed)),
    ] {
        assert_eq!(answers(&rekall), expected, "{name}");
    }

    // Blocks that cannot be read are no loss.
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute("UPDATE index_block SET data = zeroblob(length(data)) WHERE number = 1", []).unwrap();
    assert_eq!(answers(&open(&path, sq8)), expected, "damaged blocks");
    foreign.execute("DELETE FROM index_block", []).unwrap();
    let lean = open(&path, streamed);
    assert_eq!(answers(&lean), expected, "no blocks at all");
    assert_eq!(lean.stats().unwrap().index_backend, Some("rows in the file"));
}

#[test]
fn a_base_that_another_process_renewed_is_taken_up() {
    // More than a mebibyte of vectors: of less no index is missed.
    const WIDE: usize = 1024;
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(WIDE))));
    let notes: Vec<NewEntry> = (0..300).map(|n| NewEntry::new(format!("alpha{} n{n}", n % 13))).collect();
    memory.remember_many(&notes).run().unwrap();
    let path = memory.path().to_owned();
    open_wide(&path, WIDE, sq8).rebuild_index(Watch::new()).unwrap();
    let lean = open_wide(&path, WIDE, streamed);
    let before = answers(&lean);
    drop(lean);
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM index_block", []).unwrap();
    let lean = open_wide(&path, WIDE, streamed);
    let found = lean.recall("alpha7").run().unwrap();
    assert_eq!(found.degraded, [rekall::Degraded::NotIndexed { rows: 300 }], "slow, complete, and said");
    assert_eq!(answers(&lean), before);
    lean.rebuild_index(Watch::new()).unwrap();
    assert!(lean.recall("alpha7").run().unwrap().degraded.is_empty());
    memory.remember(NewEntry::new("gamma5 beta0 alpha3")).unwrap();
    let after = answers(&lean);
    assert_ne!(before, after);
    // The blocks under the view are replaced by others, and no row changes.
    open_wide(&path, WIDE, sq8).rebuild_index(Watch::new()).unwrap();
    assert_eq!(answers(&lean), after);
}

#[test]
#[cfg(feature = "sqlite-vec")]
fn a_vec0_table_follows_every_sort_of_write() {
    let memory = memory_with(|builder| sqlite_vec(builder.embedder(Arc::new(WordModel::new(32)))));
    let path = memory.path().to_owned();
    let agree = |state: &str| {
        let flat = open(&path, |builder| builder.vector_backend(VectorBackend::Flat));
        assert_eq!(answers(&memory), answers(&flat), "{state}");
        assert_eq!(memory.stats().unwrap().index_backend, Some("sqlite-vec"), "{state}");
    };
    let notes: Vec<NewEntry> = (0..1_000)
        .map(|n| NewEntry::new(format!("alpha{} beta{} gamma{} n{n}", n % 13, n % 7, n % 29)))
        .collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    agree("filled by the first write");
    assert!(memory.stats().unwrap().memory.index < 10_000, "next to nothing in memory");
    for (n, id) in ids.iter().enumerate().take(600) {
        match n % 2 {
            0 => memory.forget(*id).unwrap(),
            _ => drop(memory.update(*id, &EntryPatch::new().title(format!("rewritten {n}"))).unwrap()),
        }
    }
    agree("after hundreds of single changes");
    assert_eq!(memory.stats().unwrap().index_rows, 700, "each vector counts once");
    open(&path, |builder| builder).remember(NewEntry::new("alpha7 beta2")).unwrap();
    agree("after a write by a process that has no table");
    memory.reembed_with_embedder(Arc::new(WordModel::named("other", 8)), rekall::Watch::new()).unwrap();
    let flat = Rekall::builder(&path).embedder(Arc::new(WordModel::named("other", 8))).open().unwrap();
    assert_eq!(answers(&memory), answers(&flat), "with a model of other dimensions");
    assert!(memory.check(Watch::new()).unwrap().is_clean(), "{:?}", memory.check(Watch::new()));
    assert!(
        flat.check(Watch::new()).unwrap().is_clean(),
        "also for a process that knows no vec0: {:?}",
        flat.check(Watch::new())
    );
    memory.compact(Watch::new()).unwrap();
    assert_eq!(answers(&memory), answers(&flat), "compacted");
    open(&path, |builder| builder.embedder(Arc::new(WordModel::named("other", 8))))
        .rebuild_index(Watch::new())
        .unwrap();
    let left: i64 = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_master WHERE name LIKE 'rekall_vec0%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "a rebuild for another backend drops the table");
    assert_eq!(answers(&memory), answers(&flat), "from the rows");
}

#[test]
fn within_a_budget_writes_renew_what_is_laid_by() {
    let memory = memory_with(|builder| streamed(builder.embedder(Arc::new(WordModel::new(32)))));
    let notes: Vec<NewEntry> = (0..9_000).map(|n| NewEntry::new(format!("alpha{} n{n}", n % 13))).collect();
    for notes in notes.chunks(3_000) {
        memory.remember_many(notes).run().unwrap();
    }
    let before = answers(&memory);
    let found = memory.recall("alpha7").run().unwrap();
    assert!(found.degraded.is_empty(), "{:?}", found.degraded);
    assert_eq!(memory.stats().unwrap().index_backend, Some("sq8 in the file"));
    assert!(memory.stats().unwrap().memory.index < 1_200_000, "{:?}", memory.stats());
    assert_eq!(before, answers(&open(memory.path(), |builder| builder.vector_backend(VectorBackend::Flat))));
    memory.rebuild_index(Watch::new()).unwrap();
    assert_eq!(answers(&memory), before);
    assert!(memory.stats().unwrap().memory.index < 10_000);
}
