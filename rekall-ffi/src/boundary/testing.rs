//! For this crate's own tests, and not in release builds.

use std::cell::Cell;

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread's next call panic inside the library.
pub fn panic_in_next_call() {
    ASKED.set(true);
}

#[expect(clippy::panic, reason = "asked for by a test")]
pub(crate) fn panic_if_asked() {
    if ASKED.replace(false) {
        panic!("asked for by a test");
    }
}
