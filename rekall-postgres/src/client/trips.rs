//! How often a thread has waited for a server's answer: for tests, which say what an operation costs over a network.

use std::cell::Cell;

thread_local! {
    static TRIPS: Cell<u64> = const { Cell::new(0) };
}

/// Notes a request whose answer is waited for.
pub(super) fn note() {
    TRIPS.set(TRIPS.get() + 1);
}

/// Requests of this thread, to any server.
pub(crate) fn made() -> u64 {
    TRIPS.get()
}
