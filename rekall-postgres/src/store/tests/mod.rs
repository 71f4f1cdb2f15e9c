//! The store on a real server.

use super::PostgresStore;
use crate::PostgresOptions;
use crate::testing::Server;

/// An empty memory.
pub(super) fn memory(server: &Server) -> PostgresStore {
    PostgresStore::open(&server.memory_url(), &PostgresOptions::default()).unwrap()
}
