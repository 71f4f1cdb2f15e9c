//! The one connection that writes, held by one thread at a time.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Error;
use crate::lock::lock;
use crate::sqlite::connection::{Stop, stop_statements};

/// A lock that is waited for no longer than said, which a [`Mutex`] cannot do.
#[derive(Debug)]
pub(super) struct WriterLock {
    connection: Mutex<Connection>,
    /// Who holds the connection.
    holder: Mutex<Option<usize>>,
    freed: Condvar,
}

/// The writing connection, on loan to one thread.
#[derive(Debug)]
pub(crate) struct WriterGuard<'s> {
    connection: MutexGuard<'s, Connection>,
    /// A flag stops its statements, and is not to stop those of the next writer.
    stoppable: bool,
    /// Dropped after the connection, so that a thread that is woken finds it free.
    _holder: Holder<'s>,
}

impl Stop for WriterGuard<'_> {
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
        self.stoppable = true;
        stop_statements(&mut self.connection, cancel)
    }
}

impl Drop for WriterGuard<'_> {
    fn drop(&mut self) {
        if self.stoppable {
            // Taking the function away cannot fail.
            let _ = self.connection.progress_handler(0, None::<fn() -> bool>);
        }
    }
}

#[derive(Debug)]
struct Holder<'s>(&'s WriterLock);

/// Which thread this is: where its own copy of a variable lies. A handle of std's would stay allocated for as long as a
/// thread lives that is not std's, and could no longer be had at that thread's end.
fn this_thread() -> usize {
    thread_local! {
        static HERE: Cell<u8> = const { Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl WriterLock {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection), holder: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for the connection up to `timeout`; gives it with what is left of that.
    ///
    /// # Errors
    /// [`Error::Busy`] after the time-out, and at once in the thread that holds the connection: it would wait for
    /// itself.
    pub(super) fn take(&self, timeout: Duration) -> Result<(WriterGuard<'_>, Duration), Error> {
        let busy = |detail: &str| Err(Error::Busy { detail: detail.to_owned() });
        let ours = this_thread();
        let started = Instant::now();
        let holder = lock(&self.holder);
        if *holder == Some(ours) {
            return busy("this thread has a write transaction open");
        }
        // A panic leaves nothing half done here: only whole values are written.
        let waited = self.freed.wait_timeout_while(holder, timeout, |holder| holder.is_some());
        let (mut holder, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        if holder.is_some() {
            return busy("another thread has a write transaction open");
        }
        *holder = Some(ours);
        drop(holder);
        let guard = Holder(self);
        let left = timeout.saturating_sub(started.elapsed());
        Ok((WriterGuard { connection: lock(&self.connection), stoppable: false, _holder: guard }, left))
    }
}

/// The longest pause between two tries at the lock that another connection holds.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Runs a statement that takes the file's write lock, waiting for other connections up to `timeout`.
///
/// SQLite's own waiting pauses up to 100 ms between two tries. Beside others who write without a pause, the lock is free
/// for a small part of the time only, so a waiter would need many tries and seconds; short pauses keep that to
/// milliseconds. A try costs some microseconds. The connection's own time-out is 0 afterwards.
///
/// # Errors
/// [`Error::Busy`] after the time-out, and what the statement fails with.
pub(super) fn retry_while_busy(
    connection: &Connection,
    timeout: Duration,
    mut statement: impl FnMut(&Connection) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let started = Instant::now();
    let mut pause = Duration::from_micros(50);
    loop {
        match statement(connection).map_err(Error::from) {
            Err(Error::Busy { .. }) if started.elapsed() < timeout => thread::sleep(pause),
            result => return result,
        }
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Begins a transaction that may write.
///
/// # Errors
/// As [`retry_while_busy`].
pub(super) fn begin_immediate(connection: &Connection, timeout: Duration) -> Result<(), Error> {
    retry_while_busy(connection, timeout, |connection| {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    })
}

impl Deref for WriterGuard<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for WriterGuard<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Holder<'_> {
    fn drop(&mut self) {
        *lock(&self.0.holder) = None;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_and_nobody_waits_for_ever() {
        let writer = WriterLock::new(Connection::open_in_memory().unwrap());
        let (held, left) = writer.take(Duration::MAX).unwrap();
        assert!(left > Duration::from_secs(1));
        let own = writer.take(Duration::MAX).expect_err("it would wait for itself").to_string();
        assert!(own.contains("this thread"), "{own}");
        thread::scope(|scope| {
            let other = scope.spawn(|| writer.take(Duration::from_millis(1)).map(drop));
            let refused = other.join().unwrap().expect_err("held").to_string();
            assert!(refused.contains("another thread"), "{refused}");
            let waiting = scope.spawn(|| writer.take(Duration::MAX).map(drop));
            drop(held);
            waiting.join().unwrap().unwrap();
        });
        writer.take(Duration::ZERO).unwrap();
    }

    #[test]
    fn another_connection_is_waited_for_as_long_as_said() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("a.db")).unwrap();
        let (holder, waiter) = (open(), open());
        holder.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = begin_immediate(&waiter, Duration::from_millis(20));
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                begin_immediate(&waiter, Duration::MAX).unwrap();
                assert!(!waiter.is_autocommit());
            });
            holder.execute_batch("ROLLBACK").unwrap();
            waiting.join().unwrap();
        });
    }

    #[test]
    fn a_panic_gives_the_connection_back() {
        let writer = WriterLock::new(Connection::open_in_memory().unwrap());
        let panicked = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _held = writer.take(Duration::ZERO).unwrap();
                std::panic::resume_unwind(Box::new("on purpose"));
            });
            thread.join()
        });
        assert!(panicked.is_err());
        writer.take(Duration::ZERO).unwrap();
    }
}
