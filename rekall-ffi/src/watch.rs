//! Watching long calls

use std::ffi::c_void;

use crate::cancel::{Stoppable, Token};
use crate::error::Failure;
use crate::guard::in_callback;
use crate::handle::Handle;
use crate::options::{self, sized};

/// Hears how far a call has come: done of total; a total of 0 means that it is not known. Comes on the calling thread.
/// Return 0 to go on; anything else stops the call, which then returns REKALL_INTERRUPTED (unless it was done already).
pub type ProgressFn = Option<unsafe extern "C" fn(user_data: *mut c_void, done: u64, total: u64) -> i32>;

/// How a long call is watched and stopped. Start from REKALL_WATCH_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Watch {
    /// sizeof(rekall_watch).
    pub struct_size: usize,
    /// Hears how far the call has come; NULL: nobody.
    pub progress: ProgressFn,
    /// Handed to progress.
    pub user_data: *mut c_void,
    /// Stops the call; NULL: only rekall_interrupt() does.
    pub token: *mut Token,
}

sized!(Watch => "rekall_watch");

/// Runs long work under the caller's watch.
///
/// # Safety
/// `watch` is NULL or points to a struct with valid members.
pub(crate) unsafe fn watched<T>(
    db: Option<&Handle>,
    watch: *const Watch,
    work: impl FnOnce(rekall::Watch<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // SAFETY: as promised by the caller.
    let (watch, running) = unsafe {
        let watch = options::read_or_default(watch)?;
        (watch, Stoppable::begin(db, watch.token)?)
    };
    let identity = db.map_or(0, Handle::identity);
    let token = running.token();
    let mut tell = |progress: rekall::Progress| {
        if let Some(callback) = watch.progress {
            // SAFETY: the caller's function, called as its type says.
            let stop = in_callback(identity, || unsafe {
                callback(watch.user_data, progress.done as u64, progress.total as u64)
            });
            if stop != 0 {
                token.cancel();
            }
        }
    };
    work(rekall::Watch::new().progress(&mut tell).cancel(token))
}
