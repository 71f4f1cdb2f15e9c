//! The connections of a store: some are in use, some wait for the next one who needs them.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

/// Connections that nobody uses, and how many there are in all.
pub(super) struct Pool {
    limit: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// The one that was used last is at the end, and is used first: the others grow old.
    idle: Vec<(Link, Instant)>,
    places: usize,
}

/// One connection, which is closed when it is dropped.
pub(super) struct Link {
    pub(super) client: Client,
    _place: Place,
}

/// The right to have one connection.
pub(super) struct Place(Weak<Pool>);

impl Place {
    pub(super) fn fill(self, client: Client) -> Link {
        Link { client, _place: self }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.lock().places -= 1;
            pool.freed.notify_one();
        }
    }
}

/// What a user of the pool gets.
pub(super) enum Taken {
    /// A connection that was used before.
    Link(Link),
    /// Leave to make one.
    Place(Place),
}

impl Pool {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), state: Mutex::default(), freed: Condvar::new() })
    }

    /// A connection, or leave to make one, waiting for it up to `timeout`.
    pub(super) fn take(self: &Arc<Self>, timeout: Duration) -> Option<Taken> {
        let deadline = Instant::now().checked_add(timeout);
        // Dropped when the lock is free, because each gives its place back under it.
        let mut dead = Vec::new();
        let mut state = self.lock();
        loop {
            while let Some((link, _)) = state.idle.pop() {
                if !link.client.is_closed() {
                    return Some(Taken::Link(link));
                }
                dead.push(link);
            }
            // The dead ones have their places yet.
            if state.places < self.limit + dead.len() {
                state.places += 1;
                return Some(Taken::Place(Place(Arc::downgrade(self))));
            }
            let left =
                deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes a connection back.
    pub(super) fn put(&self, link: Link) {
        if link.client.is_closed() {
            return;
        }
        self.lock().idle.push((link, Instant::now()));
        self.freed.notify_one();
    }

    /// Closes the connections that nobody has used since then; `None`: all that nobody uses.
    pub(super) fn close_idle(&self, since: Option<Instant>) {
        let old = {
            let mut state = self.lock();
            let kept = since
                .map_or(Vec::new(), |since| state.idle.extract_if(.., |(_, used)| *used > since).collect());
            std::mem::replace(&mut state.idle, kept)
        };
        drop(old);
    }

    /// Connections that nobody uses, and all.
    pub(super) fn count(&self) -> (usize, usize) {
        let state = self.lock();
        (state.idle.len(), state.places)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without what a client knows.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (idle, open) = self.count();
        write!(f, "Pool({idle} idle of {open} connections, at most {})", self.limit)
    }
}
