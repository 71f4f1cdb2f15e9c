//! Where this thread is: inside the library, or inside one of the caller's functions that the library called.

use std::cell::{Cell, RefCell};

thread_local! {
    /// How many of our calls this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether one of the caller's callbacks failed in the call that this thread is in.
    static CALLBACK_FAILED: Cell<bool> = const { Cell::new(false) };
    /// The handles whose callbacks this thread is in, the innermost last: a callback may call on another handle, which has
    /// callbacks of its own.
    static CALLBACKS_OF: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Sets a cell for as long as it lives.
pub(crate) struct ScopedCell<T: Copy + 'static> {
    cell: &'static std::thread::LocalKey<Cell<T>>,
    before: T,
}

impl<T: Copy + 'static> ScopedCell<T> {
    fn set(cell: &'static std::thread::LocalKey<Cell<T>>, value: T) -> Self {
        Self { cell, before: cell.replace(value) }
    }
}

impl<T: Copy + 'static> Drop for ScopedCell<T> {
    fn drop(&mut self) {
        self.cell.set(self.before);
    }
}

/// Counts a call into the library for as long as the result lives.
pub(crate) fn enter_library() -> ScopedCell<u32> {
    ScopedCell::set(&DEPTH, DEPTH.get().saturating_add(1))
}

/// Whether this thread is inside the library, and not in a callback.
pub(crate) fn is_in_library() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) > 0
}

/// Whether this thread is inside a callback of any handle.
pub(crate) fn is_in_any_callback() -> bool {
    CALLBACKS_OF.try_with(|chain| !chain.borrow().is_empty()).unwrap_or(false)
}

/// One of the caller's functions runs, for as long as this lives.
struct Callback;

impl Callback {
    fn of(identity: usize) -> Self {
        let _ = CALLBACKS_OF.try_with(|chain| chain.borrow_mut().push(identity));
        Self
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        let _ = CALLBACKS_OF.try_with(|chain| chain.borrow_mut().pop());
    }
}

/// Runs one of the caller's functions on behalf of a handle (0: of none).
pub(crate) fn in_callback<T>(identity: usize, callback: impl FnOnce() -> T) -> T {
    let _which = Callback::of(identity);
    // A panic of a host in Rust is the host's to print.
    let _outside = ScopedCell::set(&DEPTH, 0);
    callback()
}

/// Whether this thread runs a callback of that handle, be it with calls on other handles in between.
pub(crate) fn is_in_callback(identity: usize) -> bool {
    CALLBACKS_OF.try_with(|chain| chain.borrow().contains(&identity)).unwrap_or(false)
}

/// Forgets a callback's failure for as long as the result lives: a callback may call on another handle, and each call has a
/// note of its own.
pub(crate) fn without_callback_failure() -> ScopedCell<bool> {
    ScopedCell::set(&CALLBACK_FAILED, false)
}

/// Notes that the error which is about to come up is a callback's.
pub(crate) fn note_callback_failure() {
    CALLBACK_FAILED.set(true);
}

/// Whether a callback failed in the call that this thread is in.
pub(crate) fn callback_failed() -> bool {
    CALLBACK_FAILED.get()
}

#[cfg(test)]
mod tests {
    use std::panic;

    use super::*;

    #[test]
    fn a_callback_is_known_with_others_in_between() {
        in_callback(1, || {
            in_callback(2, || assert!(is_in_callback(1) && is_in_callback(2) && !is_in_callback(3)));
            assert!(is_in_callback(1) && !is_in_callback(2));
        });
        assert!(!is_in_callback(1));
        let _ = panic::catch_unwind(|| in_callback(1, || panic::resume_unwind(Box::new(()))));
        assert!(!is_in_callback(1), "also where a callback in Rust panicked");
    }
}
