//! What the index persists in the file makes the next process faster and never changes a result.

use std::path::Path;
use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{Builder, EntryPatch, Mode, NewEntry, Rekall, VectorBackend};

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
    fresh.rebuild_index().run().unwrap();
    assert_eq!(answers(&fresh), expected);
    drop(fresh);

    let cold = open(&path, sq8);
    assert_eq!(answers(&cold), expected, "from what was persisted");
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

    // That none are there is no loss either.
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute("DELETE FROM index_block", []).unwrap();
    let lean = open(&path, streamed);
    assert_eq!(answers(&lean), expected, "no blocks at all");
    assert_eq!(lean.stats().unwrap().index_backend, Some("rows in the file"));
}

/// What may befall blocks, each of several.
const DAMAGES: [&str; 9] = [
    "UPDATE index_block SET data = zeroblob(length(data)) WHERE number = 0",
    "UPDATE index_block SET data = substr(data, 1, length(data) / 2) WHERE number = 1",
    "UPDATE index_block SET data = x'' WHERE number = 2",
    "UPDATE index_block SET data = 'a text' WHERE number = 1",
    "UPDATE index_block SET seq = seq - 1 WHERE number = 1",
    "DELETE FROM index_block WHERE number = 0",
    "DELETE FROM index_block WHERE number = 1",
    "DELETE FROM index_block WHERE number = 2",
    "DELETE FROM index_block WHERE number = 3",
];

#[test]
fn damaged_and_lost_blocks_cost_time_only_and_are_renewed() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(32))));
    let notes: Vec<NewEntry> =
        (0..ENTRIES).map(|n| NewEntry::new(format!("alpha{} beta{} n{n}", n % 13, n % 7))).collect();
    memory.remember_many(&notes).run().unwrap();
    let path = memory.path().to_owned();
    let expected = answers(&open(&path, |builder| builder.vector_backend(VectorBackend::Flat)));
    let foreign = rusqlite::Connection::open(&path).unwrap();
    let blocks = || -> Vec<(i64, i64, Vec<u8>)> {
        let mut select =
            foreign.prepare("SELECT number, seq, data FROM index_block ORDER BY number").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for (name, configure) in
        [("held", sq8 as fn(Builder) -> Builder), ("streamed", streamed as fn(Builder) -> Builder)]
    {
        for damage in DAMAGES {
            // Made a thousand rows at a time: three blocks and the seal, whoever reads them.
            let maker = open(&path, streamed);
            maker.rebuild_index().run().unwrap();
            drop(maker);
            let sound = blocks();
            assert_eq!(sound.len(), 4, "{name}: {damage}");
            let running = open(&path, configure);
            assert_eq!(answers(&running), expected, "{name}: sound");
            assert_eq!(foreign.execute(damage, []).unwrap(), 1, "{damage}");
            for rekall in [&running, &open(&path, configure)] {
                assert_eq!(answers(rekall), expected, "{name}: {damage}");
                assert_eq!(answers(rekall), expected, "{name}, once more: {damage}");
                assert_eq!(rekall.recall("alpha7").run().unwrap().len(), 10, "{name}: {damage}");
            }
            // A process that knows of it renews them with its next write; the row itself changes no answer.
            let writer = open(&path, configure);
            answers(&writer);
            let id = writer.remember(NewEntry::new("zeta1 zeta2 zeta3")).unwrap();
            writer.forget(id).unwrap();
            if foreign.query_row("SELECT count(*) FROM index_block WHERE number = 0", [], |r| r.get(0))
                == Ok(1)
            {
                assert_ne!(blocks(), sound, "{name}: {damage}");
            }
            assert_eq!(answers(&open(&path, streamed)), expected, "{name}, renewed: {damage}");
            assert_eq!(answers(&open(&path, sq8)), expected, "{name}, renewed: {damage}");
        }
    }
}

