//! Calls that can fail: a status comes back, and an error object where the caller wants one.

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::out::Output;
use crate::boundary::panics::catch;
use crate::boundary::status::{REKALL_OK, REKALL_PANIC, Status};
use crate::boundary::thread_state::without_callback_failure;
use crate::boundary::uncancelled::Uncancelled;

/// A call that can fail: what becomes of it is written to `error`.
///
/// # Safety
/// `error` is NULL or may be written to.
pub(crate) unsafe fn fallible(
    error: *mut *mut ErrorObject,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Status {
    let set_error = |object| {
        if !error.is_null() {
            // SAFETY: as promised by the caller.
            unsafe { error.write(object) };
        }
    };
    let _uncancelled = Uncancelled::begin();
    set_error(std::ptr::null_mut());
    let _fresh = without_callback_failure();
    let failure = match catch(work) {
        Ok(Ok(())) => return REKALL_OK,
        Ok(Err(failure)) => failure,
        Err(message) => Failure::new(REKALL_PANIC, message),
    };
    let status = failure.status;
    if !error.is_null() {
        set_error(failure.into_object());
    }
    status
}

/// A call without a handle, with a result.
///
/// # Safety
/// As for [`fallible`].
pub(crate) unsafe fn answer<P: Output>(
    error: *mut *mut ErrorObject,
    out: P,
    work: impl FnOnce() -> Result<P::Value, Failure>,
) -> Status {
    // SAFETY: as promised by the caller.
    unsafe { fallible(error, || out.answer(work)) }
}
