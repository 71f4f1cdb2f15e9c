//! The writers of one process take turns before they go to the server: each would wait there with a connection of its own.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    holder: Mutex<Option<usize>>,
    freed: Condvar,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'s>(&'s Turns);

/// Which thread this is: where its own copy of a variable lies.
fn this_thread() -> usize {
    thread_local! {
        static HERE: Cell<u8> = const { Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl Turns {
    /// Waits up to `timeout`; gives what is left of that.
    ///
    /// # Errors
    /// [`Error::Busy`] after the time-out, and at once in the thread whose turn it is: it would wait for itself.
    pub(super) fn take(&self, timeout: Duration) -> Result<(Turn<'_>, Duration), Error> {
        let busy = |detail: &str| Err(Error::Busy { detail: detail.to_owned() });
        let (ours, began) = (this_thread(), Instant::now());
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if *holder == Some(ours) {
            return busy("this thread has a write transaction open");
        }
        let waited = self.freed.wait_timeout_while(holder, timeout, |holder| holder.is_some());
        let (mut holder, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if holder.is_some() {
            return busy("another thread has a write transaction open");
        }
        *holder = Some(ours);
        Ok((Turn(self), timeout.saturating_sub(began.elapsed())))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.holder.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_thread_at_a_time_and_nobody_waits_for_itself() {
        let turns = Turns::default();
        let (held, left) = turns.take(Duration::MAX).unwrap();
        assert!(left > Duration::from_secs(1));
        let own = turns.take(Duration::MAX).expect_err("it would wait for itself").to_string();
        assert!(own.contains("this thread"), "{own}");
        thread::scope(|scope| {
            let other = scope.spawn(|| turns.take(Duration::from_millis(1)).map(drop));
            let refused = other.join().unwrap().expect_err("held").to_string();
            assert!(refused.contains("another thread"), "{refused}");
            let waiting = scope.spawn(|| turns.take(Duration::MAX).map(drop));
            drop(held);
            waiting.join().unwrap().unwrap();
        });
        turns.take(Duration::ZERO).unwrap();
    }
}
