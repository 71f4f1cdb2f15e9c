//! A store on a server keeps what every store promises.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

use std::sync::Arc;

use rekall_core::testing::{Clock, Made};
use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

fn server(clock: Arc<Clock>) -> Option<Made> {
    let server = Server::shared()?;
    let mut options = PostgresOptions::default();
    options.clock = clock;
    let store = PostgresStore::open(&server.memory_url(), &options).unwrap();
    Some((Arc::new(store), Box::new(())))
}

rekall_core::store_conformance!(on_a_server, server);
