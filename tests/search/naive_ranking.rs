//! What age and diversity make of a ranking agrees with their definitions: the hits are those that a plain search of
//! everything gives, adjusted and chosen one by one.

use std::collections::HashMap;
use std::time::Duration;

use crate::common::{FixedClock, memory_with};
use proptest::prelude::*;
use rekall::index::similarity;
use rekall::{EntryId, EntryPatch, EntryTime, Mode, NewEntry, Recall, Recency, Rekall, Role};

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;
const WORDS: [&str; 6] = ["disk", "cache", "login", "token", "build", "port"];

/// An entry of the test: which way its vector points, its words, its age, and whether it was changed just now.
#[derive(Debug, Clone)]
struct Noted {
    direction: [i8; 3],
    words: Vec<usize>,
    days: i64,
    changed: bool,
}

#[derive(Debug, Clone)]
struct Question {
    direction: [i8; 3],
    words: Vec<usize>,
    limit: usize,
    recency: Option<(i64, f64, bool)>,
    lambda: Option<f64>,
    threshold: Option<f32>,
}

/// Few directions, so that ties are frequent.
fn direction() -> impl Strategy<Value = [i8; 3]> {
    [-2_i8..3, -2_i8..3, 1_i8..3]
}

fn words() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..WORDS.len(), 1..4)
}

fn noted() -> impl Strategy<Value = Noted> {
    (direction(), words(), 0_i64..40, proptest::bool::weighted(0.1))
        .prop_map(|(direction, words, days, changed)| Noted { direction, words, days, changed })
}

fn question() -> impl Strategy<Value = Question> {
    let recency = proptest::option::of((1_i64..20, prop_oneof![Just(0.0), 0.0_f64..1.0], any::<bool>()));
    let lambda = proptest::option::of(prop_oneof![Just(0.0), Just(1.0), 0.0_f64..1.0]);
    (direction(), words(), 1_usize..60, recency, lambda, proptest::option::of(0.0_f32..0.9)).prop_map(
        |(direction, words, limit, recency, lambda, threshold)| Question {
            direction,
            words,
            limit,
            recency,
            lambda,
            threshold,
        },
    )
}

fn unit(direction: [i8; 3]) -> Vec<f32> {
    let norm = direction.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    direction.iter().map(|&value| (f64::from(value) / norm) as f32).collect()
}

fn text(words: &[usize]) -> String {
    words.iter().map(|&word| WORDS[word]).collect::<Vec<_>>().join(" ")
}

/// What is known of an entry besides its score.
struct Known {
    vector: Vec<f32>,
    created_at: i64,
    updated_at: i64,
}

fn fill(rekall: &Rekall, noted: &[Noted]) -> HashMap<EntryId, Known> {
    let entries: Vec<NewEntry> =
        noted.iter().map(|note| NewEntry::new(text(&note.words)).created_at(NOW - note.days * DAY)).collect();
    let vectors: Vec<f32> = noted.iter().flat_map(|note| unit(note.direction)).collect();
    let ids = rekall.remember_many(&entries).vectors(&vectors).run().unwrap();
    let mut known = HashMap::new();
    for (note, id) in noted.iter().zip(ids) {
        if note.changed {
            rekall.update(id, &EntryPatch::new().confidence(3)).unwrap();
        }
        let entry = rekall.get(id).unwrap();
        let vector = rekall.stored_vector(id, Role::Summary, 0).unwrap();
        known.insert(id, Known { vector, created_at: entry.created_at, updated_at: entry.updated_at });
    }
    known
}

