//! The pool of reading connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::Connection;

use crate::Error;
use crate::lock::lock;

/// Reading connections that are idle.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    /// How many are kept.
    capacity: usize,
}

impl Pool {
    pub(super) fn new(capacity: usize) -> Self {
        Self { idle: Mutex::default(), capacity }
    }

    /// An idle connection, or the one that `connect` opens.
    pub(super) fn take(
        &self,
        connect: impl FnOnce() -> Result<Connection, Error>,
    ) -> Result<Pooled<'_>, Error> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect()?,
        };
        Ok(Pooled { pool: self, connection: Some(connection), stoppable: false })
    }

    /// Closes the idle connections, and with them their page caches.
    pub(super) fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        lock(&self.idle)
    }
}

/// A reading connection on loan from the pool.
#[derive(Debug)]
pub(crate) struct Pooled<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    /// A flag stops its statements, and is not to stop those of the next borrower.
    stoppable: bool,
}

/// Steps of SQLite's machine between two looks at the flag: a microsecond.
const STEPS: i32 = 100;

/// A connection on loan, whose statements a flag can stop until it is given back.
pub(crate) trait Stop {
    /// Lets the flag stop whatever statement the connection is in.
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error>;
}

/// Lets the flag stop the statements of a connection, until it is taken away again.
pub(crate) fn stop_statements(connection: &mut Connection, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
    let flag = Arc::clone(cancel);
    Ok(connection.progress_handler(STEPS, Some(move || flag.load(Ordering::Relaxed)))?)
}

impl Stop for Pooled<'_> {
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
        if let Some(connection) = &mut self.connection {
            stop_statements(connection, cancel)?;
            self.stoppable = true;
        }
        Ok(())
    }
}

impl std::ops::Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("the connection leaves only in drop"),
        }
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            let still = self.stoppable && connection.progress_handler(0, None::<fn() -> bool>).is_err();
            let mut idle = self.pool.idle();
            if idle.len() < self.pool.capacity && connection.is_autocommit() && !still {
                idle.push(connection);
            }
        }
    }
}
