//! The client on a real server.

mod commits;
mod connections;
mod pooler;
mod proxy;
mod statements;
mod tls;

use std::time::Duration;

use tokio_postgres::types::Type;

use super::{Client, Mode, Settings};
use crate::Error;
use crate::testing::Server;
use crate::url::Address;

/// A client of a memory that is not there yet.
pub(crate) fn client(server: &Server) -> Client {
    start(&server.memory_url(), Settings::default())
}

pub(super) fn start(url: &str, settings: Settings) -> Client {
    Client::start(Address::parse(url).unwrap(), settings).unwrap()
}

/// Settings with which a test does not wait.
pub(super) fn impatient() -> Settings {
    Settings { busy_timeout: Duration::from_millis(20), ..Settings::default() }
}

/// Reads a number in a transaction of its own.
pub(super) fn number(client: &Client, sql: &str) -> Result<i64, Error> {
    let (transaction, _) = client.begin(Mode::Read, &[], None)?;
    Ok(transaction.query_one(sql, &[])?.try_get(0)?)
}

/// Writes in a transaction of its own.
pub(super) fn write(client: &Client, sql: &str) -> Result<(), Error> {
    let (transaction, _) = client.begin(Mode::Write, &[], None)?;
    transaction.batch(sql)?;
    transaction.commit(None)
}

/// A text as a value.
pub(super) fn text(value: &String) -> super::Value<'_> {
    (value, Type::TEXT)
}
