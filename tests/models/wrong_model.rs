//! A model that can never work is said at once, one that cannot be had now is waited for, and neither is silent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{Batch, Builder, Degraded, EntryPatch, Error, ErrorKind, Mode, ModelSource, NewEntry, Rekall};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model/tests/fixtures").join(name)
}

/// A folder as a program would have downloaded it, of an architecture that nothing here runs.
fn unknown_architecture() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#;
    fs::write(folder.path().join("config.json"), config).unwrap();
    fs::write(folder.path().join("model.safetensors"), "weights").unwrap();
    fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    folder
}

fn of_folder(folder: &Path) -> impl FnOnce(Builder) -> Builder {
    let source = ModelSource::Path(folder.to_owned());
    move |builder| builder.model(source)
}

/// The file holds an entry of another time, which waits for vectors; nothing that needs the model goes through, and all
/// that does not does.
fn check_permanent(configure: impl Fn(Builder) -> Builder, kind: ErrorKind, why: &str) {
    check_permanent_in(false, &configure, kind, why);
    check_permanent_in(true, &configure, kind, why);
}

fn check_permanent_in(has_vectors: bool, configure: &dyn Fn(Builder) -> Builder, kind: ErrorKind, why: &str) {
    let memory = memory_with(Builder::without_model);
    let path = memory.path().to_owned();
    if has_vectors {
        let with_model = Rekall::builder(&path).embedder(Arc::new(WordModel::new(16))).open().unwrap();
        let id = with_model.remember(NewEntry::new("forgotten")).unwrap();
        with_model.forget(id).unwrap();
    }
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    let memory = configure(Rekall::builder(&path)).open().unwrap();

    let refused = |error: Error| {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    };
    // Before anything was tried, the small files say it; afterwards, the failure.
    for round in 0..2 {
        let stats = memory.stats().unwrap();
        assert_eq!((stats.store.entries, stats.store.pending), (1, 1));
        let found = memory.recall("disk").run().unwrap();
        assert_eq!(found.hits.len(), 1, "words still work");
        if round == 1 {
            assert!(stats.pending_reason.as_deref().unwrap().contains(why), "{:?}", stats.pending_reason);
            let told = found.degraded.iter().any(|degraded| {
                matches!(degraded, Degraded::Pending { count: 1, reason: Some(reason) } if reason.contains(why))
            });
            assert!(told, "{:?}", found.degraded);
        }
        refused(memory.recall("disk").mode(Mode::Semantic).run().unwrap_err());
        refused(memory.remember(NewEntry::new("login token")).unwrap_err());
        if has_vectors {
            refused(memory.update(id, &EntryPatch::new().title("disk empty")).unwrap_err());
        }
        let mut batch = Batch::new();
        batch.remember("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), NewEntry::new("login token"));
        refused(memory.apply(&batch).run().unwrap_err());
        refused(memory.embed_pending().run().unwrap_err());
        refused(memory.embed("disk", rekall::Purpose::Query).unwrap_err());
        assert_eq!(memory.get(id).unwrap().title, "disk full");
    }
    // What changes no text needs no model.
    memory.update(id, &EntryPatch::new().project(Some("hardware".to_owned()))).unwrap();
    drop(memory);

    refused(configure(Rekall::builder(&path)).check_model().open().unwrap_err());
    let new = path.with_file_name("new.db");
    refused(configure(Rekall::builder(&new)).check_model().open().unwrap_err());
    assert!(!new.exists(), "nothing is made for a model that cannot be used");
    let without = Rekall::builder(&path).without_model().check_model().open().unwrap();
    without.remember(NewEntry::new("login token")).unwrap();
}

#[test]
fn a_folder_that_is_missing_unsupported_or_incomplete() {
    let missing = tempfile::tempdir().unwrap().path().join("gone");
    check_permanent(|builder| of_folder(&missing)(builder), ErrorKind::InvalidModel, "gone");
    let unknown = unknown_architecture();
    check_permanent(|builder| of_folder(unknown.path())(builder), ErrorKind::Unsupported, "LlamaForCausalLM");
    let incomplete = tempfile::tempdir().unwrap();
    fs::copy(fixture("static-f32/config.json"), incomplete.path().join("config.json")).unwrap();
    check_permanent(
        |builder| of_folder(incomplete.path())(builder),
        ErrorKind::InvalidModel,
        "model.safetensors",
    );
}

#[test]
fn weights_that_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(fixture("static-f32").join(name), folder.path().join(name)).unwrap();
    }
    let weights = folder.path().join("model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    check_permanent(
        |builder| of_folder(folder.path())(builder),
        ErrorKind::InvalidModel,
        "a whole safetensors file",
    );
    // A model that was mended is used by the next call.
    let memory = memory_with(of_folder(folder.path()));
    memory.remember(NewEntry::new("disk full")).unwrap_err();
    fs::write(&weights, &bytes).unwrap();
    memory.remember(NewEntry::new("disk full")).unwrap();
    assert_eq!(memory.stats().unwrap().pending_reason, None);
}

