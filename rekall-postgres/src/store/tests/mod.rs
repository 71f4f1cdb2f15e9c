//! The store on a real server: what cannot be compared with a file.

mod blocks;
mod foreign;
mod many;
mod pushed;
mod pushed_beside_others;
mod reads;
mod scopes;
mod together;
mod trips;
mod words;

use rekall_core::{Draft, EntryId, NewEntry};

use super::PostgresStore;
use crate::PostgresOptions;
use crate::testing::Server;

/// An empty memory.
pub(super) fn memory(server: &Server) -> PostgresStore {
    open(&server.memory_url())
}

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &PostgresOptions::default()).unwrap()
}

/// Remembers an entry in a transaction of its own; gives its id and its row number.
fn remember(store: &PostgresStore, title: &str) -> (EntryId, i64) {
    use rekall_core::store::WriteEntries;
    let mut tx = store.begin_write().unwrap();
    let inserted = tx.insert(&[Draft::new(&NewEntry::new(title))]).unwrap();
    tx.finish().unwrap();
    (inserted[0].id, inserted[0].row)
}

/// Runs SQL on the memory as another program would.
fn foreign(server: &Server, store: &PostgresStore, sql: &str) -> Result<String, String> {
    server.psql("rekall", &format!("SET search_path TO {}; {sql}", store.client.address().schema))
}
