//! Keeping the write-ahead log short, and noticing what keeps it long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::sqlite::connection::{Database, Patience, RealTime, Waiting, empty_log};

/// The length from which a commit tries to empty the log, and by which the log grows between two tries that fail. SQLite
/// itself begins to copy the log into the file at half of it, and empties it where nobody reads.
const STEP: u64 = 16 << 20;

/// The length from which a reader that keeps the log is reported.
const REPORTED: u64 = 64 << 20;

/// How long a commit waits for readers. Other writers wait meanwhile.
const PATIENCE: Patience =
    Patience { longest: Duration::from_millis(250), without_progress: Duration::from_millis(50) };

/// How far the log has grown.
#[derive(Debug)]
pub(super) struct LogGrowth {
    /// The length at which emptying it is tried next.
    next_try: AtomicU64,
    /// The length at which it is reported next.
    next_report: AtomicU64,
    /// The length that was not reported yet; 0: none.
    held: AtomicU64,
}

impl Default for LogGrowth {
    fn default() -> Self {
        Self {
            next_try: AtomicU64::new(STEP),
            next_report: AtomicU64::new(REPORTED),
            held: AtomicU64::new(0),
        }
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

    /// Empties a log that grew, after a commit. Costs a look at its length in most cases.
    pub(super) fn bound(&self, connection: &Connection, database: &Database) {
        self.bound_waiting(connection, database, &mut RealTime::begin());
    }

    /// SQLite restarts the log when a commit finds no reader in it. Where readers follow one another without a gap there is
    /// never such a moment by itself, so every [`STEP`] this waits for one.
    fn bound_waiting(&self, connection: &Connection, database: &Database, waiting: &mut dyn Waiting) {
        let bytes = database.log_bytes();
        if bytes <= STEP {
            self.forget();
            return;
        }
        if bytes > self.next_try.load(Ordering::Relaxed) {
            let busy_timeout = database.options().busy_timeout;
            let emptied = empty_log(connection, busy_timeout, PATIENCE, waiting);
            if matches!(emptied, Ok(true)) {
                self.forget();
                return;
            }
            tracing::debug!(bytes, ?emptied, "the log could not be emptied");
            self.next_try.store(bytes.saturating_add(STEP), Ordering::Relaxed);
        }
        if bytes > self.next_report.load(Ordering::Relaxed) {
            self.next_report.store(bytes.saturating_mul(2), Ordering::Relaxed);
            self.held.store(bytes, Ordering::Relaxed);
        }
    }

    /// The log is short.
    fn forget(&self) {
        self.next_try.store(STEP, Ordering::Relaxed);
        self.next_report.store(REPORTED, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::SqliteReadTx;

    use crate::store::Store;
    use crate::{SqliteStore, StoreOptions};

    /// Readers of which each begins before the one before it ends, at every pause of the writer.
    struct Relay<'s> {
        store: &'s SqliteStore,
        reading: SqliteReadTx<'s>,
        now: Duration,
    }

    impl Waiting for Relay<'_> {
        fn elapsed(&self) -> Duration {
            self.now
        }

        fn pause(&mut self, duration: Duration) {
            self.now += duration;
            self.reading = self.store.begin_read().unwrap();
        }
    }

    /// One mebibyte more in the log, and no look at its length yet.
    fn grow(store: &SqliteStore) {
        let tx = store.begin_write().unwrap();
        tx.connection().execute_batch("UPDATE bulk SET bytes = randomblob(1048576)").unwrap();
        tx.connection().execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn searches_that_follow_one_another_without_a_gap_do_not_let_the_log_grow() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let tx = store.begin_write().unwrap();
        let sql = "CREATE TABLE bulk (bytes BLOB); INSERT INTO bulk VALUES (randomblob(1048576));";
        tx.connection().execute_batch(sql).unwrap();
        tx.finish().unwrap();
        let mut relay = Relay { store: &store, reading: store.begin_read().unwrap(), now: Duration::ZERO };
        let mut longest = 0;
        for _ in 0..200 {
            // Somebody reads whenever something is committed.
            grow(&store);
            longest = longest.max(store.file.database.log_bytes());
            relay.now = Duration::ZERO;
            let (writer, _) = store.file.writer.take(Duration::ZERO).unwrap();
            store.file.log_growth.bound_waiting(&writer, &store.file.database, &mut relay);
            assert!(relay.now < PATIENCE.without_progress, "{:?}", relay.now);
        }
        assert!(longest <= STEP + (2 << 20), "{longest}");
        assert_eq!(store.take_held_log(), None, "nobody stays");
    }
}
