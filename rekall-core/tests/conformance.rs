//! A store in one file keeps what every store promises.
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

use std::sync::Arc;

use rekall_core::testing::{Clock, Made, in_a_crowd};
use rekall_core::{SqliteStore, StoreOptions};

fn file(clock: Arc<Clock>) -> Option<Made> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = StoreOptions::default();
    options.clock = clock;
    let store = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
    Some((Arc::new(store), Box::new(folder)))
}

rekall_core::store_conformance!(in_a_file, file);
rekall_core::scopes_conformance!(with_scopes_in_a_file, file);

fn scoped(clock: Arc<Clock>) -> Option<Made> {
    file(clock).map(in_a_crowd)
}

rekall_core::store_conformance!(in_a_scope, scoped);
