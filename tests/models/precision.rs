//! A model in eight bits: asked for by the builder or the settings, a space of its own, refused where there is no such thing.
#![cfg(feature = "transformer")]

use std::path::{Path, PathBuf};

use crate::common::memory_with;
use rekall::model::LoadOptions;
use rekall::{Builder, Config, ErrorKind, Mode, ModelSource, NewEntry, Precision};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rekall-model/tests/fixtures").join(name)
}

fn of_bert(builder: Builder) -> Builder {
    builder.model(ModelSource::Path(fixture("bert-tiny-mean")))
}

#[test]
fn it_is_asked_for_in_code_and_in_settings() {
    let settings: Config = "[model]\nprecision = 'int8'".parse().unwrap();
    let back: Config = "[model]\nprecision = 'f32'".parse().unwrap();
    let options = LoadOptions::new().precision(Precision::Int8);
    let int8 = "; precision=int8; ";
    let space = |configure: &dyn Fn(Builder) -> Builder| {
        let memory = memory_with(|builder| of_bert(configure(builder)));
        memory.remember(NewEntry::new("the server")).unwrap();
        memory.stats().unwrap().space.unwrap()
    };
    assert!(space(&|builder| builder.precision(Precision::Int8)).contains(int8));
    assert!(space(&|builder| builder.config(settings.clone())).contains(int8));
    assert!(space(&|builder| builder.load_options(options.clone())).contains(int8));
    for floats in [
        space(&|builder| builder),
        space(&|builder| builder.config(settings.clone()).precision(Precision::F32)),
        space(&|builder| builder.load_options(options.clone()).config(back.clone())),
    ] {
        assert!(!floats.contains("precision"), "{floats}");
    }
}

#[test]
fn its_vectors_are_a_space_of_their_own_and_messages_name_it() {
    let memory = memory_with(of_bert);
    memory.remember(NewEntry::new("the server")).unwrap();
    let rounded = memory.again(|builder| of_bert(builder).precision(Precision::Int8));
    let error = rounded.recall("server").mode(Mode::Semantic).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMismatch);
    let message = error.to_string();
    assert!(message.contains("dimensions, int8, ") && message.matches("int8").count() == 1, "{message}");
    let options = LoadOptions::new().precision(Precision::Int8);
    let source = ModelSource::Path(fixture("bert-tiny-mean"));
    assert_eq!(rounded.reembed(source).load_options(options).run().unwrap().entries, 1);
    assert_eq!(rounded.recall("server").mode(Mode::Semantic).run().unwrap().len(), 1);
}

#[test]
fn a_static_model_has_no_such_thing() {
    for source in [ModelSource::Path(fixture("static-f32")), ModelSource::Bundled] {
        if source == ModelSource::Bundled && !cfg!(feature = "bundled-model") {
            continue;
        }
        let memory = memory_with(|builder| builder.model(source.clone()).precision(Precision::Int8));
        let error = memory.remember(NewEntry::new("disk full")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("got int8 for a static model"), "{error}");
        assert_eq!(memory.stats().unwrap().store.entries, 0);
        let new = memory.path().with_file_name("new.db");
        let builder = || rekall::Rekall::builder(&new).model(source.clone()).precision(Precision::Int8);
        assert_eq!(builder().check_model().open().unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(!new.exists());
    }
}

#[test]
fn a_change_of_model_is_made_as_the_memory_was_opened() {
    let memory = memory_with(of_bert);
    memory.remember(NewEntry::new("the server")).unwrap();
    let rounded = memory.again(|builder| of_bert(builder).precision(Precision::Int8));
    assert_eq!((memory.precision(), rounded.precision()), (Precision::F32, Precision::Int8));
    let source = || ModelSource::Path(fixture("bert-tiny-mean"));
    assert_eq!(rounded.reembed(source()).run().unwrap().entries, 1);
    assert!(rounded.stats().unwrap().space.unwrap().contains("precision=int8"));
    let floats = LoadOptions::new();
    assert_eq!(rounded.reembed(source()).load_options(floats).run().unwrap().entries, 1);
    assert!(!rounded.stats().unwrap().space.unwrap().contains("precision"));
}
