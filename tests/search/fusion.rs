//! How meaning and words together order the hits of a hybrid search, and that it says why.

use crate::common::{memory, memory_with};
use rekall::{Context, FusedScore, Fusion, Mode, NewEntry, Recall, Recalled, Rekall, Role};

fn titles(found: &Recalled) -> Vec<&str> {
    found.iter().map(|hit| hit.entry.title.as_str()).collect()
}

fn fused(found: &Recalled) -> Vec<FusedScore> {
    found.iter().map(|hit| hit.explain.fused.unwrap()).collect()
}

/// Entries whose vectors have these cosines to the query [1, 0].
fn with_similarities(entries: &[(&str, f32)]) -> crate::common::Memory {
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
    assert_eq!(weights(of(&memory).run().unwrap()), (2.0, 1.0), "a model of the host's");
    assert_eq!(weights(of(&memory).fusion(Fusion::ReciprocalRank).run().unwrap()), (1.0, 1.0));
    assert_eq!(weights(of(&memory).weights(0.3, 2.0).run().unwrap()), (0.3, 2.0));
    #[cfg(feature = "bundled-model")]
    {
        let built_in = memory_with(|builder| builder);
        built_in.remember(NewEntry::new("disk full")).unwrap();
        assert_eq!(weights(of(&built_in).run().unwrap()), (0.95, 1.0), "a static model");
    }
}

/// Similarities of all good answers of some models lie between 0.8 and 0.9: only their order says something.
#[test]
fn the_nearest_counts_as_much_whatever_range_the_model_uses() {
    for (near, between, far) in [(0.9_f32, 0.5, 0.1), (0.85, 0.83, 0.81)] {
        let memory = with_similarities(&[("near", near), ("between", between), ("far words", far)]);
        let found = memory.recall("words").vector(&QUERY).weights(1.5, 1.0).run().unwrap();
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

/// What is written joined stands in one entry; another one, nearer in meaning, has its parts.
#[test]
fn what_the_query_writes_joined_or_quotes_comes_first() {
    for (query, exact, parts) in [
        ("be_between", "the check be_between", "between two tests it will be green, to be or between"),
        ("7.1.3", "release 7.1.3", "7 of 3 in 1, 3.7.1 and 1.7"),
        ("2024-12-03", "on 2024-12-03", "12 of 2024 by 03, 03-12"),
        ("--no-verify", "commit --no-verify", "no, verify no more"),
        ("src/main.rs", "see src/main.rs", "main src and rs of main"),
        ("10.0.0.1", "host 10.0.0.1", "10 and 0 and 1, 1.0.0.10"),
        ("\"disk full\"", "a disk full message", "why does the full disk fail, full of disk"),
    ] {
        let memory = with_similarities(&[(exact, -0.5), (parts, 0.99), ("something else", 0.1)]);
        for fusion in [Fusion::Weighted, Fusion::ReciprocalRank] {
            let found = memory.recall(query).vector(&QUERY).fusion(fusion).run().unwrap();
            assert_eq!(titles(&found)[0], exact, "{query} {fusion:?}");
            let exactness: Vec<f64> = fused(&found).iter().map(|parts| parts.exact).collect();
            assert!(exactness[0] > 0.0 && exactness[1..].iter().all(|exact| *exact == 0.0), "{query}");
        }
        let by_meaning = memory.recall(query).vector(&QUERY).weights(1.0, 0.0).run().unwrap();
        assert_eq!(titles(&by_meaning)[0], parts, "words that weigh nothing order nothing");
    }
}

#[test]
fn quotes_can_be_required() {
    let memory = with_similarities(&[("full disk", 0.99), ("disk full again", 0.1), ("other", 0.5)]);
    let query = "again \"disk full\"";
    assert_eq!(memory.recall(query).vector(&QUERY).run().unwrap().len(), 3);
    for mode in [Mode::Hybrid, Mode::Text] {
        let found = memory.recall(query).vector(&QUERY).mode(mode).require_quotes().run().unwrap();
        assert_eq!(titles(&found), ["disk full again"], "{mode:?}");
    }
    let nothing = memory.recall("\"full again disk\"").vector(&QUERY).require_quotes().run().unwrap();
    assert!(nothing.is_empty());
    // Without quotes nothing is required, and meaning reads no words.
    assert_eq!(memory.recall("again").vector(&QUERY).require_quotes().run().unwrap().len(), 3);
    let nearest = memory.recall(query).vector(&QUERY).mode(Mode::Semantic).require_quotes().run().unwrap();
    assert_eq!(titles(&nearest)[0], "full disk");
}

fn paragraphs() -> String {
    let filler = |about: &str| {
        let sentence = format!("The {about} has some more words about nothing in particular. ");
        format!("# {about}\n\n{}\n\n", sentence.repeat(20))
    };
    ["harbor", "lighthouse", "orchard", "railway"].map(filler).concat()
}

#[test]
fn a_hit_names_the_passage_that_words_found() {
    let memory = memory_with(|builder| builder.without_model());
    memory.remember(NewEntry::new("Walks").content(paragraphs())).unwrap();
    let context = Context { solution: Some("A zeppelin".to_owned()), ..Context::default() };
    memory.remember(NewEntry::new("By air").context(context)).unwrap();
    let found = memory.recall("orchard").run().unwrap();
    let passage = found[0].passage().unwrap();
    assert!(passage.as_str().starts_with("# orchard"), "{}", passage.as_str());
    assert!(!passage.as_str().contains("lighthouse"));
    let by_words = found[0].explain.text.unwrap().passage;
    let chunk = found[0].chunk.unwrap();
    assert_eq!((by_words.role, by_words.number), (chunk.role, chunk.number));
    assert!(by_words.number > 0);
    let by_air = memory.recall("zeppelin").run().unwrap();
    assert_eq!(by_air[0].chunk.unwrap().role, Role::Context);
}

#[test]
fn a_hit_names_the_passage_that_both_retrievers_together_score_best() {
    let memory = memory();
    memory.remember(NewEntry::new("Walks").content(paragraphs())).unwrap();
    memory.remember(NewEntry::new("login token")).unwrap();
    for word in ["harbor", "lighthouse", "orchard", "railway"] {
        let found = memory.recall(word).run().unwrap();
        let walks = found.iter().find(|hit| hit.entry.title == "Walks").unwrap();
        let passage = walks.passage().unwrap();
        assert!(passage.as_str().contains(word), "{word}: {}", passage.as_str());
        // Each retriever says which it found; alone, it names that one.
        let explain = walks.explain;
        for (mode, by_one) in [(Mode::Text, explain.text), (Mode::Semantic, explain.semantic)] {
            let alone = memory.recall(word).mode(mode).run().unwrap();
            let walks = alone.iter().find(|hit| hit.entry.title == "Walks").unwrap();
            assert_eq!(walks.chunk.unwrap().number, by_one.unwrap().passage.number, "{word} {mode:?}");
        }
    }
}
