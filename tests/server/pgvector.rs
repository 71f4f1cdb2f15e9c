//! The server searches: the same hits as from an index in memory, whoever writes; a graph finds nearly all, and says what it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::WordModel;
use crate::common::engine::{Engine, Memory};
use rekall::{
    CancelToken, Degraded, EntryId, EntryPatch, ErrorKind, Filter, Mode, NewEntry, Rekall, VectorBackend,
};
use rekall_postgres::testing::Server;

const DIMENSIONS: usize = 32;

/// A server with pgvector.
fn engine() -> Option<Engine> {
    let server = Server::shared()?;
    server.create_extension("vector");
    Some(Engine::Server(server))
}

fn memory(engine: Engine, backend: VectorBackend) -> Memory {
    engine.memory_with(|builder| builder.vectors_of("host", DIMENSIONS).vector_backend(backend))
}

fn beside(memory: &Memory, backend: VectorBackend) -> Rekall {
    memory.again(|builder| builder.vectors_of("host", DIMENSIONS).vector_backend(backend))
}

/// A unit vector that depends on a number alone.
fn vector(number: u64) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let row: Vec<f64> = (0..DIMENSIONS).map(|_| next()).collect();
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter().map(|x| (x / norm) as f32).collect()
}

fn remember(rekall: &Rekall, numbers: std::ops::Range<u64>) -> Vec<EntryId> {
    let entries: Vec<NewEntry> = numbers
        .clone()
        .map(|number| {
            NewEntry::new(format!("note {number}")).kind(if number % 3 == 0 { "task" } else { "note" })
        })
        .collect();
    let vectors: Vec<f32> = numbers.flat_map(vector).collect();
    rekall.remember_many(&entries).vectors(&vectors).run().unwrap()
}

/// The hits of a search by meaning.
fn find(rekall: &Rekall, query: &[f32], limit: usize, filter: &Filter) -> Vec<(EntryId, f32)> {
    let found = rekall.recall_vector(query).limit(limit).filter(filter.clone()).run().unwrap();
    assert!(found.degraded.is_empty(), "{:?}", found.degraded);
    found.iter().map(|hit| (hit.entry.id, hit.similarity.unwrap())).collect()
}

/// Asks both the same.
fn compare(pushed: &Rekall, flat: &Rekall, ids: &[EntryId]) {
    let filters = [
        Filter::default(),
        Filter::default().kind("task"),
        Filter::default().not_kind("task").any_status(),
        Filter::default().ids(ids.iter().step_by(7).copied()),
        Filter::default().ids([]),
    ];
    for query in (0..6).map(|number| vector(number * 1_000_003)) {
        for filter in &filters {
            for limit in [1, 10, 300] {
                assert_eq!(find(pushed, &query, limit, filter), find(flat, &query, limit, filter));
            }
        }
    }
    assert_eq!(pushed.stats().unwrap().index_backend, Some("pgvector"));
}

#[test]
fn the_server_finds_what_an_index_in_memory_finds_whoever_writes() {
    let Some(engine) = engine() else { return };
    let pushed = memory(engine, VectorBackend::Pgvector);
    let flat = beside(&pushed, VectorBackend::Flat);
    let mut ids = remember(&pushed, 0..1_500);
    // Equal ones, more than are asked for.
    for _ in 0..3 {
        ids.extend(remember(&pushed, 40..60));
    }
    compare(&pushed, &flat, &ids);
    assert!(pushed.stats().unwrap().memory.index < 200_000, "no vectors but those that wait");

    pushed.forget(ids[3]).unwrap();
    pushed.update_with_vector(ids[5], &EntryPatch::new().title("another"), &vector(77_777)).unwrap();
    compare(&pushed, &flat, &ids);
    // A process that does not push, and one that is not rekall.
    remember(&flat, 5_000..5_300);
    compare(&pushed, &flat, &ids);
    pushed.foreign_sql(
        "DELETE FROM entry WHERE id BETWEEN 100 AND 120; UPDATE entry SET status = 'obsolete' WHERE id = 130",
    );
    pushed.foreign_sql("UPDATE embedding SET vector = (SELECT vector FROM embedding WHERE entry_id = 7) WHERE entry_id BETWEEN 200 AND 260");
    compare(&pushed, &flat, &ids);
    // The next write takes it in.
    remember(&pushed, 6_000..6_300);
    compare(&pushed, &flat, &ids);
    compare(&beside(&pushed, VectorBackend::Pgvector), &flat, &ids);
    // The table is lost, cut to nothing, made again.
    pushed.foreign_sql("DROP TABLE pgvector_0_1");
    let query = vector(1);
    let found = pushed.recall_vector(&query).run().unwrap();
    let expected = flat.recall_vector(&query).run().unwrap();
    assert_eq!(found.hits, expected.hits);
    assert!(matches!(found.degraded[..], [Degraded::NotIndexed { .. }]), "{:?}", found.degraded);
    pushed.rebuild_index().run().unwrap();
    compare(&pushed, &flat, &ids);
    pushed.foreign_sql("TRUNCATE pgvector_0_1");
    let found = pushed.recall_vector(&query).run().unwrap();
    assert!(matches!(found.degraded[..], [Degraded::NotIndexed { .. }]), "{:?}", found.degraded);
    remember(&pushed, 7_000..7_001);
    compare(&pushed, &flat, &ids);
}

