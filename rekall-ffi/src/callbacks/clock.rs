//! Clocks
//!
//! Time is taken from the system unless a program hands in a clock of its own, in tests for example.
//!
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     int64_t milliseconds = 1700000000000;
//!     rekall_now_fn clock = read_clock; // int64_t read_clock(void *user_data)
//!     options.now_ms = clock;
//!     options.now_user_data = &milliseconds;
//!     status = rekall_open("clock.db", &options, &other, &error);
//!     rekall_close(other);

use std::ffi::c_void;
use std::time::{Duration, Instant};

use rekall::cache::Clock;
use rekall::storage::WallClock;

use crate::boundary::thread_state::in_callback;
use crate::callbacks::user_data::UserData;

/// A clock of the caller's: milliseconds. Called from any thread, also several at once, until rekall_close() returns,
/// and where scopes are open (rekall_open_scope()), the last of theirs.
/// Must not throw, longjmp, or call back into the same handle.
pub type NowFn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i64>;

/// The caller's clock.
#[derive(Clone, Copy)]
pub(crate) struct HostClock {
    now: unsafe extern "C" fn(*mut c_void) -> i64,
    user_data: UserData,
    /// Shared with the handle, so that a call back into it is noticed.
    identity: usize,
}

impl HostClock {
    pub(crate) fn new(now: NowFn, user_data: *mut c_void, identity: usize) -> Option<Self> {
        now.map(|now| Self { now, user_data: UserData(user_data), identity })
    }
}

impl WallClock for HostClock {
    fn now_ms(&self) -> i64 {
        // SAFETY: the caller's function, called as its type says.
        in_callback(self.identity, || unsafe { (self.now)(self.user_data.get()) })
    }
}

/// What cached vectors and an idle model age by: the caller's clock, or the system's.
#[derive(Clone, Copy, Default)]
pub(crate) struct AgingClock(Option<(HostClock, Instant)>);

impl AgingClock {
    pub(crate) fn new(clock: Option<HostClock>) -> Self {
        Self(clock.map(|clock| (clock, Instant::now())))
    }
}

impl Clock for AgingClock {
    fn now(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some((clock, zero)) => {
                let since = Duration::from_millis(clock.now_ms().try_into().unwrap_or(0));
                zero.checked_add(since).unwrap_or(*zero)
            }
        }
    }
}
