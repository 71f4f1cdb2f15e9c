//! A text of which the model knows no word is like nothing, and one known in part says how much.
#![cfg(feature = "bundled-model")]

use rekall::{Degraded, Error, Event, Mode, NewEntry, Purpose, Rekall};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

fn memory(titles: &[&str]) -> (TempDir, Rekall) {
    let folder = tempfile::tempdir().unwrap();
    let rekall = Rekall::builder(folder.path().join("a.db")).open().unwrap();
    for title in titles {
        rekall.remember(NewEntry::new(*title)).unwrap();
    }
    (folder, rekall)
}

const UNKNOWN: [&str; 6] =
    ["高血压", "猫は可愛い", "🎉", "zzz", "qwxzv kjrtp mnbvc", "3f2a9c0b77d1e5f8a6b4c2d0e9f8a7b6"];

/// All of these had one and the same vector, that of the border of a word.
#[test]
fn texts_in_scripts_that_the_model_does_not_know_are_not_alike() {
    let (_folder, rekall) = memory(&["猫は可愛い", "🎉", "Which browser blocks my API?", "高血压的治疗"]);
    for query in UNKNOWN {
        let found = rekall.recall(query).run().unwrap();
        assert!(found.iter().all(|hit| hit.similarity.is_none()), "{query}: {found:?}");
        assert!(matches!(found.degraded[..], [Degraded::WordsOnly { .. }]), "{query}: {:?}", found.degraded);
        assert_eq!(found.known, None, "{query}");
        let refused = rekall.recall(query).mode(Mode::Semantic).run();
        assert!(matches!(refused, Err(Error::UnknownQuery)), "{query}: {refused:?}");
    }
}

#[test]
fn entries_without_a_known_word_are_found_by_words_alone_and_do_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&told);
    let rekall = Rekall::builder(folder.path().join("a.db"))
        .on_event(move |event| {
            if let Event::NotEmbedded { reason, .. } = event {
                hears.lock().unwrap().push(reason.clone());
            }
        })
        .open()
        .unwrap();
    for title in UNKNOWN {
        rekall.remember(NewEntry::new(title)).unwrap();
    }
    assert_eq!(told.lock().unwrap().len(), UNKNOWN.len());
    let stats = rekall.stats().unwrap().store;
    assert_eq!((stats.vectors, stats.pending), (0, 0));
    assert!(rekall.check().run().unwrap().is_clean());
    let found = rekall.recall("zzz").run().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(rekall.embed_pending().run().unwrap().entries, 0);
}

/// base64, for example: a few of its pieces are parts of words.
#[test]
fn a_query_known_in_part_says_how_much() {
    let (_folder, rekall) = memory(&["Which browser blocks my API?", "A recipe for bread"]);
    let blob = "iVBORw0KGgoAAAANSUhEUgAAAAUA";
    let found = rekall.recall(blob).run().unwrap();
    let known = found.known.unwrap();
    assert!(known > 0.0 && known < 0.5, "{known}");
    let percent = (100.0 * known) as u8;
    assert_eq!(found.degraded, [Degraded::PartlyKnown { percent }]);
    // From the cache, without the model.
    rekall.unload_model();
    assert_eq!(rekall.recall(blob).run().unwrap().known, Some(known));
    let found = rekall.recall("my browser blocks an API").run().unwrap();
    assert_eq!((found.known, &found.degraded[..]), (Some(1.0), &[][..]));
    assert_eq!(found[0].entry.title, "Which browser blocks my API?");
    let by_words = rekall.recall("browser").mode(Mode::Text).run().unwrap();
    assert_eq!(by_words.known, None);
    let made = rekall.embed_many(&[blob, "un chat", "zzz"], Purpose::Document).run().unwrap();
    assert_eq!(made.known_shares, [Some(known), Some(1.0), Some(0.0)]);
    assert_eq!(made.unembeddable, [2]);
}
