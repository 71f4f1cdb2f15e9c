//! Status codes
//!
//! Every function that can fail returns one of these. 0 is success, so a status can be tested as a condition.
//!
//!     status = rekall_clear_cache(db, &error);
//!     if (status == REKALL_BUSY)
//!         puts("another program writes: try once more later");
//!     else if (status)
//!         printf("%s\n", rekall_status_name(status));

use std::ffi::c_char;

use rekall::ErrorKind;

/// What a call ended with: a REKALL_ code. Codes are only ever added; a program treats one that it does not know
/// like REKALL_ERROR.
pub type Status = i32;

/// All went well.
pub const REKALL_OK: i32 = 0;
/// Any other error, or a bug in the library.
pub const REKALL_ERROR: i32 = 1;
/// The caller broke the rules of this header: a NULL where something is needed, a wrong struct_size, an unknown
/// constant, a call from a callback. A mistake in the program, not in its data.
pub const REKALL_MISUSE: i32 = 2;
/// A bug in the library was met; the handle now answers nothing but rekall_close(). What was being written is
/// undone.
pub const REKALL_PANIC: i32 = 3;
/// A value is empty, too long, out of range or malformed (text that is not UTF-8, JSON that does not parse).
pub const REKALL_INVALID_INPUT: i32 = 4;
/// No entry, file or space of that name; or an entry without a vector where one is needed.
pub const REKALL_NOT_FOUND: i32 = 5;
/// The caller's buffer is too small; the size needed was written.
pub const REKALL_BUFFER_TOO_SMALL: i32 = 6;
/// The operating system refused to read or write, or the file was moved away or replaced while it was open.
pub const REKALL_IO: i32 = 7;
/// Another writer, thread or process, held the file longer than the time-out.
pub const REKALL_BUSY: i32 = 8;
/// The disk, or a limit on the file's size, is full.
pub const REKALL_FULL: i32 = 9;
/// The file, its folder or the handle is read-only.
pub const REKALL_READ_ONLY: i32 = 10;
/// The file is damaged.
pub const REKALL_CORRUPT: i32 = 11;
/// The path holds something else than a rekall file.
pub const REKALL_NOT_A_DATABASE: i32 = 12;
/// The file was written by a newer version of the library.
pub const REKALL_NEWER_VERSION: i32 = 13;
/// The file was written by the Python tool: import it, or open it with REKALL_OPEN_MIGRATE.
pub const REKALL_LEGACY_FILE: i32 = 14;
/// A vector has the wrong length, is zero or is not finite.
pub const REKALL_INVALID_VECTOR: i32 = 15;
/// The file's vectors were made by another model.
pub const REKALL_MODEL_MISMATCH: i32 = 16;
/// There is no model, or it cannot be had now: later it may be.
pub const REKALL_MODEL_UNAVAILABLE: i32 = 17;
/// This build or machine lacks what was asked for, or an option struct is of a newer version than the library.
pub const REKALL_UNSUPPORTED: i32 = 18;
/// The call was stopped by rekall_interrupt(), a token or a progress callback. What was being written is undone.
pub const REKALL_INTERRUPTED: i32 = 19;
/// One of the caller's callbacks failed.
pub const REKALL_CALLBACK: i32 = 20;
/// A newer search took the place of this one (supersede of rekall_recall_options).
pub const REKALL_SUPERSEDED: i32 = 21;
/// No memory was left, or less than SQLite was allowed. (The library's own lack of memory ends the process.)
pub const REKALL_OUT_OF_MEMORY: i32 = 22;
/// The model cannot be used until somebody changes it: it is missing, broken or refused by the hub. (One of a kind that
/// this build does not run is REKALL_UNSUPPORTED.)
pub const REKALL_INVALID_MODEL: i32 = 23;

/// The code of each of the facade's kinds.
pub(crate) fn of_kind(kind: ErrorKind) -> Status {
    match kind {
        ErrorKind::InvalidInput => REKALL_INVALID_INPUT,
        ErrorKind::NotFound => REKALL_NOT_FOUND,
        ErrorKind::Busy => REKALL_BUSY,
        ErrorKind::Io => REKALL_IO,
        ErrorKind::Full => REKALL_FULL,
        ErrorKind::ReadOnly => REKALL_READ_ONLY,
        ErrorKind::Corrupt => REKALL_CORRUPT,
        ErrorKind::NotADatabase => REKALL_NOT_A_DATABASE,
        ErrorKind::NewerVersion => REKALL_NEWER_VERSION,
        ErrorKind::LegacyFile => REKALL_LEGACY_FILE,
        ErrorKind::InvalidVector => REKALL_INVALID_VECTOR,
        ErrorKind::ModelMismatch => REKALL_MODEL_MISMATCH,
        ErrorKind::ModelUnavailable => REKALL_MODEL_UNAVAILABLE,
        ErrorKind::Unsupported => REKALL_UNSUPPORTED,
        ErrorKind::Interrupted => REKALL_INTERRUPTED,
        ErrorKind::OutOfMemory => REKALL_OUT_OF_MEMORY,
        ErrorKind::InvalidModel => REKALL_INVALID_MODEL,
        ErrorKind::Internal => REKALL_ERROR,
        // The facade's enum may grow, so Rust asks for this arm; a test sees to it that no kind ends here.
        _ => REKALL_ERROR,
    }
}

/// The name of a code, such as "REKALL_NOT_FOUND"; "REKALL_UNKNOWN" for a number that is none. Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_status_name(status: Status) -> *const c_char {
    let name = match status {
        REKALL_OK => c"REKALL_OK",
        REKALL_ERROR => c"REKALL_ERROR",
        REKALL_MISUSE => c"REKALL_MISUSE",
        REKALL_PANIC => c"REKALL_PANIC",
        REKALL_INVALID_INPUT => c"REKALL_INVALID_INPUT",
        REKALL_NOT_FOUND => c"REKALL_NOT_FOUND",
        REKALL_BUFFER_TOO_SMALL => c"REKALL_BUFFER_TOO_SMALL",
        REKALL_IO => c"REKALL_IO",
        REKALL_BUSY => c"REKALL_BUSY",
        REKALL_FULL => c"REKALL_FULL",
        REKALL_READ_ONLY => c"REKALL_READ_ONLY",
        REKALL_CORRUPT => c"REKALL_CORRUPT",
        REKALL_NOT_A_DATABASE => c"REKALL_NOT_A_DATABASE",
        REKALL_NEWER_VERSION => c"REKALL_NEWER_VERSION",
        REKALL_LEGACY_FILE => c"REKALL_LEGACY_FILE",
        REKALL_INVALID_VECTOR => c"REKALL_INVALID_VECTOR",
        REKALL_MODEL_MISMATCH => c"REKALL_MODEL_MISMATCH",
        REKALL_MODEL_UNAVAILABLE => c"REKALL_MODEL_UNAVAILABLE",
        REKALL_UNSUPPORTED => c"REKALL_UNSUPPORTED",
        REKALL_INTERRUPTED => c"REKALL_INTERRUPTED",
        REKALL_CALLBACK => c"REKALL_CALLBACK",
        REKALL_SUPERSEDED => c"REKALL_SUPERSEDED",
        REKALL_OUT_OF_MEMORY => c"REKALL_OUT_OF_MEMORY",
        REKALL_INVALID_MODEL => c"REKALL_INVALID_MODEL",
        _ => c"REKALL_UNKNOWN",
    };
    name.as_ptr()
}
