//! The way to the server: connections, transactions, time-outs, and what happens when a connection breaks.
//!
//! Callers block, as everywhere in the library; sockets are read and written by one thread of the store's own
//! ([`IoThread`]). A caller sends a statement to it through a channel and sleeps until the answer comes, so it may be a thread of any
//! kind, one of another asynchronous runtime included.
//!
//! Nothing outlives a transaction in a session of the server: settings are made with `SET LOCAL`, statements are unnamed and parsed
//! each time, and nothing listens. So the connections may be those of a pooler that gives each transaction another session
//! (pgbouncer in the mode `transaction`).

mod connect;
mod copy;
mod io_thread;
mod outcome;
mod pool;
mod session;
#[cfg(test)]
#[cfg(unix)]
pub(crate) mod tests;
mod tls;
mod transaction;
#[cfg(all(unix, any(test, feature = "testing")))]
pub(crate) mod trips;
mod wait;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::url::Address;
pub(crate) use copy::CopyRows;
use io_thread::IoThread;
use pool::Pool;
use session::Session;
pub(crate) use transaction::{Mode, Transaction, Witness};

/// A value for a statement, with the type that the server is told. Types are given, because to ask for them would take a
/// round trip and a named statement.
pub(crate) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A statement with its values.
pub(crate) type Statement<'a> = (&'a str, &'a [Value<'a>]);

/// How many connections, and how long to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Most connections at once.
    pub(crate) connections: usize,
    /// How long one is kept that nobody uses.
    pub(crate) idle_timeout: Duration,
    /// How long to wait for one, and for another writer.
    pub(crate) busy_timeout: Duration,
    /// How long a statement may take; `None`: as long as the server lets it.
    pub(crate) statement_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 16,
            idle_timeout: Duration::from_secs(300),
            busy_timeout: Duration::from_secs(5),
            statement_timeout: None,
        }
    }
}

/// A server, as one store sees it. `Send + Sync`: any number of threads may use it.
#[derive(Debug)]
pub(crate) struct Client {
    shared: Arc<Shared>,
    /// The scope that its transactions are bound to; 0: the memory without a name.
    scope: i64,
}

/// What transactions keep as long as they live. Fields are dropped in this order: the thread goes last.
struct Shared {
    pool: Arc<Pool>,
    address: Arc<Address>,
    tls: MakeRustlsConnect,
    settings: Settings,
    io: IoThread,
}

impl Client {
    /// Starts the thread; the first transaction connects.
    ///
    /// # Errors
    /// [`Error::Tls`], [`Error::Thread`].
    pub(crate) fn start(address: Address, settings: Settings) -> Result<Self, Error> {
        let tls = tls::connector(address.security, address.authorities.as_deref())?;
        let shared = Arc::new(Shared {
            pool: Pool::new(settings.connections),
            address: Arc::new(address),
            tls,
            settings,
            io: IoThread::start()?,
        });
        shared.io.spawn(close_idle(Arc::downgrade(&shared), settings.idle_timeout));
        Ok(Self { shared, scope: 0 })
    }

    /// The same connections, for transactions that are bound to a scope: the server shows them its rows alone.
    pub(crate) fn bound_to(&self, scope: i64) -> Self {
        Self { shared: Arc::clone(&self.shared), scope }
    }

    /// Where the server is, without a password.
    pub(crate) fn address(&self) -> &Address {
        &self.shared.address
    }

    pub(crate) fn settings(&self) -> Settings {
        self.shared.settings
    }
    /// Begins a transaction and runs its first statements, in one round trip together. If the connection turns out to be dead, which
    /// connections are after a restart of the server, that is done once more on a new one.
    ///
    /// # Errors
    /// [`Error::Busy`] when all connections are in use longer than the time-out; what connecting, and the statements, fail with;
    /// [`Error::Interrupted`].
    pub(crate) fn begin(
        &self,
        mode: Mode,
        statements: &[Statement<'_>],
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<(Transaction, Vec<Vec<Row>>), Error> {
        let mut session = Session::take(&self.shared, cancel.cloned())?;
        // As many as may have died at once; after a restart of the server, one try is enough.
        for _ in 0..self.shared.settings.connections {
            let was_idle = session.was_idle();
            match Transaction::begin(session, mode, self.scope, statements) {
                Err(error) if error.is_lost() && was_idle => {
                    tracing::debug!(%error, "a connection was dead: trying on another one");
                    session = Session::take_other(&self.shared, cancel.cloned())?;
                }
                begun => return begun,
            }
        }
        Transaction::begin(session, mode, self.scope, statements)
    }

    /// Closes connections that nobody uses.
    pub(crate) fn release(&self) {
        self.shared.pool.close_idle(None);
    }

    /// Connections that nobody uses, and all.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> (usize, usize) {
        self.shared.pool.count()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("address", &self.address)
            .field("settings", &self.settings)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.pool.close_idle(None);
    }
}

/// Closes connections that nobody has used for so long, as long as there is a store.
async fn close_idle(shared: Weak<Shared>, timeout: Duration) {
    loop {
        tokio::time::sleep(timeout).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.pool.close_idle(Instant::now().checked_sub(timeout));
    }
}
