//! How meaning and words together order the hits of a hybrid search, and that it says why.
#![allow(clippy::unwrap_used)]

mod common;

use common::{memory, memory_with};
use rekall::{FusedScore, Fusion, Mode, NewEntry, Recall, Recalled, Rekall};

fn titles(found: &Recalled) -> Vec<&str> {
    found.iter().map(|hit| hit.entry.title.as_str()).collect()
}

fn fused(found: &Recalled) -> Vec<FusedScore> {
    found.iter().map(|hit| hit.explain.fused.unwrap()).collect()
}

/// Entries whose vectors have these cosines to the query [1, 0].
fn with_similarities(entries: &[(&str, f32)]) -> common::Memory {
    let memory = memory_with(|builder| builder.vectors_of("host's model", 2));
    for (title, cosine) in entries {
        let vector = [*cosine, (1.0 - cosine * cosine).sqrt()];
        memory.remember_with_vector(NewEntry::new(*title), &vector).unwrap();
    }
    memory
}

const QUERY: [f32; 2] = [1.0, 0.0];

#[test]
fn each_hit_says_what_its_score_is_made_of() {
    let memory = memory();
    for title in ["disk full", "disk slow", "login token"] {
        memory.remember(NewEntry::new(title)).unwrap();
    }
    for fusion in [Fusion::Weighted, Fusion::ReciprocalRank] {
        let found = memory.recall("disk full").fusion(fusion).run().unwrap();
        assert_eq!(found.len(), 3);
        for (hit, parts) in found.iter().zip(fused(&found)) {
            assert_eq!(hit.score, parts.total(), "{fusion:?}");
            assert_eq!(hit.explain.text.is_some(), parts.text > 0.0);
        }
    }
    for mode in [Mode::Semantic, Mode::Text] {
        let found = memory.recall("disk full").mode(mode).run().unwrap();
        assert!(found.iter().all(|hit| hit.explain.fused.is_none()));
    }
}

#[test]
fn weights_follow_the_model_unless_they_are_given() {
    let weights = |found: Recalled| {
        let parts = fused(&found)[0];
        (parts.semantic_weight, parts.text_weight)
    };
    fn of(memory: &Rekall) -> Recall<'_> {
        memory.recall("disk full")
    }
    let memory = memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    assert_eq!(weights(of(&memory).run().unwrap()), (1.5, 1.0), "a model of the host's");
    assert_eq!(weights(of(&memory).fusion(Fusion::ReciprocalRank).run().unwrap()), (1.0, 1.0));
    assert_eq!(weights(of(&memory).weights(0.3, 2.0).run().unwrap()), (0.3, 2.0));
    #[cfg(feature = "bundled-model")]
    {
        let built_in = memory_with(|builder| builder);
        built_in.remember(NewEntry::new("disk full")).unwrap();
        assert_eq!(weights(of(&built_in).run().unwrap()), (0.4, 1.0), "a static model");
    }
}

/// Similarities of all good answers of some models lie between 0.8 and 0.9: only their order says something.
#[test]
fn the_nearest_counts_as_much_whatever_range_the_model_uses() {
    for (near, between, far) in [(0.9_f32, 0.5, 0.1), (0.85, 0.83, 0.81)] {
        let memory = with_similarities(&[("near", near), ("between", between), ("far words", far)]);
        let found = memory.recall("words").vector(&QUERY).run().unwrap();
        // 1.5 × 1, 1 for the words, 1.5 × ½.
        assert_eq!(titles(&found), ["near", "far words", "between"]);
        let shares: Vec<f64> = fused(&found).iter().map(|parts| parts.semantic).collect();
        assert!((shares[2] - 0.5).abs() < 1e-3, "{shares:?}");
        assert_eq!((shares[0], shares[1]), (1.0, 0.0));
        let words_first = memory.recall("words").vector(&QUERY).weights(0.4, 1.0).run().unwrap();
        assert_eq!(titles(&words_first), ["far words", "near", "between"]);
    }
}

#[test]
fn a_threshold_changes_no_score() {
    let memory = with_similarities(&[("near", 0.9), ("words", 0.5), ("far", -0.9)]);
    let all = memory.recall("words").vector(&QUERY).run().unwrap();
    let near = memory.recall("words").vector(&QUERY).threshold(0.4).run().unwrap();
    assert_eq!((all.len(), near.len()), (3, 2));
    assert_eq!(all[..2], near[..]);
}

#[test]
fn one_retriever_alone_is_enough() {
    let no_vectors = memory_with(|builder| builder.without_model());
    no_vectors.remember(NewEntry::new("disk full")).unwrap();
    no_vectors.remember(NewEntry::new("disk disk disk and much more of other things")).unwrap();
    let found = no_vectors.recall("full disk").run().unwrap();
    assert_eq!(titles(&found)[0], "disk full");
    assert_eq!(fused(&found)[0].text, 1.0);
    let no_word = with_similarities(&[("one", 0.2), ("two", 0.4)]);
    let found = no_word.recall("three").vector(&QUERY).run().unwrap();
    assert_eq!(titles(&found), ["two", "one"]);
    assert_eq!(fused(&found)[0].semantic, 1.0);
}
