//! Keeping the write-ahead log short, and noticing what keeps it long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::connection::Database;
use crate::erase;

/// The length that SQLite cuts the log back to when it restarts it (`journal_size_limit`).
const BOUND: u64 = 64 << 20;

/// How long a commit waits for readers when the log is beyond the bound. Short ones are over by then, and other writers
/// wait meanwhile.
const WAIT_FOR_READERS: Duration = Duration::from_millis(20);

/// How far the log has grown beyond its bound.
#[derive(Debug)]
pub(super) struct LogGrowth {
    /// The length at which the log is emptied, or reported, next.
    next: AtomicU64,
    /// The length that was not reported yet; 0: none.
    held: AtomicU64,
}

impl Default for LogGrowth {
    fn default() -> Self {
        Self { next: AtomicU64::new(BOUND), held: AtomicU64::new(0) }
    }
}

impl LogGrowth {
    /// The length that was not reported yet, once.
    pub(super) fn take_held(&self) -> Option<u64> {
        match self.held.swap(0, Ordering::Relaxed) {
            0 => None,
            bytes => Some(bytes),
        }
    }

    /// Empties a log that grew beyond its bound, after a commit. SQLite restarts the log when a commit finds no reader in
    /// it; where readers overlap there may never be such a moment, so this waits for one. Costs a look at the log's length.
    pub(super) fn bound(&self, connection: &Connection, database: &Database) {
        let bytes = database.log_bytes();
        if bytes <= BOUND {
            self.next.store(BOUND, Ordering::Relaxed);
        } else if bytes > self.next.load(Ordering::Relaxed) {
            let timeout = database.options().busy_timeout;
            let emptied = erase::empty_log(connection, timeout, WAIT_FOR_READERS);
            if !matches!(emptied, Ok(true)) {
                tracing::debug!(bytes, ?emptied, "the log could not be emptied");
                self.next.store(bytes.saturating_mul(2), Ordering::Relaxed);
                self.held.store(bytes, Ordering::Relaxed);
            }
        }
    }
}
