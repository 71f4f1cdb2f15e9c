//! Bad input gets an error that names what was expected and what was got, and changes nothing.

use std::fs;
use std::sync::Arc;

use crate::common::engine::on_every_engine;
use crate::common::{Engine, WordModel, memory};
use rekall::{Config, EntryId, EntryPatch, Error, ErrorKind, Mode, NewEntry, Rekall};

on_every_engine!(
    entries,
    ids,
    queries,
    vectors,
    a_read_only_memory_refuses_writes_and_answers,
    an_entry_is_given_another_vector_with_or_without_another_text,
);

fn refused(result: Result<impl std::fmt::Debug, Error>, kind: ErrorKind, message: &str) {
    let error = result.expect_err(message);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error:?} should say {message:?}");
}

fn entries(engine: Engine) {
    let memory = engine.memory();
    let invalid = ErrorKind::InvalidInput;
    refused(memory.remember(NewEntry::new("")), invalid, "title is empty");
    refused(memory.remember(NewEntry::new(" ").content("")), invalid, "title is empty");
    refused(memory.remember(NewEntry::new("t").content("a\0b")), invalid, "NUL character at byte 1");
    let huge = "x".repeat(10 << 20);
    refused(
        memory.remember(NewEntry::new("t").content(huge)),
        invalid,
        "at most 4194304 bytes, got 10485760",
    );
    let mixed = [NewEntry::new("fine"), NewEntry::new("")];
    refused(memory.remember_many(&mixed).run(), invalid, "title is empty");
    assert_eq!(memory.stats().unwrap().store.entries, 0, "nothing of a refused batch is stored");
    let id = memory.remember(NewEntry::new("t")).unwrap();
    refused(memory.update(id, &EntryPatch::new().title("")), invalid, "title is empty");
    assert_eq!(memory.get(id).unwrap().title, "t");
}

fn ids(engine: Engine) {
    let memory = engine.memory();
    let unknown: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let message = "no entry has the id 01ARZ3NDEKTSV4RRFFQ69G5FAV";
    refused(memory.get(unknown), ErrorKind::NotFound, message);
    refused(memory.forget(unknown), ErrorKind::NotFound, message);
    refused(memory.update(unknown, &EntryPatch::new().title("t")), ErrorKind::NotFound, message);
    refused(memory.similar_to(unknown).run(), ErrorKind::NotFound, message);
    let id = memory.remember(NewEntry::new("t")).unwrap();
    refused(memory.link(id, unknown, "related", None), ErrorKind::NotFound, message);
    refused(memory.link(id, id, "related", None), ErrorKind::InvalidInput, "another entry than the source");
}

fn queries(engine: Engine) {
    let memory = engine.memory();
    memory.remember(NewEntry::new("t")).unwrap();
    let invalid = ErrorKind::InvalidInput;
    for mode in [Mode::Text, Mode::Semantic, Mode::Hybrid] {
        refused(memory.recall("").mode(mode).run(), invalid, "query is empty");
        refused(memory.recall(" \n").mode(mode).run(), invalid, "query is empty");
        refused(memory.recall("t").mode(mode).limit(0).run(), invalid, "limit must be 1 to 100000, got 0");
    }
    refused(memory.recall("t").limit(1_000_000).run(), invalid, "got 1000000");
    refused(memory.recall("t").threshold(f32::NAN).run(), invalid, "threshold must be -1 to 1");
    refused(memory.recall("t").threshold(1.5).run(), invalid, "got 1.5");
    let longest = "word ".repeat((1 << 20) / 5);
    for mode in [Mode::Text, Mode::Semantic, Mode::Hybrid] {
        memory.recall(&longest).mode(mode).run().unwrap();
        let longer = "word ".repeat(1_000_000);
        refused(memory.recall(&longer).mode(mode).run(), invalid, "at most 1048576 bytes, got 5000000");
    }
    for weight in [1e308, f64::INFINITY, f64::NAN, -1.0, 1_000_001.0] {
        refused(memory.recall("t").weights(weight, 1.0).run(), invalid, "weights must be 0 to 1000000");
        refused(memory.recall("t").weights(1.0, weight).run(), invalid, "weights must be 0 to 1000000");
    }
    let found = memory.recall("t").weights(1e6, 1e6).run().unwrap();
    assert!(found.iter().all(|hit| hit.score.is_finite()) && found.len() == 1);
}

