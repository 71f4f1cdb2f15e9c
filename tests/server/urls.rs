//! A memory on a server, by its URL: what it does as a file does, and what it refuses by name.

use std::path::Path;
use std::sync::Arc;

use crate::common::{Engine, WordModel};
use rekall::{Error, ErrorKind, Mode, NewEntry, Rekall};
use rekall_postgres::testing::Server;

fn refused(result: Result<impl Sized, Error>, message: &str) {
    let error = result.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(error.to_string(), format!("PostgreSQL cannot do this: {message}"));
}

#[test]
fn a_url_opens_a_memory_that_has_a_location_and_no_path() {
    let Some(server) = Server::shared() else { return };
    let memory = Engine::Server(server).memory();
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    let other = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    let found = other.recall("disk full").mode(Mode::Semantic).run().unwrap();
    assert_eq!(found[0].entry.id, id);
    assert_eq!(memory.path(), Path::new(""));
    let location = memory.location();
    assert!(location.starts_with(&format!("127.0.0.1:{}/rekall, schema memory_", server.port())));
    assert_eq!(format!("{:?}", memory.rekall), format!("Rekall {{ location: {location:?}, .. }}"));
    assert_eq!(memory.stats().unwrap().store.entries, 1);
}

#[test]
fn what_only_a_file_can_do_is_refused_by_name() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    let builder = || Rekall::builder(&url).without_model();
    refused(builder().secure_delete(true).open(), "overwriting what is forgotten (secure_delete)");
    refused(
        builder().migrate(true).open(),
        "putting a new memory in the place of the Python tool's file (migrate)",
    );
    #[cfg(feature = "sqlite-vec")]
    refused(
        builder().vector_backend(rekall::VectorBackend::SqliteVec).open(),
        "the vector backend sqlite-vec, which is a table in a file",
    );
    let missing = builder().create(false).open().unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}: nothing was made by what was refused");

    let memory = Engine::Server(server).memory_with(rekall::Builder::without_model);
    let file = memory.folder.path().join("copy.db");
    refused(memory.check().run(), "upkeep of a file");
    refused(memory.repair().run(), "upkeep of a file");
    refused(memory.compact().run(), "upkeep of a file");
    refused(memory.backup(&file).run(), "upkeep of a file");
    refused(memory.import_legacy(&file).run(), "import of a file of the Python tool");
    assert!(!file.exists());
}

#[test]
fn a_url_in_the_place_of_a_file_is_refused_by_name() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    refused(Rekall::check_file(&url).run(), "looking for damage in a file");
    refused(Rekall::repair_file(&url).run(), "repairing a file");
    refused(Rekall::salvage_file(&url, "copy.db").run(), "salvaging a file");
    refused(Rekall::salvage_file("a.db", &url).run(), "salvaging a file");
    refused(Rekall::migrate_legacy(&url).run(), "migration of a file of the Python tool");
    let memory = crate::common::memory();
    refused(memory.backup(&url).run(), "a copy of a file");
    refused(memory.export_jsonl_file(&url).run(), "an export to a file of lines");
    refused(memory.import_legacy(&url).run(), "import of a file of the Python tool");
}

#[test]
fn no_error_and_no_debug_output_shows_the_password() {
    let Some(server) = Server::shared() else { return };
    let url = |password: &str, rest: &str| {
        format!("postgres://rekall:{password}@127.0.0.1:{}/rekall{rest}", server.port())
    };
    let cases = [
        (url("hunter2", ""), ErrorKind::Io, "refuses the connection"),
        (url("hunter2", "?sslmode=perhaps"), ErrorKind::InvalidInput, "sslmode must be"),
        (url("hunter2", "?schema="), ErrorKind::InvalidInput, "a schema's name"),
        ("postgres://rekall:hunter2@127.0.0.1:99999/x".to_owned(), ErrorKind::InvalidInput, "URL"),
        (
            "postgres://rekall:hunter2@127.0.0.1:1/x".to_owned(),
            ErrorKind::Io,
            "cannot connect to 127.0.0.1:1",
        ),
        ("POSTGRES://rekall:hunter2@127.0.0.1:1/x".to_owned(), ErrorKind::InvalidInput, "must begin with"),
    ];
    for (url, kind, message) in cases {
        let builder = Rekall::builder(&url).without_model();
        let shown = format!("{builder:?}");
        let error = builder.open().unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
        for text in [shown, error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
