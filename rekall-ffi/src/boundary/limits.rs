//! Numbers for none and for no limit
//!
//! In an option struct 0 stands for the default of a member; these two stand for what 0 cannot say.
//!
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     options.model_idle_timeout_ms = REKALL_NEVER; // the model stays loaded
//!     options.cache_max_size = REKALL_ZERO;         // no query vector is kept
//!     status = rekall_open("limits.db", &options, &other, &error);
//!     rekall_close(other);

use std::time::Duration;

use rekall::KeepAlive;

/// As a number of milliseconds, bytes or entries: no limit, for ever.
pub const REKALL_NEVER: u64 = u64::MAX;
/// As a number of milliseconds, bytes or entries in an option struct, where 0 stands for the default: none, at once.
pub const REKALL_ZERO: u64 = u64::MAX - 1;

/// An option in milliseconds: `None` is the default, `Some(None)` for ever.
pub(crate) fn duration(ms: u64) -> Option<Option<Duration>> {
    match ms {
        0 => None,
        REKALL_NEVER => Some(None),
        REKALL_ZERO => Some(Some(Duration::ZERO)),
        ms => Some(Some(Duration::from_millis(ms))),
    }
}

/// A number of entries or bytes: `None` is the default, `Some(None)` without limit.
pub(crate) fn size(number: u64) -> Option<Option<usize>> {
    match number {
        0 => None,
        REKALL_NEVER => Some(None),
        REKALL_ZERO => Some(Some(0)),
        number => Some(Some(usize::try_from(number).unwrap_or(usize::MAX))),
    }
}

/// A call's own keep-alive.
pub(crate) fn keep_alive(ms: u64) -> Option<KeepAlive> {
    duration(ms).map(|idle| match idle {
        None => KeepAlive::Forever,
        Some(Duration::ZERO) => KeepAlive::Unload,
        Some(idle) => KeepAlive::For(idle),
    })
}
