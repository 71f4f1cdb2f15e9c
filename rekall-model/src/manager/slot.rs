//! A value that is made once, on first use, however many callers ask for it; that is kept while any of them
//! uses it; and that can be dropped afterwards. It knows nothing of models, clocks or events, so that a model
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
    /// Since when it is idle, and how long the last caller wants it kept; only while `Ready`.
    idle: Option<(I, K)>,
    /// Drop the value as soon as no caller holds it.
    unload_when_free: bool,
    /// Number of loads begun. A waiting caller sees by it that the load it waits for is over.
    round: u64,
}

#[derive(Debug)]
enum Phase<T> {
    Empty,
    Loading,
    Ready(Arc<T>),
    /// Taken out and being dropped. A caller that would load waits for the end, so that there are never two
    /// in memory.
    Dropping,
}

/// What a caller finds.
pub(super) enum Entry<T> {
    /// The value, already leased to the caller.
    Ready(Arc<T>),
    /// There is none: this caller has to make it, then call `loaded` or `failed`.
    MustLoad,
    /// Another caller makes it: call `wait` with this round.
    Loading(u64),
}

/// What became of a value that was to be dropped.
pub(super) enum Removal<T> {
    /// Taken out: the caller drops it outside the lock, then calls `dropped`.
    Taken(Arc<T>),
    /// This many callers hold it, or none because it is still being made; it is dropped when the last one
    /// releases it.
    InUse(usize),
    /// There was none.
    Empty,
}

/// The state, for statistics.
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

    /// Leases the value, or says how to get it. Blocks while one is being dropped.
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

    /// Leases the value if there is one.
    pub(super) fn enter_if_ready(&self) -> Option<Arc<T>> {
        self.lock().lease()
    }

    /// Blocks until the load of `round` is over; then leases its value. `None` if it failed, or if its value
    /// was dropped already.
    pub(super) fn wait(&self, round: u64) -> Option<Arc<T>> {
        let mut state = self.lock();
        while state.round == round && matches!(state.phase, Phase::Loading) {
            state = self.sleep(state);
        }
        state.lease()
    }

    /// Stores the value made by the caller that got `MustLoad`, leased to that caller.
    pub(super) fn loaded(&self, value: Arc<T>) {
        let mut state = self.lock();
        state.phase = Phase::Ready(value);
        state.leases += 1;
        state.idle = None;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the load of the caller that got `MustLoad` without a value.
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

    /// Ends a lease. The caller has dropped its `Arc` before, so the value returned is the last reference:
    /// drop it, then call `dropped`. `drop_when_free` drops the value at once if no other caller holds it.
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

    /// Takes the value out now, or when the last lease ends. A value that is being made is first used by
    /// those who asked for it.
    pub(super) fn remove(&self) -> Removal<T> {
        let mut state = self.lock();
        if state.leases > 0 || matches!(state.phase, Phase::Loading) {
            state.unload_when_free = true;
            return Removal::InUse(state.leases);
        }
        state.take().map_or(Removal::Empty, Removal::Taken)
    }

    /// Takes the value out if it is idle and `expired` returns true, which may set since when it is idle; continue as after
    /// `remove`.
    pub(super) fn take_if_idle(&self, expired: impl FnOnce(&T, &mut I, K) -> bool) -> Option<Arc<T>> {
        let mut state = self.lock();
        let State { phase: Phase::Ready(value), idle: Some((since, keep)), .. } = &mut *state else {
            return None;
        };
        if expired(value, since, *keep) { state.take() } else { None }
    }

    /// Restarts the idle time.
    pub(super) fn touch(&self, now: I) {
        if let Some((since, _)) = &mut self.lock().idle {
            *since = now;
        }
    }

    /// The state, the number of leases, and since when it is idle and how long to keep it.
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

    /// Nothing here calls foreign code under the lock, so a poisoned lock still guards a sound state.
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
