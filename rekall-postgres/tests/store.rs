//! A memory on a server, as a program sees it.
#![cfg(unix)]

use rekall_core::{ErrorKind, LogPosition, Store};
use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

#[test]
fn a_memory_is_made_found_again_and_refused_by_kind() {
    let Some(server) = Server::shared() else { return };
    let url = server.memory_url();
    let kind = |url: &str, options: &PostgresOptions| PostgresStore::open(url, options).unwrap_err().kind();
    let mut existing = PostgresOptions::default();
    existing.create = false;
    assert_eq!(kind(&url, &existing), ErrorKind::NotFound);
    let store = PostgresStore::open(&url, &PostgresOptions::default()).unwrap();
    let place = format!("127.0.0.1:{}/rekall, schema memory_", server.port());
    assert!(store.server().starts_with(&place), "{}", store.server());
    let position = |store: &PostgresStore| -> LogPosition { store.read().unwrap().position().unwrap() };
    let before = position(&store);
    store.release_memory();
    existing.read_only = true;
    let reader = PostgresStore::open(&url, &existing).unwrap();
    assert_eq!(position(&reader), before);
    assert_eq!(reader.write().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(kind("notes.db", &existing), ErrorKind::InvalidInput);
    assert_eq!(kind(&url.replace(server.password(), "wrong"), &existing), ErrorKind::Io);
    let debug = format!("{store:?}");
    assert!(!debug.contains(server.password()), "{debug}");
}
