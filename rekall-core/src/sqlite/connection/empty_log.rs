//! Emptying the write-ahead log beside readers.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Error;

/// How long readers are waited for.
///
/// What a try cannot finish, readers are in the way of: one that looks at an older state keeps frames from being copied, and
/// one that looks at the newest state keeps the log from being cut. A reader that begins once all is copied needs the log no
/// more. So however many readers follow one another, the log is empty after three times the length of the longest of them,
/// and only one that stays is not worth waiting for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For readers that move on: the longest wait in all.
    pub(crate) longest: Duration,
    /// For one that stays: the longest time in which nothing more could be copied.
    pub(crate) without_progress: Duration,
}

impl Patience {
    /// As long for one that stays.
    pub(crate) const fn flat(longest: Duration) -> Self {
        Self { longest, without_progress: longest }
    }
}

/// Where the time comes from, and what happens in a pause.
pub(crate) trait Waiting {
    /// Since the beginning.
    fn elapsed(&self) -> Duration;
    fn pause(&mut self, duration: Duration);
}

/// The system's clock; a pause lets the thread sleep.
#[derive(Debug)]
pub(crate) struct RealTime(Instant);

impl RealTime {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }
}

impl Waiting for RealTime {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// What a try did: frames in the log, and how many of them are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpointed {
    busy: bool,
    frames: i64,
    copied: i64,
}

const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// Copies the log into the file and cuts it to nothing. False when readers, or another writer, were in the way for longer
/// than the patience lasts. The connection's own time-out is `busy_timeout` afterwards.
pub(crate) fn empty_log(
    connection: &Connection,
    busy_timeout: Duration,
    patience: Patience,
    waiting: &mut dyn Waiting,
) -> Result<bool, Error> {
    // SQLite's own waiting cannot tell readers that move on from one that stays.
    connection.busy_timeout(Duration::ZERO)?;
    let emptied = try_until_empty(connection, patience, waiting);
    connection.busy_timeout(busy_timeout)?;
    emptied
}

fn try_until_empty(
    connection: &Connection,
    patience: Patience,
    waiting: &mut dyn Waiting,
) -> Result<bool, Error> {
    let mut seen = None;
    let mut moved_at = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    loop {
        let checkpointed = checkpoint(connection)?;
        if !checkpointed.busy {
            return Ok(true);
        }
        let now = waiting.elapsed();
        if seen.replace(checkpointed) != Some(checkpointed) {
            moved_at = now;
        }
        if now >= patience.longest || now.saturating_sub(moved_at) >= patience.without_progress {
            return Ok(false);
        }
        waiting.pause(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

fn checkpoint(connection: &Connection) -> Result<Checkpointed, Error> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let row = statement.query_row([], |row| {
        Ok(Checkpointed { busy: row.get::<_, i64>(0)? != 0, frames: row.get(1)?, copied: row.get(2)? })
    });
    match row.map_err(Error::from) {
        Err(Error::Busy { .. }) => Ok(Checkpointed { busy: true, frames: -1, copied: -1 }),
        row => row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time that passes only in pauses, and what the readers do meanwhile.
    struct Readers<F> {
        now: Duration,
        pauses: usize,
        turn: F,
    }

    impl<F: FnMut(usize)> Waiting for Readers<F> {
        fn elapsed(&self) -> Duration {
            self.now
        }

        fn pause(&mut self, duration: Duration) {
            self.now += duration;
            self.pauses += 1;
            (self.turn)(self.pauses);
        }
    }

    struct File {
        folder: tempfile::TempDir,
        writer: Connection,
    }

    impl File {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let writer = Connection::open(folder.path().join("a.db")).unwrap();
            let sql = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)";
            writer.execute_batch(sql).unwrap();
            Self { folder, writer }
        }

        fn write(&self) {
            self.writer.execute_batch("INSERT INTO t VALUES (randomblob(10000))").unwrap();
        }

        /// One that has its view of the file.
        fn reader(&self) -> Connection {
            let reader = Connection::open(self.folder.path().join("a.db")).unwrap();
            reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
            reader
        }

        fn log_bytes(&self) -> u64 {
            std::fs::metadata(self.folder.path().join("a.db-wal")).unwrap().len()
        }

        fn empty(&self, patience: Patience, turn: impl FnMut(usize)) -> (bool, Duration) {
            let mut readers = Readers { now: Duration::ZERO, pauses: 0, turn };
            let emptied = empty_log(&self.writer, Duration::ZERO, patience, &mut readers).unwrap();
            (emptied, readers.now)
        }
    }

    const PATIENCE: Patience =
        Patience { longest: Duration::from_millis(200), without_progress: Duration::from_millis(20) };

    /// At no moment is there no reader: each begins before the one before it ends.
    #[test]
    fn readers_that_follow_one_another_without_a_gap_do_not_keep_the_log() {
        let file = File::new();
        file.write();
        let mut readers = [Some(file.reader()), None];
        file.write();
        let swap = |pause: usize| {
            // One reader is there for two pauses.
            if pause.is_multiple_of(2) {
                readers[pause / 2 % 2] = Some(file.reader());
                readers[(pause / 2 + 1) % 2] = None;
            }
        };
        let (emptied, waited) = file.empty(PATIENCE, swap);
        assert!(emptied, "after {waited:?}");
        assert_eq!(file.log_bytes(), 0);
        assert!(waited < Duration::from_millis(10), "{waited:?}");
        assert!(readers.iter().flatten().count() == 1, "somebody still reads");
    }

    #[test]
    fn one_that_stays_is_waited_for_a_short_time_only() {
        let file = File::new();
        let _reader = file.reader();
        file.write();
        let (emptied, waited) = file.empty(PATIENCE, |_| {});
        assert!(!emptied);
        assert!(waited >= PATIENCE.without_progress && waited <= PATIENCE.without_progress + LONGEST_PAUSE);
        assert_ne!(file.log_bytes(), 0);
    }

    /// Another writer, for example: then every try finds another state.
    #[test]
    fn nobody_is_waited_for_without_end() {
        let file = File::new();
        let other = Connection::open(file.folder.path().join("a.db")).unwrap();
        other.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
        let _reader = file.reader();
        let (emptied, waited) = file.empty(PATIENCE, |_| {
            other.execute_batch("INSERT INTO t VALUES (randomblob(10000))").unwrap();
        });
        assert!(!emptied);
        assert!(waited >= PATIENCE.longest && waited <= PATIENCE.longest + LONGEST_PAUSE, "{waited:?}");
    }
}
