//! A text that the model does not know is not said to be near to anything.

#![cfg(feature = "bundled-model")]

use crate::common::{Memory, memory_of, titles};
use rekall::{ErrorKind, Mode};

fn highest_similarity(memory: &Memory, query: &str) -> f32 {
    match memory.recall(query).mode(Mode::Semantic).run() {
        Ok(found) => found.iter().filter_map(|hit| hit.similarity).fold(-1.0, f32::max),
        // Nothing that the model knows is nothing to be near to.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{query}: {error}");
            -1.0
        }
    }
}

#[test]
fn scripts_that_the_model_does_not_know_are_near_to_nothing() {
    let memory = memory_of(&[("猫は可愛い", ""), ("🎉", ""), ("天気予報", ""), ("Le chat dort", "")]);
    for query in ["高血压", "🎂", "។៕", "...", "— ! —"] {
        assert!(highest_similarity(&memory, query) < 0.5, "{query}: {}", highest_similarity(&memory, query));
    }
    // Words find it all the same, and the search says that meaning took no part.
    let found = memory.recall("天気").run().unwrap();
    assert_eq!(found[0].entry.title, "天気予報");
    assert!(!found.degraded.is_empty());
}

#[test]
fn nonsense_is_less_like_a_note_than_a_question_is_like_its_answer() {
    let memory = memory_of(&[
        ("CORS fails on Safari", "The preflight answer lacks a header, so the browser blocks the API."),
        ("Les sauvegardes échouent la nuit", "Le disque est plein."),
        ("Token of the registry", "dGhpcyBpcyBub3QgYSB0b2tlbiBidXQgYmFzZTY0 is expired."),
        ("Deployment failed", "The pipeline ran out of memory."),
    ]);
    let question = "browser blocks my API";
    assert_eq!(titles(&memory, question, Mode::Semantic)[0], "CORS fails on Safari");
    let sensible = highest_similarity(&memory, question);
    for nonsense in ["zzz", "qqqq xxxx", "aGVsbG8gd29ybGQgZnJvbSBub3doZXJlIGF0IGFsbA=="] {
        let got = highest_similarity(&memory, nonsense);
        assert!(got < sensible, "{nonsense}: {got} against {sensible}");
    }
}