#[test]
fn scopes_of_one_server_never_see_each_other() {
    let Some(engine) = engine() else { return };
    for backend in [VectorBackend::Pgvector, VectorBackend::PgvectorHnsw] {
        let memory = memory(engine, backend);
        let (ann, bob) = (memory.scope("ann").unwrap(), memory.scope("bob").unwrap());
        let of: [(&Rekall, BTreeSet<EntryId>); 3] =
            [(&*memory, 0..300), (&*ann, 300..500), (&*bob, 300..600)]
                .map(|(handle, numbers)| (handle, remember(handle, numbers).into_iter().collect()));
        for (handle, ids) in &of {
            let found = handle.recall_vector(vector(9)).limit(1_000).run().unwrap();
            let found: BTreeSet<EntryId> = found.iter().map(|hit| hit.entry.id).collect();
            assert_eq!(&found, ids);
        }
        memory.remove_scope("bob").unwrap();
        assert_eq!(ann.recall_vector(vector(9)).limit(1_000).run().unwrap().len(), 200);
    }
}

#[test]
fn a_graph_finds_nearly_all_is_never_short_and_says_what_it_is() {
    let Some(engine) = engine() else { return };
    let pushed = memory(engine, VectorBackend::PgvectorHnsw);
    let ids = remember(&pushed, 0..5_000);
    let flat = beside(&pushed, VectorBackend::Flat);
    let (mut right, mut wanted) = (0, 0);
    for number in 100_000..100_040 {
        let query = vector(number);
        let found = pushed.recall_vector(&query).limit(10).run().unwrap();
        assert_eq!(found.degraded, [Degraded::Approximate]);
        let exact = find(&flat, &query, 10, &Filter::default());
        assert_eq!(found.len(), exact.len());
        // What it finds is right to the last bit.
        for (hit, worst) in found.iter().zip(found.iter().skip(1)) {
            assert!(hit.similarity >= worst.similarity);
        }
        right += exact.iter().filter(|(id, _)| found.iter().any(|hit| hit.entry.id == *id)).count();
        wanted += exact.len();
        // Filters that leave few, more than there are, and all.
        for (filter, limit, expected) in [
            (Filter::default().ids(ids.iter().step_by(500).copied()), 20, 10),
            (Filter::default().kind("task"), 50, 50),
            (Filter::default().not_kind("task"), 6_000, 3_333),
            (Filter::default(), 6_000, 5_000),
        ] {
            if number % 20 == 0 {
                let found = pushed.recall_vector(&query).limit(limit).filter(filter).run().unwrap();
                assert_eq!(found.len(), expected);
            }
        }
    }
    assert!(right * 100 >= wanted * 95, "{right} of {wanted}");
    assert_eq!(pushed.stats().unwrap().index_backend, Some("pgvector-hnsw"));
    // A write is found by the next search.
    let newest = remember(&pushed, 200_000..200_001)[0];
    assert_eq!(pushed.recall_vector(vector(200_000)).limit(1).run().unwrap()[0].entry.id, newest);
    // The exact backend goes by the same table, and not by its graph.
    let exact = beside(&pushed, VectorBackend::Pgvector);
    let query = vector(55);
    assert_eq!(find(&exact, &query, 100, &Filter::default()), find(&flat, &query, 100, &Filter::default()));
}

