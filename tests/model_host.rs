//! A model that processes share: asked for by the builder, the settings or the load options. What it does is tested where it is
//! made, with processes of its own (`rekall-model/tests/host.rs`); here, that the wish arrives.
#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "transformer", not(feature = "host")))]

use std::path::Path;

use rekall::model::LoadOptions;
use rekall::{Builder, Config, ErrorKind, ModelSource, NewEntry, Rekall};

/// What opening says with the model looked at.
fn refused(configure: impl FnOnce(Builder) -> Builder) -> Option<(ErrorKind, String)> {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model/tests/fixtures/bert-tiny-mean");
    let builder = configure(Rekall::builder(folder.path().join("a.db")));
    let opened = builder.model(ModelSource::Path(fixture)).open().unwrap();
    opened.load_model().err().map(|error| (error.kind(), error.to_string()))
}

#[test]
fn a_build_without_it_says_so_wherever_it_is_asked_for() {
    let settings: Config = "[model]\nhost = true".parse().unwrap();
    let options = LoadOptions::new().model_host(true);
    assert_eq!(refused(|builder| builder), None);
    for said in [
        refused(|builder| builder.model_host(true)),
        refused(|builder| builder.config(settings.clone())),
        refused(|builder| builder.load_options(options.clone())),
        refused(|builder| builder.model_host(true).load_options(LoadOptions::new())),
    ] {
        let (kind, message) = said.unwrap();
        assert_eq!(kind, ErrorKind::Unsupported);
        assert!(message.contains("needs the Cargo feature `host` of rekall-model"), "{message}");
    }
}

#[test]
fn the_built_in_model_is_as_without_it() {
    if !cfg!(feature = "bundled-model") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let memory = Rekall::builder(folder.path().join("a.db")).model_host(true).open().unwrap();
    memory.remember(NewEntry::new("the disk is full")).unwrap();
    assert_eq!(memory.recall("full disk").run().unwrap().len(), 1);
}
