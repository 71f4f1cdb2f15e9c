//! Events and log
//!
//! What happens while the library works, as events with numbers in them and as lines of a log. The library itself prints
//! nothing.
//!
//!     rekall_listener listener = REKALL_LISTENER_INIT;
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     listener.event = on_event; // void on_event(void *user_data, const rekall_event *event)
//!     options.listener = &listener;
//!     status = rekall_open("events.db", &options, &other, &error);
//!     rekall_close(other);

use std::ffi::{c_char, c_void};

use crate::boundary::options::{self, sized};

/// A model is being loaded; searches by meaning wait for it. Has model.
pub const REKALL_EVENT_MODEL_LOADING: u32 = 1;
/// The model is ready. Has model, elapsed_us, bytes.
pub const REKALL_EVENT_MODEL_LOADED: u32 = 2;
/// The model could not be loaded; the next call that needs it tries again. Has model, reason.
pub const REKALL_EVENT_MODEL_LOAD_FAILED: u32 = 3;
/// The model was let go. Has model, bytes.
pub const REKALL_EVENT_MODEL_UNLOADED: u32 = 4;
/// The vector index was filled from the file. Has count, elapsed_us.
pub const REKALL_EVENT_INDEX_LOADED: u32 = 5;
/// Vectors in the file that no search can use; rekall_check() names them. Has count.
pub const REKALL_EVENT_UNUSABLE_VECTORS: u32 = 6;
/// An entry was stored without vectors: words find it, meaning does not yet. Has entry, reason.
pub const REKALL_EVENT_NOT_EMBEDDED: u32 = 7;
/// Something that this version of the header has no number for. Has message, like all others.
pub const REKALL_EVENT_OTHER: u32 = 8;
/// With secure_delete: a write is done, but what it overwrote or forgot could not be erased from the disk yet; the next
/// write tries again, and so does rekall_compact(). Has reason.
pub const REKALL_EVENT_NOT_ERASED: u32 = 9;

/// A reader, in this process or another one, has kept the file's write-ahead log from being restarted for so long that it
/// is over 64 MiB; told again each time that the log has doubled. Has bytes: those of the log.
pub const REKALL_EVENT_LONG_READER: u32 = 10;

/// A level of the log: something failed that should not.
pub const REKALL_LOG_ERROR: i32 = 1;
/// A level of the log: something a user may want to know.
pub const REKALL_LOG_WARN: i32 = 2;
/// A level of the log: what happened.
pub const REKALL_LOG_INFO: i32 = 3;
/// A level of the log: for finding a mistake.
pub const REKALL_LOG_DEBUG: i32 = 4;
/// A level of the log: everything.
pub const REKALL_LOG_TRACE: i32 = 5;

/// Something that happened while the library worked. Made by the library, which may know members beyond those that
/// this header has: read it through the pointer, do not copy it. All pointers are valid until the callback returns;
/// those that the kind does not have are NULL, the numbers 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Size of the library's struct.
    pub struct_size: usize,
    /// A REKALL_EVENT_ number. Pass over those that you do not know.
    pub kind: u32,
    /// How loud it is: a REKALL_LOG_ level.
    pub level: i32,
    /// The whole in one line, NUL-terminated; never NULL.
    pub message: *const c_char,
    /// Which model.
    pub model: *const c_char,
    /// Why.
    pub reason: *const c_char,
    /// Id of the entry.
    pub entry: *const c_char,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// Memory, in bytes.
    pub bytes: u64,
    /// How many.
    pub count: u64,
}

/// Hears an event.
pub type EventFn = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const Event)>;
/// Hears a line of the log: its level (REKALL_LOG_), its text (NUL-terminated UTF-8) and the text's length in bytes.
pub type LogFn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, message: *const c_char, len: usize)>;
/// Told once when the library will not use user_data any more.
pub type DestroyFn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Who receives events and log lines. Start from REKALL_LISTENER_INIT; the library copies it.
///
/// The functions are called on whatever thread does the work, also on several at once, and must be quick. They must not
/// throw, longjmp, or call back into the same handle (which answers REKALL_MISUSE); rekall_interrupt() and tokens are
/// fine.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Listener {
    /// sizeof(rekall_listener).
    pub struct_size: usize,
    /// Hears events; NULL: nobody.
    pub event: EventFn,
    /// Hears the log; NULL: nobody.
    pub log: LogFn,
    /// The quietest level that log receives, a REKALL_LOG_ number. 0: REKALL_LOG_INFO. Only with log.
    pub log_level: i32,
    /// Handed to the functions.
    pub user_data: *mut c_void,
    /// Called exactly once when user_data is not needed any more: after the rekall_close() of the
    /// memory and of the last of its scopes, or before rekall_open() returns
    /// with an error (but not when struct_size itself is wrong, and the struct so cannot be read). NULL: nobody.
    pub destroy: DestroyFn,
}

sized!(Listener, ..destroy => "rekall_listener");

/// As REKALL_LISTENER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_listener_init(listener: *mut Listener, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(listener, struct_size) }
}
