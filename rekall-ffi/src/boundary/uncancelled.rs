//! Threads that are cancelled (`pthread_cancel`): not inside the library.
//!
//! Nearly all that a call does with the file is a cancellation point (`read`, `pwrite`, `fsync`). A thread that ended there
//! would leave its locks held and its transaction open, and its frames cannot be unwound. So a cancellation waits until the
//! call returns; the thread's next cancellation point is then its own.

use std::ffi::c_int;

/// Puts cancellations of this thread off for as long as it lives.
pub(crate) struct Uncancelled(c_int);

impl Uncancelled {
    pub(crate) fn begin() -> Self {
        Self(system::set(system::DISABLE))
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // As it was: a caller may have disabled it, and so has a call whose callback this one comes from.
        system::set(self.0);
    }
}

#[cfg(all(unix, not(target_os = "android")))]
mod system {
    use std::ffi::c_int;

    /// `PTHREAD_CANCEL_DISABLE`.
    pub(super) const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }

    /// Sets this thread's state, and gives the one before.
    pub(super) fn set(state: c_int) -> c_int {
        let mut before = 0;
        // SAFETY: a state of the system's, and a place for the one before. It cannot fail then.
        unsafe { pthread_setcancelstate(state, &raw mut before) };
        before
    }
}

/// Systems whose threads cannot be cancelled.
#[cfg(not(all(unix, not(target_os = "android"))))]
mod system {
    use std::ffi::c_int;

    pub(super) const DISABLE: c_int = 0;

    pub(super) fn set(state: c_int) -> c_int {
        state
    }
}
