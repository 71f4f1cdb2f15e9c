//! The store: one memory on a server.

use rekall_core::LogPosition;

use crate::client::{Client, Mode};
use crate::schema::{self, POSITION};
use crate::url::Address;
use crate::{Error, PostgresOptions};

/// A memory that is kept in a schema of a PostgreSQL database. `Send + Sync`: any number of threads, and any number of processes, may
/// use one memory at once.
///
/// Readers never wait for writers nor writers for readers; one writer at a time, others wait up to
/// [`PostgresOptions::busy_timeout`]. The store has one thread, which sleeps while nothing is asked of the server, and ends with it.
#[derive(Debug)]
pub struct PostgresStore {
    client: Client,
}

impl PostgresStore {
    /// Opens a memory, or makes it. Connects once, and makes tables only where there are none.
    ///
    /// ```no_run
    /// use rekall_postgres::{PostgresOptions, PostgresStore};
    ///
    /// # fn main() -> Result<(), rekall_postgres::Error> {
    /// let url = "postgres://ann@db.example/team?schema=notes&sslmode=verify-full";
    /// let store = PostgresStore::open(url, &PostgresOptions::default())?;
    /// assert_eq!(store.server(), "db.example:5432/team, schema notes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadUrl`]; what connecting fails with ([`Error::Unreachable`], [`Error::Refused`], [`Error::Tls`]);
    /// [`Error::NotFound`] if there is no memory and none is to be made; [`Error::NotAMemory`], [`Error::NewerVersion`],
    /// [`Error::Unfit`]; [`Error::ReadOnly`] if the user may not do what is needed.
    pub fn open(url: &str, options: &PostgresOptions) -> Result<Self, Error> {
        let client = Client::start(Address::parse(url)?, options.settings())?;
        schema::open(&client, options.access())?;
        Ok(Self { client })
    }

    /// Where the memory is, without user and password.
    #[must_use]
    pub fn server(&self) -> String {
        self.client.address().to_string()
    }

    /// Where the change log stands now: one round trip. Positions are committed in order, whoever writes.
    ///
    /// # Errors
    /// What asking the server fails with.
    pub fn position(&self) -> Result<LogPosition, Error> {
        let (_, rows) = self.client.begin(Mode::Read, &[(POSITION, &[])], None)?;
        let row = rows.first().and_then(|rows| rows.first());
        let row = row.ok_or_else(|| Error::Corrupt { detail: "no position of the log".to_owned() })?;
        schema::position(row)
    }

    /// Closes connections that nobody uses.
    pub fn release_memory(&self) {
        self.client.release();
    }
}
