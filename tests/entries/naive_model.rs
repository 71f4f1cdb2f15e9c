//! No result depends on cache, index or history: random operations agree with a model that has none of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::common::engine::on_every_engine;
use crate::common::{Engine, WordModel};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use rekall::index::similarity;
use rekall::{
    Builder, Embedder, EntryId, EntryPatch, Filter, Mode, NewEntry, Recalled, Rekall, Status, VectorBackend,
};

const WORDS: [&str; 12] = [
    "disk", "full", "cache", "stale", "login", "token", "serveur", "panne", "build", "slow", "retry", "port",
];

#[derive(Debug, Clone)]
enum Op {
    Remember { text: Vec<usize>, project: u8 },
    Rewrite { target: usize, text: Vec<usize> },
    Retire { target: usize, obsolete: bool },
    Forget { target: usize },
    Recall { text: Vec<usize>, limit: usize, project: Option<u8>, everything: bool },
}

fn words() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..WORDS.len(), 1..4)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (words(), 0_u8..3).prop_map(|(text, project)| Op::Remember { text, project }),
        2 => (any::<usize>(), words()).prop_map(|(target, text)| Op::Rewrite { target, text }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(target, obsolete)| Op::Retire { target, obsolete }),
        1 => any::<usize>().prop_map(|target| Op::Forget { target }),
        4 => (words(), 1_usize..8, proptest::option::of(0_u8..3), any::<bool>()).prop_map(
            |(text, limit, project, everything)| Op::Recall { text, limit, project, everything }
        ),
    ]
}

fn text_of(words: &[usize]) -> String {
    words.iter().map(|&word| WORDS[word]).collect::<Vec<_>>().join(" ")
}

/// What is remembered, and nothing else.
#[derive(Default)]
struct Naive {
    entries: BTreeMap<EntryId, (String, String, Status)>,
}

impl Naive {
    fn pick(&self, target: usize) -> Option<EntryId> {
        self.entries.keys().nth(target % self.entries.len().max(1)).copied()
    }

    fn recall(&self, model: &WordModel, query: &str, limit: usize, filter: &Filter) -> Vec<(EntryId, f32)> {
        let query = model.embed_query(query).unwrap();
        let mut found: Vec<(EntryId, f32)> = self
            .entries
            .iter()
            .filter(|(_, (_, project, status))| {
                filter.status.is_none_or(|wanted| wanted == *status)
                    && (filter.projects.is_empty() || filter.projects.contains(project))
            })
            .map(|(id, (text, ..))| (*id, similarity(&query, &model.embed_query(text).unwrap())))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(limit);
        found
    }
}