#[test]
fn a_search_by_meaning_without_a_model_is_no_empty_result() {
    for configure in [Builder::without_model, |builder: Builder| builder.vectors_of("the host's", 3)] {
        let memory = memory_with(configure);
        for entries in 0..2 {
            let error = memory.recall("disk").mode(Mode::Semantic).run().unwrap_err();
            assert!(matches!(error, Error::NoModel), "{entries}: {error}");
            memory.remember(NewEntry::new("disk full")).unwrap();
        }
        assert_eq!(memory.recall("disk").run().unwrap().len(), 2);
        let reason = memory.stats().unwrap().pending_reason;
        assert_eq!(reason.as_deref(), Some("no model to embed text with"));
        // A query that is a vector needs none.
        assert!(memory.recall_vector(&[1.0, 0.0, 0.0]).run().unwrap().is_empty());
    }
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    assert!(memory.recall("disk").mode(Mode::Semantic).run().unwrap().is_empty(), "there is nothing to find");
}

#[cfg(feature = "hub")]
mod hub {
    use rekall::Event;
    use rekall::model::LoadOptions;
    use std::sync::Mutex;

    use super::*;
    use crate::fake_hub::FakeHub;

    fn of_hub<'a>(hub: &'a FakeHub, cache: &'a Path) -> impl Fn(Builder) -> Builder + 'a {
        move |builder| {
            let options = LoadOptions::new().hub_endpoint(hub.endpoint.as_str()).hub_cache(cache);
            builder.model("hub:owner/model".parse().unwrap()).load_options(options)
        }
    }

    #[test]
    fn an_architecture_that_is_not_known_is_refused_before_the_weights_come() {
        let (folder, cache) = (unknown_architecture(), tempfile::tempdir().unwrap());
        let hub = FakeHub::serve(folder.path());
        check_permanent(
            of_hub(&hub, cache.path()),
            ErrorKind::Unsupported,
            "hub:owner/model/config.json: expected one of the architectures that are known (bert,",
        );
        let asked: Vec<String> =
            hub.take_requests().into_iter().filter(|path| !path.ends_with("config.json")).collect();
        assert_eq!(asked, ["/api/models/owner/model/revision/main"], "asked once, and for no other file");
    }

    #[test]
    fn a_model_that_the_hub_does_not_have() {
        let (folder, cache) = (unknown_architecture(), tempfile::tempdir().unwrap());
        let hub = FakeHub::serve(folder.path());
        let other = |builder| of_hub(&hub, cache.path())(builder).model("hub:owner/other".parse().unwrap());
        let memory = memory_with(other);
        let error = memory.remember(NewEntry::new("disk full")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidModel);
        assert!(error.to_string().contains("the hub has no such model"), "{error}");
        assert_eq!(memory.stats().unwrap().store.entries, 0);
    }

    #[test]
    fn an_outage_is_waited_for_and_told() {
        let cache = tempfile::tempdir().unwrap();
        let hub = FakeHub::serve(fixture("static-f32"));
        hub.set_down(true);
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let memory = memory_with(|builder| {
            let builder = of_hub(&hub, cache.path())(builder).check_model();
            builder.on_event(move |event| heard.lock().unwrap().push(event.clone()))
        });
        let id = memory.remember(NewEntry::new("memory leak of the server")).unwrap();
        let why = "model owner/model is unavailable";
        let waits = |event: &Event| matches!(event, Event::NotEmbedded { id: who, reason } if *who == id && reason.starts_with(why));
        assert!(events.lock().unwrap().iter().any(waits));
        let stats = memory.stats().unwrap();
        assert_eq!(stats.store.pending, 1);
        assert!(stats.pending_reason.unwrap().starts_with(why));
        let found = memory.recall("leak").run().unwrap();
        let told = |degraded: &Degraded| {
            degraded.to_string().starts_with(&format!("1 entries wait for their vectors: {why}"))
        };
        assert!(found.degraded.iter().any(told), "{:?}", found.degraded);
        let error = memory.recall("leak").mode(Mode::Semantic).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ModelUnavailable, "{error}");

        hub.set_down(false);
        assert_eq!(memory.embed_pending().run().unwrap().entries, 1);
        let stats = memory.stats().unwrap();
        assert_eq!((stats.store.pending, stats.pending_reason), (0, None));
        let found = memory.recall("leak").mode(Mode::Semantic).run().unwrap();
        assert!(found.len() == 1 && found.degraded.is_empty());
    }
}