fn in_order(mut ranked: Vec<(EntryId, f64)>) -> Vec<(EntryId, f64)> {
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

/// The factor of each score, by the definition.
fn adjusted(
    ranked: Vec<(EntryId, f64)>,
    known: &HashMap<EntryId, Known>,
    (half_life_days, floor, by_creation): (i64, f64, bool),
) -> Vec<(EntryId, f64)> {
    let adjust = |(id, score): (EntryId, f64)| {
        let at = if by_creation { known[&id].created_at } else { known[&id].updated_at };
        let half_lives = (NOW - at) as f64 / (half_life_days * DAY) as f64;
        let factor = floor + (1.0 - floor) * (-half_lives).exp2();
        (id, if score < 0.0 { score * (2.0 - factor) } else { score * factor })
    };
    in_order(ranked.into_iter().map(adjust).collect())
}

/// Maximal marginal relevance, everything computed again for each choice.
fn diversified(
    mut ranked: Vec<(EntryId, f64)>,
    known: &HashMap<EntryId, Known>,
    lambda: f64,
    limit: usize,
) -> Vec<(EntryId, f64)> {
    ranked.truncate((2 * limit).max(100));
    let worst = ranked.last().map_or(0.0, |last| last.1);
    let range = ranked.first().map_or(0.0, |first| first.1) - worst;
    let mut chosen: Vec<(EntryId, f64)> = Vec::new();
    while !ranked.is_empty() {
        let value = |(id, score): &(EntryId, f64)| {
            let relevance = if range > 0.0 { (score - worst) / range } else { 1.0 };
            let alike =
                |(other, _): &(EntryId, f64)| similarity(&known[id].vector, &known[other].vector).into();
            let redundancy = chosen.iter().map(alike).fold(0.0, f64::max);
            lambda * relevance - (1.0 - lambda) * redundancy
        };
        let next = in_order(ranked.iter().map(|candidate| (candidate.0, value(candidate))).collect())[0];
        ranked.retain(|candidate| candidate.0 != next.0);
        chosen.push(next);
    }
    chosen
}

fn asked<'a>(rekall: &'a Rekall, mode: Mode, question: &Question, limit: usize) -> Recall<'a> {
    let query = rekall.recall(text(&question.words)).vector(unit(question.direction)).mode(mode).limit(limit);
    match question.threshold {
        Some(threshold) => query.threshold(threshold),
        None => query,
    }
}

fn ranked(search: Recall<'_>) -> Vec<(EntryId, f64)> {
    search.run().unwrap().iter().map(|hit| (hit.entry.id, hit.score)).collect()
}

fn agrees(rekall: &Rekall, known: &HashMap<EntryId, Known>, mode: Mode, question: &Question) {
    let mut expected = ranked(asked(rekall, mode, question, 1000));
    let mut search = asked(rekall, mode, question, question.limit);
    if let Some((days, floor, by_creation)) = question.recency {
        expected = adjusted(expected, known, (days, floor, by_creation));
        let by = if by_creation { EntryTime::Created } else { EntryTime::Updated };
        let half_life = Duration::from_millis(u64::try_from(days * DAY).unwrap());
        search = search.recency(Recency::new(half_life).floor(floor).by(by));
    }
    if let Some(lambda) = question.lambda {
        expected = diversified(expected, known, lambda, question.limit);
        search = search.diversity(lambda);
    }
    expected.truncate(question.limit);
    assert_eq!(ranked(search), expected, "{mode:?} {question:?}");
}

fn check(noted: &[Noted], questions: &[Question], modes: &[Mode]) {
    let memory = memory_with(|builder| builder.vectors_of("host", 3).wall_clock(FixedClock::at(NOW)));
    let known = fill(&memory, noted);
    for question in questions {
        for &mode in modes {
            agrees(&memory, &known, mode, question);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        ..ProptestConfig::default() })]

    /// More entries than a search looks at to begin with.
    #[test]
    fn one_retriever_ranks_all_entries(
        noted in proptest::collection::vec(noted(), 1..400),
        questions in proptest::collection::vec(question(), 1..6),
    ) {
        check(&noted, &questions, &[Mode::Semantic, Mode::Text]);
    }

    /// As many as both retrievers of a hybrid search name.
    #[test]
    fn both_rank_what_they_name(
        noted in proptest::collection::vec(noted(), 1..100),
        questions in proptest::collection::vec(question(), 1..6),
    ) {
        check(&noted, &questions, &[Mode::Hybrid]);
    }
}