fn vectors(engine: Engine) {
    let memory = engine.memory_with(|builder| builder.vectors_of("mine", 3));
    memory.remember_with_vector(NewEntry::new("t"), &[1.0, 0.0, 0.0]).unwrap();
    let invalid = ErrorKind::InvalidVector;
    for (vector, message) in [
        (&[1.0, 0.0][..], "must have 3 components, got 2"),
        (&[1.0, f32::NAN, 0.0], "NaN at component 1"),
        (&[f32::INFINITY, 0.0, 0.0], "inf at component 0"),
        (&[0.0, 0.0, 0.0], "length 0"),
    ] {
        refused(memory.recall_vector(vector).run(), invalid, message);
        refused(memory.remember_with_vector(NewEntry::new("bad"), vector), invalid, message);
    }
    assert_eq!(memory.stats().unwrap().store.entries, 1);
    let found = memory.recall_vector(&[1e-30, 1e-30, 0.0]).run().unwrap();
    assert!((found[0].similarity.unwrap() - 0.5_f32.sqrt()).abs() < 1e-6, "short vectors have a direction");
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Rekall::builder(folder.path().join(name)).open().map(drop);
    refused(Rekall::builder(folder.path()).open().map(drop), ErrorKind::NotADatabase, "a folder");
    for odd in ["", ":memory:"] {
        refused(Rekall::builder(odd).open().map(drop), ErrorKind::InvalidInput, "a file");
    }
    fs::write(folder.path().join("notes.md"), "# Notes\n").unwrap();
    refused(open("notes.md"), ErrorKind::NotADatabase, "a text file");
    fs::write(folder.path().join("empty.db"), "").unwrap();
    refused(open("empty.db"), ErrorKind::NotADatabase, "an empty file");
    assert_eq!(fs::read(folder.path().join("empty.db")).unwrap(), b"");
    fs::write(folder.path().join("image.db"), [0x89, b'P', b'N', b'G', 0, 1, 2]).unwrap();
    refused(open("image.db"), ErrorKind::NotADatabase, "another format");
    refused(open("missing/a.db"), ErrorKind::Io, "missing/a.db");
    let absent = Rekall::builder(folder.path().join("absent.db")).create(false).open();
    refused(absent, ErrorKind::NotFound, "absent.db");
    assert!(!folder.path().join("absent.db").exists());
}

#[test]
fn a_newer_file_is_left_alone() {
    let memory = memory();
    memory.remember(NewEntry::new("t")).unwrap();
    let path = memory.path().to_owned();
    drop(memory.rekall);
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let opened = Rekall::builder(&path).open();
    refused(opened, ErrorKind::NewerVersion, "file version 99, this library reads up to 5");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

fn a_read_only_memory_refuses_writes_and_answers(engine: Engine) {
    let memory = engine.memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    let reader = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))).read_only());
    refused(reader.remember(NewEntry::new("t")), ErrorKind::ReadOnly, "read-only");
    assert_eq!(reader.recall("disk").run().unwrap().len(), 1);
}

#[test]
fn configuration() {
    let error = "[performance]\ncache_size = 1".parse::<Config>().unwrap_err();
    let error = Error::from(error);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("cache_size"), "{error}");
    let missing = Config::from_file("no-such-file.toml").unwrap_err();
    assert!(missing.to_string().contains("no-such-file.toml"));
}

fn an_entry_is_given_another_vector_with_or_without_another_text(engine: Engine) {
    let memory = engine.memory_with(|builder| builder.vectors_of("host", 3));
    let id = memory.remember_with_vector(NewEntry::new("north"), &[0.0, 0.0, 2.0]).unwrap();
    let nearest = |vector: &[f32]| memory.recall_vector(vector).run().unwrap()[0].similarity.unwrap();
    assert_eq!(nearest(&[0.0, 0.0, 1.0]), 1.0);
    memory.update_with_vector(id, &EntryPatch::new(), &[5.0, 0.0, 0.0]).unwrap();
    assert_eq!((nearest(&[0.0, 0.0, 1.0]), nearest(&[1.0, 0.0, 0.0])), (0.0, 1.0));
    let entry = memory.update_with_vector(id, &EntryPatch::new().title("east"), &[0.0, 3.0, 0.0]).unwrap();
    assert_eq!((entry.title.as_str(), nearest(&[0.0, 1.0, 0.0])), ("east", 1.0));
    assert_eq!(memory.stats().unwrap().store.pending, 0);
    for (vector, kind) in [(vec![1.0; 4], ErrorKind::InvalidVector), (vec![0.0; 3], ErrorKind::InvalidVector)]
    {
        let error = memory.update_with_vector(id, &EntryPatch::new().title("lost"), &vector).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(memory.get(id).unwrap().title, "east");
}

#[test]
#[cfg(not(feature = "sqlite-vec"))]
fn a_backend_that_this_build_lacks_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let builder = Rekall::builder(&path).vector_backend(rekall::VectorBackend::SqliteVec);
    refused(builder.open(), ErrorKind::Unsupported, "needs the feature sqlite-vec");
    assert!(!path.exists(), "nothing was made");
}
