//! Keeping the write-ahead log short, and noticing what keeps it long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Store, WriteTx, upkeep};

/// The length that SQLite cuts the log back to when it begins it anew (`journal_size_limit`).
const BOUND: u64 = 64 << 20;

/// How long a commit waits for readers when the log is beyond the bound. Short ones are over by then, and other writers
/// wait meanwhile.
const WAIT_FOR_READERS: Duration = Duration::from_millis(20);

/// How far the log has grown beyond its bound.
#[derive(Debug)]
pub(super) struct LogGrowth {
    /// The length from which on something is done, or told, next.
    next: AtomicU64,
    /// The length that nobody was told of yet; 0: none.
    held: AtomicU64,
}

impl Default for LogGrowth {
    fn default() -> Self {
        Self { next: AtomicU64::new(BOUND), held: AtomicU64::new(0) }
    }
}

impl Store {
    /// The length of the write-ahead log, in bytes, when a commit of this store found it over 64 MiB and a reader, in this
    /// process or another one, kept it from being begun anew: one that holds its view for a long time, or many that
    /// overlap. Given once, and again each time that the log has doubled; `None` otherwise. All of the log is copied into
    /// the file when the reader is gone, which then takes its time.
    #[must_use]
    pub fn take_held_log(&self) -> Option<u64> {
        match self.log_growth.held.swap(0, Ordering::Relaxed) {
            0 => None,
            bytes => Some(bytes),
        }
    }
}

impl WriteTx<'_> {
    /// Behind a commit. SQLite begins the log anew when a commit finds no reader in it; where readers overlap there may
    /// never be such a moment, so this waits for one. Costs a look at the log's length.
    pub(super) fn bound_log(&self) {
        let (growth, database) = (&self.store.log_growth, &self.store.database);
        let bytes = database.log_bytes();
        if bytes <= BOUND {
            growth.next.store(BOUND, Ordering::Relaxed);
        } else if bytes > growth.next.load(Ordering::Relaxed) {
            let timeout = database.options().busy_timeout;
            let emptied = upkeep::secure::empty_log(&self.connection, timeout, WAIT_FOR_READERS);
            if !matches!(emptied, Ok(true)) {
                tracing::debug!(bytes, ?emptied, "the log could not be begun anew");
                growth.next.store(bytes.saturating_mul(2), Ordering::Relaxed);
                growth.held.store(bytes, Ordering::Relaxed);
            }
        }
    }
}