#[test]
fn one_rotten_row_breaks_no_search() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(32))));
    let notes: Vec<NewEntry> = (0..ENTRIES).map(|n| NewEntry::new(format!("alpha{} n{n}", n % 13))).collect();
    memory.remember_many(&notes).run().unwrap();
    let path = memory.path().to_owned();
    open(&path, sq8).rebuild_index().run().unwrap();
    let (held, lean) = (open(&path, sq8), open(&path, streamed));
    assert_eq!(answers(&held), answers(&lean));
    let nearest = held.recall("alpha1 beta2").mode(Mode::Semantic).limit(2).run().unwrap();
    let [first, second] = [0, 1].map(|at| nearest[at].entry.id.to_string());
    // As the disk may do it: the log knows nothing of it.
    let foreign = rusqlite::Connection::open(&path).unwrap();
    let triggers: Vec<(String, String)> = foreign
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'embedding'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    triggers.iter().for_each(|(name, _)| foreign.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    let of = "WHERE entry_id = (SELECT id FROM entry WHERE ulid = ?1)";
    let spoilt = format!("UPDATE embedding SET vector = zeroblob(length(vector)) {of}");
    assert_eq!(foreign.execute(&spoilt, [&first]).unwrap(), 1);
    assert_eq!(foreign.execute(&format!("DELETE FROM embedding {of}"), [&second]).unwrap(), 1);
    triggers.iter().for_each(|(_, sql)| foreign.execute_batch(sql).unwrap());

    let expected = answers(&open(&path, |builder| builder.vector_backend(VectorBackend::Flat)));
    for (name, rekall) in [
        ("held", held),
        ("streamed", lean),
        ("held, started anew", open(&path, sq8)),
        ("streamed, started anew", open(&path, streamed)),
    ] {
        assert_eq!(answers(&rekall), expected, "{name}");
        let found = rekall.recall("alpha1 beta2").mode(Mode::Semantic).run().unwrap();
        assert!(
            found
                .degraded
                .iter()
                .any(|degraded| matches!(degraded, rekall::Degraded::UnusableVectors { .. })),
            "{name}: {:?}",
            found.degraded
        );
    }
}

#[test]
fn a_budget_holds_after_one_large_write_of_long_entries() {
    // A text of 2,000 words is more than ten passages, so few entries are many rows.
    let model = || Arc::new(WordModel::new(256));
    let memory = memory_with(|builder| streamed(builder.embedder(model())));
    memory.remember_many(&[NewEntry::new("alpha1"), NewEntry::new("alpha2")]).run().unwrap();
    memory.rebuild_index().run().unwrap();
    answers(&memory);
    let long = |n: usize| {
        let words: Vec<String> = (0..2000).map(|word| format!("w{n}x{word}")).collect();
        NewEntry::new(format!("alpha{n}")).content(words.join(" "))
    };
    let notes: Vec<NewEntry> = (0..100).map(long).collect();
    memory.remember_many(&notes).run().unwrap();
    let flat =
        Rekall::builder(memory.path()).embedder(model()).vector_backend(VectorBackend::Flat).open().unwrap();
    assert_eq!(answers(&memory), answers(&flat));
    let stats = memory.stats().unwrap();
    assert!(stats.index_rows > 1_100, "more than a mebibyte of vectors: {}", stats.index_rows);
    assert!(stats.memory.index <= 1 << 20, "{} bytes", stats.memory.index);
    memory.remember(NewEntry::new("alpha3")).unwrap();
    assert_eq!(answers(&memory), answers(&flat));
    assert_eq!(memory.stats().unwrap().index_backend, Some("sq8 in the file"), "the next write persisted it");
    assert!(memory.recall("alpha3").run().unwrap().degraded.is_empty());
}

