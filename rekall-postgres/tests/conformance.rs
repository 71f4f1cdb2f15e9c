//! The suite that every engine runs, on a server: on a memory alone, and beside scopes and in one, where others hold what looks like it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

mod noise;

use std::sync::Arc;

use rekall_core::testing::{Clock, Made};
use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

fn open(url: &str, clock: Arc<Clock>) -> PostgresStore {
    let mut options = PostgresOptions::default();
    options.clock = clock;
    PostgresStore::open(url, &options).unwrap()
}

fn server(clock: Arc<Clock>) -> Option<Made> {
    let server = Server::shared()?;
    Some((Arc::new(open(&server.memory_url(), clock)), Box::new(())))
}

/// The memory without a name, beside two scopes.
fn beside_scopes(clock: Arc<Clock>) -> Option<Made> {
    let store = open(&Server::shared()?.memory_url(), clock);
    noise::fill_scopes(&store);
    Some((Arc::new(store), Box::new(())))
}

/// A scope between two others. What holds them apart is the library alone: a superuser passes the policies.
fn scoped(clock: Arc<Clock>) -> Option<Made> {
    let store = open(&Server::shared()?.memory_url(), clock);
    Some((noise::scope_among_others(&store), Box::new(store)))
}

/// The same for a user whom the server shows the rows of the scope alone.
fn walled(clock: Arc<Clock>) -> Option<Made> {
    let store = open(&Server::shared()?.memory_url_of_user(), clock);
    Some((noise::scope_among_others(&store), Box::new(store)))
}

/// The memory without a name, for such a user.
fn walled_beside_scopes(clock: Arc<Clock>) -> Option<Made> {
    let store = open(&Server::shared()?.memory_url_of_user(), clock);
    noise::fill_scopes(&store);
    Some((Arc::new(store), Box::new(())))
}

rekall_core::store_conformance!(on_a_server, server);
rekall_core::store_conformance!(beside_scopes_on_a_server, beside_scopes);
rekall_core::store_conformance!(in_a_scope, scoped);
rekall_core::store_conformance!(in_a_walled_scope, walled);
rekall_core::store_conformance!(beside_walled_scopes, walled_beside_scopes);