#[test]
fn a_table_follows_the_memory_to_another_model() {
    let Some(engine) = engine() else { return };
    for backend in [VectorBackend::Pgvector, VectorBackend::PgvectorHnsw] {
        let words = Arc::new(WordModel::new(16));
        let pushed = engine.memory_with(|builder| builder.embedder(words).vector_backend(backend));
        let notes: Vec<NewEntry> = (0..300).map(|n| NewEntry::new(format!("note number{n}"))).collect();
        let ids = pushed.remember_many(&notes).run().unwrap();
        let first =
            |title: &str| pushed.recall(title).mode(Mode::Semantic).limit(1).run().unwrap()[0].entry.id;
        assert_eq!(first("note number150"), ids[150]);
        pushed.reembed_with_embedder(Arc::new(WordModel::named("other words", 24))).run().unwrap();
        assert_eq!(first("note number299"), ids[299]);
        let newest = pushed.remember(NewEntry::new("note number300")).unwrap();
        assert_eq!((first("note number300"), first("note number7")), (newest, ids[7]));
        assert_eq!(pushed.stats().unwrap().index_backend, Some(backend.to_string()).as_deref());
        pushed.foreign_sql(
            "SELECT 1 / (SELECT (count(*) = 1)::int FROM pg_tables
            WHERE schemaname = current_schema() AND tablename LIKE 'pgvector%')",
        );
    }
}

#[test]
fn a_table_of_many_vectors_is_made_only_on_request() {
    let Some(engine) = engine() else { return };
    let plain = memory(engine, VectorBackend::Flat);
    remember(&plain, 0..10_001);
    let pushed = beside(&plain, VectorBackend::Pgvector);
    remember(&pushed, 20_000..20_001);
    let found = pushed.recall_vector(vector(3)).limit(3).run().unwrap();
    assert_eq!(found.degraded, [Degraded::NotIndexed { rows: 10_002 }], "slow, complete, and said");
    let stopped = CancelToken::new();
    stopped.cancel();
    let error = pushed.rebuild_index().cancel(&stopped).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let mut stages = Vec::new();
    pushed.rebuild_index().progress(|at| stages.push((at.done, at.total))).run().unwrap();
    assert_eq!(stages.last(), Some(&(3, 3)));
    compare(&pushed, &plain, &[]);
    // Another backend drops what it does not use.
    plain.rebuild_index().run().unwrap();
    let found = pushed.recall_vector(vector(3)).limit(3).run().unwrap();
    assert!(matches!(found.degraded[..], [Degraded::NotIndexed { .. }]));
}

#[test]
fn what_cannot_be_pushed_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    for backend in [VectorBackend::Pgvector, VectorBackend::PgvectorHnsw] {
        let error = Rekall::builder(&file).without_model().vector_backend(backend).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("the vector backend pgvector, which is a table"), "{error}");
        assert!(!file.exists());
    }
    let Some(server) = Server::shared() else { return };
    server.create_extension("vector");
    server.psql("postgres", "CREATE DATABASE bare_of_pgvector TEMPLATE template0").unwrap();
    let open = |url: &str, dimensions, backend| {
        Rekall::builder(url).vectors_of("host", dimensions).vector_backend(backend).open()
    };
    let bare = open(&server.url("bare_of_pgvector"), 8, VectorBackend::Pgvector).unwrap_err();
    assert_eq!(bare.kind(), ErrorKind::Unsupported);
    assert!(bare.to_string().contains("0.8.4 or newer, got none: CREATE EXTENSION vector"), "{bare}");
    // Vectors that are too long for a graph.
    let url = server.memory_url();
    let long = vec![1.0 / 4_100f32.sqrt(); 4_100];
    let exact = open(&url, 4_100, VectorBackend::Pgvector).unwrap();
    exact.remember_with_vector(NewEntry::new("long"), &long).unwrap();
    assert_eq!(exact.recall_vector(&long).run().unwrap().len(), 1);
    let error = open(&url, 4_100, VectorBackend::PgvectorHnsw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("at most 4000 dimensions for its HNSW index, got 4100"), "{error}");
}