#[test]
fn a_base_that_another_process_renewed_is_taken_up() {
    // More than a mebibyte of vectors: of less no index is missed.
    const WIDE: usize = 1024;
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(WIDE))));
    let notes: Vec<NewEntry> = (0..300).map(|n| NewEntry::new(format!("alpha{} n{n}", n % 13))).collect();
    memory.remember_many(&notes).run().unwrap();
    let path = memory.path().to_owned();
    open_wide(&path, WIDE, sq8).rebuild_index().run().unwrap();
    let lean = open_wide(&path, WIDE, streamed);
    let before = answers(&lean);
    drop(lean);
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM index_block", []).unwrap();
    let lean = open_wide(&path, WIDE, streamed);
    let found = lean.recall("alpha7").run().unwrap();
    assert_eq!(found.degraded, [rekall::Degraded::NotIndexed { rows: 300 }], "slow, complete, and said");
    assert_eq!(answers(&lean), before);
    lean.rebuild_index().run().unwrap();
    assert!(lean.recall("alpha7").run().unwrap().degraded.is_empty());
    memory.remember(NewEntry::new("gamma5 beta0 alpha3")).unwrap();
    let after = answers(&lean);
    assert_ne!(before, after);
    // The blocks under the view are replaced by others, and no row changes.
    open_wide(&path, WIDE, sq8).rebuild_index().run().unwrap();
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
    memory.reembed_with_embedder(Arc::new(WordModel::named("other", 8))).run().unwrap();
    let flat = Rekall::builder(&path).embedder(Arc::new(WordModel::named("other", 8))).open().unwrap();
    assert_eq!(answers(&memory), answers(&flat), "with a model of other dimensions");
    assert!(memory.check().run().unwrap().is_clean(), "{:?}", memory.check().run());
    assert!(
        flat.check().run().unwrap().is_clean(),
        "also for a process that knows no vec0: {:?}",
        flat.check().run()
    );
    memory.compact().run().unwrap();
    assert_eq!(answers(&memory), answers(&flat), "compacted");
    open(&path, |builder| builder.embedder(Arc::new(WordModel::named("other", 8))))
        .rebuild_index()
        .run()
        .unwrap();
    let left: i64 = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_master WHERE name LIKE 'rekall_vec0%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "a rebuild for another backend drops the table");
    assert_eq!(answers(&memory), answers(&flat), "from the rows");
}

#[test]
fn within_a_budget_writes_renew_what_is_persisted() {
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
    memory.rebuild_index().run().unwrap();
    assert_eq!(answers(&memory), before);
    assert!(memory.stats().unwrap().memory.index < 10_000);
}

#[cfg(feature = "sqlite-vec")]
#[test]
fn no_copy_of_an_erased_vector_stays_in_the_table_of_another_backend() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let open = |backend| {
        let builder = Rekall::builder(&path).vectors_of("host", 8).secure_delete(true);
        builder.vector_backend(backend).open().unwrap()
    };
    // Of length 1 as they are, so these bytes are stored.
    let secret = [0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0_f32];
    let copies = || {
        let bytes = std::fs::read(&path).unwrap();
        let secret: Vec<u8> = secret.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes.windows(secret.len()).filter(|window| *window == secret).count()
    };
    let memory = open(VectorBackend::SqliteVec);
    let id = memory.remember_with_vector(NewEntry::new("secret"), &secret).unwrap();
    memory.remember_with_vector(NewEntry::new("other"), &[0.0, 0.0, 0.0, 0.0, 0.5, -0.5, 0.5, -0.5]).unwrap();
    memory.rebuild_index().run().unwrap();
    drop(memory);
    assert_eq!(copies(), 2, "the row and the table's copy");

    let memory = open(VectorBackend::Flat);
    memory.forget(id).unwrap();
    drop(memory);
    assert_eq!(copies(), 0);
    let memory = open(VectorBackend::SqliteVec);
    let found = memory.recall_vector(&secret).limit(10).run().unwrap();
    assert_eq!(found.len(), 1);
    assert!(memory.check().run().unwrap().is_clean());
}
