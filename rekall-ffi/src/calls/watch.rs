//! Watching long calls
//!
//! A long call says how far it has come, and can be stopped by its progress function or by a token.
//!
//!     rekall_watch watch = REKALL_WATCH_INIT;
//!     rekall_report *report = NULL;
//!     watch.progress = show_progress; // int32_t show_progress(void *user_data, uint64_t done, uint64_t total)
//!     status = rekall_check(db, &watch, &report, &error);
//!     rekall_report_free(report);

use std::ffi::c_void;

use crate::boundary::error::Failure;
use crate::boundary::options::{self, sized};
use crate::boundary::thread_state::in_callback;
use crate::calls::call::Call;
use crate::calls::stoppable::Stoppable;
use crate::calls::token::Token;

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

sized!(Watch, ..token => "rekall_watch");

/// As REKALL_WATCH_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_watch_init(watch: *mut Watch, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(watch, struct_size) }
}

/// Work under the caller's watch.
struct Watched<'a> {
    watch: Watch,
    identity: usize,
    running: Stoppable<'a>,
}

impl<'a> Watched<'a> {
    /// # Safety
    /// `watch` is NULL or points to a struct with valid members.
    unsafe fn begin(call: Option<&'a Call<'_>>, watch: *const Watch) -> Result<Self, Failure> {
        // SAFETY: as promised by the caller.
        unsafe {
            let watch = options::read_or_default(watch)?;
            let running = Stoppable::begin(call, watch.token)?;
            Ok(Self { watch, identity: call.map_or(0, |call| call.identity()), running })
        }
    }

    fn run<T, Options>(&self, work: rekall::LongCall<'_, T, Options>) -> Result<T, Failure> {
        let tell = |progress: rekall::Progress| self.tell(progress.done as u64, progress.total as u64);
        Ok(work.progress(tell).cancel(self.running.token()).run()?)
    }

    /// Tells how far the work is.
    fn tell(&self, done: u64, total: u64) {
        if let Some(callback) = self.watch.progress {
            // SAFETY: the caller's function, called as its type says.
            let stop = in_callback(self.identity, || unsafe { callback(self.watch.user_data, done, total) });
            if stop != 0 {
                self.running.token().cancel();
            }
        }
    }
}

/// Runs long work of the facade.
///
/// # Safety
/// `watch` is NULL or points to a struct with valid members.
pub(crate) unsafe fn watched<T, Options>(
    call: &Call<'_>,
    watch: *const Watch,
    work: rekall::LongCall<'_, T, Options>,
) -> Result<T, Failure> {
    // SAFETY: as promised by the caller.
    let watched = unsafe { Watched::begin(Some(call), watch)? };
    watched.run(work)
}

/// Runs long work of the facade that needs no handle.
///
/// # Safety
/// `watch` is NULL or points to a struct with valid members.
pub(crate) unsafe fn watched_alone<T, Options>(
    watch: *const Watch,
    work: rekall::LongCall<'_, T, Options>,
) -> Result<T, Failure> {
    // SAFETY: as promised by the caller.
    let watched = unsafe { Watched::begin(None, watch)? };
    watched.run(work)
}
