//! A value that is made on first use, once, however many ask; is held as long as somebody uses it;
//! and can be dropped when nobody does. Knows nothing of models, clocks or events, so that a model
//! checker can try its interleavings (`shuttle_tests`).

use super::sync::{Arc, Condvar, Mutex, MutexGuard};

/// `I` is an instant, `K` how long an idle value is kept; both are only stored here.
#[derive(Debug)]
pub(super) struct Slot<T, I, K> {
    state: Mutex<State<T, I, K>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T, I, K> {
    phase: Phase<T>,
    /// Callers that hold the value.
    leases: usize,
    /// Since when nobody does, and what the last one to hold it wished; only while `Ready`.
    idle: Option<(I, K)>,
    /// Drop the value as soon as nobody holds it.
    unload_when_free: bool,
    /// Loads begun. Waiters tell by it that the load they waited for is over.
    round: u64,
}

#[derive(Debug)]
enum Phase<T> {
    Empty,
    Loading,
    Ready(Arc<T>),
    /// Taken out and being dropped: whoever would load waits until it is gone, so that there are
    /// never two in memory.
    Dropping,
}

/// What a caller finds.
pub(super) enum Entry<T> {
    /// The value, already leased to the caller.
    Ready(Arc<T>),
    /// Nobody has it and nobody makes it: the caller shall, then call `loaded` or `failed`.
    MustLoad,
    /// Another caller makes it: the caller shall `wait` for that round.
    Loading(u64),
}

/// What became of a value that was to be dropped.
pub(super) enum Removal<T> {
    /// Taken out; dropping it is the caller's work, outside the lock, and then to call `dropped`.
    Taken(Arc<T>),
    /// So many hold it, or none as it is still being made; it goes when the last lets go.
    InUse(usize),
    /// There was none.
    Empty,
}

/// What is going on, for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupancy {
    Empty,
    Loading,
    Ready,
}

impl<T, I: Copy, K: Copy> Slot<T, I, K> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Empty,
                leases: 0,
                idle: None,
                unload_when_free: false,
                round: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Leases the value, or says what to do to get it. Blocks while one is being dropped.
    pub(super) fn enter(&self) -> Entry<T> {
        let mut state = self.lock();
        while matches!(state.phase, Phase::Dropping) {
            state = self.sleep(state);
        }
        if let Some(value) = state.lease() {
            return Entry::Ready(value);
        }
        if matches!(state.phase, Phase::Loading) {
            return Entry::Loading(state.round);
        }
        state.phase = Phase::Loading;
        state.round += 1;
        Entry::MustLoad
    }

    /// Leases the value if it is there.
    pub(super) fn enter_if_ready(&self) -> Option<Arc<T>> {
        self.lock().lease()
    }

    /// Blocks until the load of `round` is over; then leases its value. `None` if it failed, or if
    /// its value is gone already.
    pub(super) fn wait(&self, round: u64) -> Option<Arc<T>> {
        let mut state = self.lock();
        while state.round == round && matches!(state.phase, Phase::Loading) {
            state = self.sleep(state);
        }
        state.lease()
    }

    /// The caller that was told `MustLoad` has the value; it is leased to that caller.
    pub(super) fn loaded(&self, value: Arc<T>) {
        let mut state = self.lock();
        state.phase = Phase::Ready(value);
        state.leases += 1;
        state.idle = None;
        drop(state);
        self.changed.notify_all();
    }

    /// The caller that was told `MustLoad` has no value.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.phase = Phase::Empty;
        state.unload_when_free = false;
        drop(state);
        self.changed.notify_all();
    }

    /// A value that was taken out has been dropped.
    pub(super) fn dropped(&self) {
        self.lock().phase = Phase::Empty;
        self.changed.notify_all();
    }

    /// Gives a lease back. The caller has dropped its `Arc` before, so that the value returned is the last;
    /// it is to be dropped, then `dropped` to be called. `drop_when_free` says whether it goes at once if
    /// nobody else holds it.
    pub(super) fn release(&self, now: I, keep: K, drop_when_free: bool) -> Option<Arc<T>> {
        let mut state = self.lock();
        state.leases = state.leases.saturating_sub(1);
        if state.leases > 0 {
            return None;
        }
        if drop_when_free || state.unload_when_free {
            return state.take();
        }
        state.idle = Some((now, keep));
        None
    }

    /// Drops the value now, or when the last lease ends. One that is being made is left to those who asked
    /// for it, and goes when they let go.
    pub(super) fn remove(&self) -> Removal<T> {
        let mut state = self.lock();
        if state.leases > 0 || matches!(state.phase, Phase::Loading) {
            state.unload_when_free = true;
            return Removal::InUse(state.leases);
        }
        state.take().map_or(Removal::Empty, Removal::Taken)
    }

    /// Takes the value out if it is idle and `expired` says so; then as after `remove`.
    pub(super) fn take_if_idle(&self, expired: impl FnOnce(I, K) -> bool) -> Option<Arc<T>> {
        let mut state = self.lock();
        let (since, keep) = state.idle?;
        if expired(since, keep) { state.take() } else { None }
    }

    /// Restarts the idle time.
    pub(super) fn touch(&self, now: I) {
        if let Some((since, _)) = &mut self.lock().idle {
            *since = now;
        }
    }

    /// (what is there, leases, since when idle and how long to keep it)
    pub(super) fn snapshot(&self) -> (Occupancy, usize, Option<(I, K)>) {
        let state = self.lock();
        let occupancy = match &state.phase {
            Phase::Empty | Phase::Dropping => Occupancy::Empty,
            Phase::Loading => Occupancy::Loading,
            Phase::Ready(_) => Occupancy::Ready,
        };
        (occupancy, state.leases, state.idle)
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State<T, I, K>>) -> MutexGuard<'a, State<T, I, K>> {
        match self.changed.wait(state) {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Nothing in here calls foreign code under the lock, so a poisoned lock still guards sound state.
    fn lock(&self) -> MutexGuard<'_, State<T, I, K>> {
        match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl<T, I, K> State<T, I, K> {
    fn lease(&mut self) -> Option<Arc<T>> {
        let Phase::Ready(value) = &self.phase else { return None };
        let value = Arc::clone(value);
        self.leases += 1;
        self.idle = None;
        Some(value)
    }

    fn take(&mut self) -> Option<Arc<T>> {
        if !matches!(self.phase, Phase::Ready(_)) {
            return None;
        }
        self.idle = None;
        self.unload_when_free = false;
        match std::mem::replace(&mut self.phase, Phase::Dropping) {
            Phase::Ready(value) => Some(value),
            Phase::Empty | Phase::Loading | Phase::Dropping => None,
        }
    }
}
