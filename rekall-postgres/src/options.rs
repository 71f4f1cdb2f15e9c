//! How a memory on a server is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rekall_core::{SystemWallClock, WallClock};

use crate::client::Settings;
use crate::schema::Access;

/// How a memory is opened. What belongs to the connection itself (host, user, encryption) is in the URL.
///
/// ```
/// use rekall_postgres::PostgresOptions;
///
/// let mut options = PostgresOptions::default();
/// options.connections = 4;
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// Make the schema and its tables when there are none. Default true.
    pub create: bool,
    /// Refuse every write. Default false.
    pub read_only: bool,
    /// How long to wait for another writer, in this process or another one, and for a connection when all are in use, before
    /// [`Error::Busy`](crate::Error::Busy). Default 5 s.
    pub busy_timeout: Duration,
    /// Most connections at once, at least 1. Each transaction has one, and a thread that writes or searches while it reads
    /// needs two. Default 16.
    pub connections: usize,
    /// How long a connection is kept that nobody uses. Default 5 minutes.
    pub idle_timeout: Duration,
    /// How long the server may work on one statement, before [`Error::TimedOut`](crate::Error::TimedOut). `None`, the default: as the
    /// server has it.
    pub statement_timeout: Option<Duration>,
    /// Stamps entries; tests pass their own.
    pub clock: Arc<dyn WallClock>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            connections: 16,
            idle_timeout: Duration::from_secs(300),
            statement_timeout: None,
            clock: Arc::new(SystemWallClock),
        }
    }
}

impl PostgresOptions {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            connections: self.connections,
            idle_timeout: self.idle_timeout,
            busy_timeout: self.busy_timeout,
            statement_timeout: self.statement_timeout,
        }
    }

    pub(crate) fn access(&self) -> Access {
        match (self.read_only, self.create) {
            (true, _) => Access::Read,
            (false, true) => Access::Create,
            (false, false) => Access::Write,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("busy_timeout", &self.busy_timeout)
            .field("connections", &self.connections)
            .field("idle_timeout", &self.idle_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