/// What a hybrid search gives by its definition: similarity on the range of all, words relative to the best.
fn fused(by_meaning: &[(EntryId, f32)], by_words: &Recalled) -> Vec<(EntryId, f64)> {
    let similarities = || by_meaning.iter().map(|found| f64::from(found.1));
    let (least, most) = (similarities().fold(2.0, f64::min), similarities().fold(-2.0, f64::max));
    let best = by_words.iter().map(|hit| hit.score).fold(0.0, f64::max);
    let score = |&(id, similarity): &(EntryId, f32)| {
        let words = by_words.iter().find(|hit| hit.entry.id == id).map_or(0.0, |hit| hit.score / best);
        let share = if most > least { (f64::from(similarity) - least) / (most - least) } else { 1.0 };
        (id, 2.0 * share + words)
    };
    let mut fused: Vec<(EntryId, f64)> = by_meaning.iter().map(score).collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

/// Runs random operations on the memory without a name, and in turn on each of these scopes beside it.
fn run(
    ops: &[Op],
    engine: Engine,
    scopes: &[&str],
    configure: impl FnOnce(Builder) -> Builder,
) -> Result<(), TestCaseError> {
    let model = WordModel::new(8);
    let memory = engine.memory_with(|builder| configure(builder.embedder(Arc::new(WordModel::new(8)))));
    let handles: Vec<_> = scopes.iter().map(|name| memory.scope(name).unwrap()).collect();
    let mut all: Vec<(&Rekall, Naive)> = vec![(&memory, Naive::default())];
    all.extend(handles.iter().map(|handle| (&**handle, Naive::default())));
    for (number, op) in ops.iter().enumerate() {
        let turn = number % all.len();
        let (rekall, naive) = &mut all[turn];
        step(op, rekall, naive, &model)?;
    }
    for (rekall, naive) in &all {
        prop_assert_eq!(rekall.count(Filter::new().any_status()).unwrap(), naive.entries.len() as u64);
    }
    Ok(())
}

fn step(op: &Op, rekall: &Rekall, naive: &mut Naive, model: &WordModel) -> Result<(), TestCaseError> {
    match op {
        Op::Remember { text, project } => {
            let (text, project) = (text_of(text), project.to_string());
            let id = rekall.remember(NewEntry::new(&text).project(&project)).unwrap();
            naive.entries.insert(id, (text, project, Status::Active));
        }
        Op::Rewrite { target, text } => {
            if let Some(id) = naive.pick(*target) {
                let text = text_of(text);
                rekall.update(id, &EntryPatch::new().title(&text)).unwrap();
                naive.entries.get_mut(&id).unwrap().0 = text;
            }
        }
        Op::Retire { target, obsolete } => {
            if let Some(id) = naive.pick(*target) {
                let status = if *obsolete { Status::Obsolete } else { Status::Active };
                rekall.update(id, &EntryPatch::new().status(status)).unwrap();
                naive.entries.get_mut(&id).unwrap().2 = status;
            }
        }
        Op::Forget { target } => {
            if let Some(id) = naive.pick(*target) {
                rekall.forget(id).unwrap();
                naive.entries.remove(&id);
            }
        }
        Op::Recall { text, limit, project, everything } => {
            let query = text_of(text);
            let mut filter = Filter::new();
            filter.projects = project.iter().map(u8::to_string).collect();
            if *everything {
                filter = filter.any_status();
            }
            let expected = naive.recall(model, &query, *limit, &filter);
            // Twice: the second time the query comes from the cache, where there is one.
            for _ in 0..2 {
                let recall = rekall.recall(&query).mode(Mode::Semantic).limit(*limit).filter(filter.clone());
                let found = recall.run().unwrap();
                prop_assert!(found.degraded.is_empty());
                let found: Vec<(EntryId, f32)> =
                    found.iter().map(|hit| (hit.entry.id, hit.similarity.unwrap())).collect();
                prop_assert_eq!(&found, &expected);
            }
            let of = |mode| rekall.recall(&query).mode(mode).limit(100).filter(filter.clone()).run();
            let all = naive.recall(model, &query, usize::MAX, &filter);
            let found: Vec<(EntryId, f64)> =
                of(Mode::Hybrid).unwrap().iter().map(|hit| (hit.entry.id, hit.score)).collect();
            prop_assert_eq!(&found, &fused(&all, &of(Mode::Text).unwrap()));
        }
    }
    Ok(())
}

/// Runs random operations; on a server, where each is a round trip, fewer series of them.
fn check(engine: Engine, most: usize, configure: impl Fn(Builder) -> Builder) {
    check_in(engine, most, &[], configure);
}

fn check_in(engine: Engine, most: usize, scopes: &[&str], configure: impl Fn(Builder) -> Builder) {
    let mut config = ProptestConfig::with_cases(if engine.is_file() { 24 } else { 6 });
    config.failure_persistence = None;
    config.rng_seed = RngSeed::Fixed(0x5eed);
    let series = proptest::collection::vec(op(), 1..most);
    TestRunner::new(config).run(&series, |ops| run(&ops, engine, scopes, &configure)).unwrap();
}

on_every_engine!(
    with_a_cache_of_three,
    with_a_cache_that_expires_at_once,
    with_codes_in_memory,
    with_flat_rows,
    with_all_bits_rescored,
    with_nothing_in_memory,
    without_a_cache,
    in_scopes_beside_one_another,
);

fn with_a_cache_of_three(engine: Engine) {
    check(engine, 60, |builder| builder.cache_max_size(3));
}

fn with_a_cache_that_expires_at_once(engine: Engine) {
    check(engine, 60, |builder| builder.cache_ttl(Duration::ZERO));
}

fn with_codes_in_memory(engine: Engine) {
    check(engine, 60, |builder| builder.vector_backend(VectorBackend::Sq8));
}

fn with_flat_rows(engine: Engine) {
    check(engine, 60, |builder| builder.vector_backend(VectorBackend::Flat));
}

fn with_all_bits_rescored(engine: Engine) {
    // With fewer rows than it rescores, the approximate index is exact, too.
    check(engine, 60, |builder| builder.vector_backend(VectorBackend::Binary));
}

fn with_nothing_in_memory(engine: Engine) {
    check(engine, 40, |builder| builder.memory_budget(0));
}

fn without_a_cache(engine: Engine) {
    check(engine, 60, |builder| builder.cache_max_size(0));
}

fn in_scopes_beside_one_another(engine: Engine) {
    check_in(engine, 160, &["ann", "bob", "carol"], |builder| builder);
}

#[test]
#[cfg(all(feature = "postgres", unix))]
fn with_a_table_of_pgvector() {
    let Some(server) = rekall_postgres::testing::Server::shared() else { return };
    server.create_extension("vector");
    let pushed = |builder: Builder| builder.vector_backend(VectorBackend::Pgvector);
    check(Engine::Server(server), 40, pushed);
    check_in(Engine::Server(server), 60, &["ann", "bob"], pushed);
}

#[test]
#[cfg(feature = "sqlite-vec")]
fn with_a_vec0_table() {
    check(Engine::File, 40, |builder| builder.vector_backend(VectorBackend::SqliteVec));
}
