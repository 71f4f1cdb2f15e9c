//! The tables and triggers on a real server.

mod beside_sqlite;
mod making;
mod positions;

use rekall_core::LogPosition;

use super::{Access, POSITION, open, position};
use crate::client::{Client, Mode, Settings};
use crate::testing::Server;
use crate::url::Address;

fn start(url: &str) -> Client {
    Client::start(Address::parse(url).unwrap(), Settings::default()).unwrap()
}

/// An empty memory.
fn memory(server: &Server) -> Client {
    let client = start(&server.memory_url());
    open(&client, Access::Create).unwrap();
    client
}

/// Runs SQL on a memory as another program would.
fn foreign(server: &Server, client: &Client, sql: &str) -> Result<String, String> {
    server.psql("rekall", &format!("SET search_path TO {}; {sql}", client.address().schema))
}

fn position_of(client: &Client) -> LogPosition {
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    position(&transaction.query_one(POSITION, &[]).unwrap()).unwrap().unwrap()
}
