//! A store in one file keeps what every store promises.
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

use std::sync::Arc;

use rekall_core::testing::{Clock, Made};
use rekall_core::{SqliteStore, StoreOptions};

fn file(clock: Arc<Clock>) -> Option<Made> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = StoreOptions::default();
    options.clock = clock;
    let store = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
    Some((Arc::new(store), Box::new(folder)))
}

rekall_core::store_conformance!(in_a_file, file);
