//! A connection in use by one transaction.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Shared;
use super::connect::connect;
use super::pool::{Link, Place, Taken};
use super::wait::{Stop, begin, block_on_watched};
use crate::Error;

/// How much later than the server this side stops waiting for a statement.
const MARGIN: Duration = Duration::from_secs(5);

/// How long asking the server to stop a statement may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection on loan. Dropped, it goes back, unless something is wrong with it.
pub(super) struct Session {
    /// Until it is dropped.
    link: Option<Link>,
    shared: Arc<Shared>,
    was_idle: bool,
    cancel: RefCell<Option<Arc<AtomicBool>>>,
    /// Whether it must not be used again: an answer, or a request to stop a statement, may be on its way.
    spoiled: Cell<bool>,
}

impl Session {
    /// One that was used before, if there is one, or a new one.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Interrupted`], and what connecting fails with.
    pub(super) fn take(shared: &Arc<Shared>, cancel: Option<Arc<AtomicBool>>) -> Result<Self, Error> {
        let timeout = shared.settings.busy_timeout;
        match shared.pool.take(timeout) {
            Some(Taken::Link(link)) => Ok(Self::new(shared, link, true, cancel)),
            Some(Taken::Place(place)) => Self::connect_at(shared, place, cancel),
            None => {
                let all = shared.settings.connections;
                let detail = format!("all {all} connections are in use, for {} s", timeout.as_secs_f32());
                Err(Error::Busy { detail })
            }
        }
    }

    /// The same, and none of those that nobody uses now.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn take_other(shared: &Arc<Shared>, cancel: Option<Arc<AtomicBool>>) -> Result<Self, Error> {
        shared.pool.close_idle(None);
        Self::take(shared, cancel)
    }

    fn connect_at(
        shared: &Arc<Shared>,
        place: Place,
        cancel: Option<Arc<AtomicBool>>,
    ) -> Result<Self, Error> {
        let connecting = connect(Arc::clone(&shared.address), shared.tls.clone(), shared.io.presence());
        let connecting = shared.io.spawn(connecting);
        let abort = connecting.abort_handle();
        let (connected, stopped) = block_on_watched(connecting, cancel.as_deref(), None, || abort.abort());
        match connected {
            _ if stopped.is_some() => Err(Error::Interrupted),
            Some(Ok(client)) => Ok(Self::new(shared, place.fill(client?), false, cancel)),
            Some(Err(_)) | None => {
                Err(Error::ConnectionLost { problem: "the I/O thread is gone".to_owned() })
            }
        }
    }

    fn new(shared: &Arc<Shared>, link: Link, was_idle: bool, cancel: Option<Arc<AtomicBool>>) -> Self {
        Self {
            link: Some(link),
            shared: Arc::clone(shared),
            was_idle,
            cancel: RefCell::new(cancel),
            spoiled: Cell::new(false),
        }
    }

    /// Whether the connection was there before, and may have died since.
    pub(super) fn was_idle(&self) -> bool {
        self.was_idle
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// From now on this flag stops statements.
    pub(super) fn stop_when(&self, cancel: &Arc<AtomicBool>) {
        *self.cancel.borrow_mut() = Some(Arc::clone(cancel));
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the flag is set, before or meanwhile; [`Error::TimedOut`]; what the server says.
    pub(super) fn run<'c, F, T>(
        &'c self,
        request: impl FnOnce(&'c tokio_postgres::Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + 'c,
    {
        let cancel = self.cancel.borrow().clone();
        self.run_until(cancel.as_deref(), request)
    }

    /// The same with a flag of this request's own.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(super) fn run_until<'c, F, T>(
        &'c self,
        cancel: Option<&AtomicBool>,
        request: impl FnOnce(&'c tokio_postgres::Client) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + 'c,
    {
        let Some(link) = self.link.as_ref().filter(|_| !self.spoiled.get()) else {
            return Err(Error::ConnectionLost { problem: "it was given up before".to_owned() });
        };
        if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::Interrupted);
        }
        #[cfg(all(unix, any(test, feature = "testing")))]
        super::trips::note();
        let limit = self.shared.settings.statement_timeout;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit + MARGIN));
        let stop = || self.cancel_statement(&link.client);
        match block_on_watched(request(&link.client), cancel, deadline, stop) {
            (_, Some(Stop::Cancelled)) => Err(Error::Interrupted),
            (None, _) | (_, Some(Stop::TimedOut)) => {
                Err(Error::TimedOut { detail: "no answer came in time".to_owned() })
            }
            (Some(answer), None) => {
                if answer.as_ref().is_err_and(Error::is_lost) {
                    self.spoiled.set(true);
                }
                answer
            }
        }
    }

    /// Sends a request whose answer nobody waits for.
    pub(super) fn send<'c, F: Future>(&'c self, request: impl FnOnce(&'c tokio_postgres::Client) -> F) {
        if let Some(link) = self.link.as_ref().filter(|_| !self.spoiled.get()) {
            begin(request(&link.client));
        }
    }

    /// The connection is closed when the transaction is over: it may have an answer on its way that nobody has asked for.
    pub(super) fn spoil(&self) {
        self.spoiled.set(true);
    }

    /// Closes the connection, which makes room for another one.
    pub(super) fn give_up(&mut self) {
        self.link = None;
    }

    /// Asks the server to stop the statement that runs. The request takes a way of its own and may come too late, when the next
    /// statement runs: so there is none on this connection.
    fn cancel_statement(&self, client: &tokio_postgres::Client) {
        self.spoiled.set(true);
        let (token, tls) = (client.cancel_token(), self.shared.tls.clone());
        self.shared.io.spawn(async move {
            let asked = tokio::time::timeout(CANCEL_TIMEOUT, token.cancel_query(tls)).await;
            if !matches!(asked, Ok(Ok(()))) {
                tracing::debug!("the server could not be asked to stop a statement");
            }
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|_| !self.spoiled.get()) {
            self.shared.pool.put(link);
        }
    }
}
