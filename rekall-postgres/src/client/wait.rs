//! Waiting for the I/O thread, in a thread of the caller's.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// How often a flag is looked at: it wakes nobody.
const GLANCE: Duration = Duration::from_millis(5);

/// How long to wait for the answer to a statement that was to be stopped, before the connection is given up.
const GRACE: Duration = Duration::from_secs(5);

/// Wakes one thread. Not `thread::park`, whose token others may have left.
#[derive(Default)]
struct Alarm {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Alarm {
    /// Waits until it rings, or until then.
    fn wait(&self, until: Option<Instant>) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rung = match until {
            None => self.bell.wait_while(rung, |rung| !*rung).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.bell.wait_timeout_while(rung, left, |rung| !*rung);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *rung = false;
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_one();
    }
}

/// Begins a future and leaves it: for a request whose answer nobody needs, which is sent when it is polled first.
pub(super) fn begin<F: Future>(future: F) {
    let _ = pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

/// Why a statement is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The caller's flag is set.
    Cancelled,
    /// The time is over.
    TimedOut,
}

/// Runs a future to its end in this thread. Unlike the executors of other crates it may be called from within one of them:
/// it blocks the thread, as every call of the library does.
///
/// If the flag is set or the time is over before, `stop` is called, once, and should make the future end; `None` if it does not
/// all the same.
pub(super) fn block_on_watched<F: Future>(
    future: F,
    cancel: Option<&AtomicBool>,
    deadline: Option<Instant>,
    stop: impl FnOnce(),
) -> (Option<F::Output>, Option<Stop>) {
    let mut future = pin!(future);
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let (mut stop, mut stopped, mut given_up) = (Some(stop), None, None);
    loop {
        // Of before the poll, which may take long where work is joined to a statement: an answer that came meanwhile is in time.
        let now = Instant::now();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (Some(output), stopped);
        }
        if stopped.is_none() {
            if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                stopped = Some(Stop::Cancelled);
            } else if deadline.is_some_and(|deadline| now >= deadline) {
                stopped = Some(Stop::TimedOut);
            }
            if let (Some(_), Some(stop)) = (stopped, stop.take_if(|_| stopped.is_some())) {
                stop();
                given_up = Some(now + GRACE);
            }
        }
        if given_up.is_some_and(|moment| now >= moment) {
            return (None, stopped);
        }
        let glance = (cancel.is_some() && stopped.is_none()).then(|| now + GLANCE);
        let next = [glance, deadline.filter(|_| stopped.is_none()), given_up].into_iter().flatten().min();
        alarm.wait(next);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::Pin;

    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        block_on_watched(future, None, None, || panic!("nobody stops it")).0.unwrap()
    }

    #[test]
    fn a_future_is_woken_from_another_thread() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || sender.send(7));
        assert_eq!(block_on(receiver), Ok(7));
        thread.join().unwrap().unwrap();
        assert_eq!(block_on(ready(1)), 1);
    }

    #[test]
    fn it_may_run_inside_another_executor() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { block_on(async { block_on(ready(3)) }) }), 3);
    }

    #[test]
    fn an_answer_that_came_during_work_is_in_time() {
        loop {
            let (sender, mut receiver) = tokio::sync::oneshot::channel();
            let (mut sender, mut was_early) = (Some(sender), false);
            let deadline = Instant::now() + Duration::from_millis(1);
            let future = std::future::poll_fn(|context| {
                let answer = Pin::new(&mut receiver).poll(context);
                if let Some(sender) = sender.take() {
                    was_early = Instant::now() < deadline;
                    while Instant::now() <= deadline {}
                    sender.send(1).unwrap();
                }
                answer
            });
            let outcome = block_on_watched(future, None, Some(deadline), || {});
            // Otherwise this thread had to wait for a processor before its work.
            if was_early {
                assert_eq!(outcome, (Some(Ok(1)), None));
                break;
            }
        }
    }

    #[test]
    fn a_flag_and_a_deadline_stop_it_once() {
        let flag = AtomicBool::new(true);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let stop = || sender.send("stopped").unwrap();
        let (output, stopped) = block_on_watched(receiver, Some(&flag), None, stop);
        assert_eq!((output, stopped), (Some(Ok("stopped")), Some(Stop::Cancelled)));

        let (sender, receiver) = tokio::sync::oneshot::channel();
        let stop = || sender.send("late").unwrap();
        let (output, stopped) = block_on_watched(receiver, None, Some(Instant::now()), stop);
        assert_eq!((output, stopped), (Some(Ok("late")), Some(Stop::TimedOut)));

        let later = Some(Instant::now() + GRACE);
        let (output, stopped) = block_on_watched(ready(5), Some(&AtomicBool::new(false)), later, || panic!());
        assert_eq!((output, stopped), (Some(5), None));
    }

    #[test]
    fn what_does_not_end_when_it_is_stopped_is_given_up() {
        // A deadline long past: the grace counts from now all the same, and is cut short by nothing.
        let began = Instant::now();
        let (output, stopped) = block_on_watched(pending::<()>(), None, Some(began), || ());
        assert_eq!((output, stopped), (None, Some(Stop::TimedOut)));
        assert!(began.elapsed() >= GRACE);
    }
}
