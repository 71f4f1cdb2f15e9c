//! Files whose vectors a former built-in model made: searched with them where this build has that model, by words where
//! not, and new again after `reembed`.
#![cfg(feature = "bundled-model")]

use std::path::{Path, PathBuf};
#[cfg(not(feature = "bundled-model-v1"))]
use std::sync::{Arc, Mutex};

use rekall::{Degraded, Mode, ModelSource, NewEntry, Recalled, Rekall};
#[cfg(not(feature = "bundled-model-v1"))]
use rekall::{ErrorKind, Event};
use tempfile::TempDir;

const QUESTION: &str = "Why did the browser block my API call?";
const ANSWER: &str = "CORS fails on Safari";

/// The first built-in model, from its folder: the same space as compiled in.
fn former() -> ModelSource {
    ModelSource::Path(Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model-v1/data"))
}

/// A file that was made with it.
fn old_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let rekall = Rekall::builder(&path).model(former()).open().unwrap();
    let notes = [ANSWER, "Les sauvegardes échouent la nuit", "A recipe for rye bread"].map(NewEntry::new);
    rekall.remember_many(&notes).run().unwrap();
    drop(rekall);
    (folder, path)
}

fn ask(rekall: &Rekall, mode: Mode) -> Recalled {
    rekall.recall(QUESTION).mode(mode).run().unwrap()
}

/// Searched by meaning, all entries having vectors of the model in use.
fn is_whole(rekall: &Rekall) {
    let found = ask(rekall, Mode::Semantic);
    assert_eq!(found[0].entry.title, ANSWER);
    assert_eq!(found.degraded, []);
    assert_eq!(rekall.stats().unwrap().store.pending, 0);
}

#[test]
fn the_former_model_from_its_folder_goes_on() {
    let (_folder, path) = old_file();
    let rekall = Rekall::builder(path).model(former()).open().unwrap();
    is_whole(&rekall);
    rekall.remember(NewEntry::new("A recipe for wheat bread")).unwrap();
    is_whole(&rekall);
    assert_eq!(rekall.stats().unwrap().former_model.as_deref(), Some("data"));
}

#[test]
fn reembed_brings_the_current_model() {
    let (_folder, path) = old_file();
    let rekall = Rekall::builder(&path).open().unwrap();
    assert!(rekall.stats().unwrap().former_model.is_some());
    assert_eq!(rekall.reembed(ModelSource::Bundled).run().unwrap().entries, 3);
    is_whole(&rekall);
    assert_eq!(rekall.stats().unwrap().former_model, None);
    drop(rekall);
    is_whole(&Rekall::builder(path).open().unwrap());
}

#[cfg(not(feature = "bundled-model-v1"))]
#[test]
fn without_the_former_model_words_are_searched_and_what_to_do_is_said() {
    let (_folder, path) = old_file();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let open = Rekall::builder(path).on_event(move |event| heard.lock().unwrap().push(event.clone()));
    let rekall = open.open().unwrap();
    for _ in 0..2 {
        let found = rekall.recall("Safari").run().unwrap();
        assert_eq!((found.len(), &*found[0].entry.title), (1, ANSWER));
        let [Degraded::WordsOnly { reason }] = &found.degraded[..] else { panic!("{:?}", found.degraded) };
        for word in ["reembed", "bundled-model-v1", "built-in model of an earlier version"] {
            assert!(reason.contains(word), "{reason}");
        }
    }
    let error = rekall.recall(QUESTION).mode(Mode::Semantic).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMismatch);

    // What is remembered meanwhile waits for its vectors.
    let id = rekall.remember(NewEntry::new("A recipe for wheat bread")).unwrap();
    let is_told = |event: &Event| matches!(event, Event::NotEmbedded { id: of, reason } if *of == id && reason.contains("reembed"));
    assert!(events.lock().unwrap().iter().any(is_told), "{events:?}");
    assert_eq!(rekall.stats().unwrap().store.pending, 1);
    rekall.reembed(ModelSource::Bundled).run().unwrap();
    is_whole(&rekall);
}

#[cfg(feature = "bundled-model-v1")]
#[test]
fn with_the_former_model_its_vectors_are_searched_and_that_is_said_once() {
    let (_folder, path) = old_file();
    let rekall = Rekall::builder(&path).open().unwrap();
    assert_eq!(rekall.stats().unwrap().former_model.as_deref(), Some("data"));
    assert_eq!(
        rekall.recall("Safari").mode(Mode::Text).run().unwrap().degraded,
        [],
        "of no concern to words"
    );
    let found = ask(&rekall, Mode::Semantic);
    assert_eq!(found[0].entry.title, ANSWER);
    assert_eq!(found.degraded, [Degraded::FormerModel { model: "data".into() }]);
    assert!(found.degraded[0].to_string().contains("reembed"));
    is_whole(&rekall);
    // The next opening says it again. Entries that come get vectors of the same model.
    let again = Rekall::builder(&path).open().unwrap();
    again.remember(NewEntry::new("A recipe for wheat bread")).unwrap();
    assert!(matches!(ask(&again, Mode::Hybrid).degraded[..], [Degraded::FormerModel { .. }]));
    is_whole(&again);
}

/// Of two programs with the same settings one embeds the file again: the other one goes on with the current model.
#[cfg(feature = "bundled-model-v1")]
#[test]
fn another_program_follows_the_file_to_the_current_model() {
    let (_folder, path) = old_file();
    let first = Rekall::builder(&path).open().unwrap();
    assert_eq!(ask(&first, Mode::Semantic)[0].entry.title, ANSWER);
    let second = Rekall::builder(&path).open().unwrap();
    second.reembed(ModelSource::Bundled).run().unwrap();
    is_whole(&first);
    first.remember(NewEntry::new("A recipe for wheat bread")).unwrap();
    is_whole(&first);
    is_whole(&second);
    // A host that named the former model is not led to another one.
    let named = Rekall::builder(&path).model(ModelSource::BundledV1).open().unwrap();
    assert!(matches!(ask(&named, Mode::Hybrid).degraded[0], Degraded::WordsOnly { .. }));
}

/// Other options make other vectors, which must not be mixed with those in the file.
#[cfg(feature = "bundled-model-v1")]
#[test]
fn the_former_model_with_other_options_is_another_model() {
    let (_folder, path) = old_file();
    let options = rekall::model::LoadOptions::new().query_prefix("query: ");
    let rekall = Rekall::builder(path).load_options(options).open().unwrap();
    assert!(matches!(ask(&rekall, Mode::Hybrid).degraded[0], Degraded::WordsOnly { .. }));
}
