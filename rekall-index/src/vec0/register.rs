//! Starting sqlite-vec on one connection.
//!
//! By its entry point on the connection's handle rather than by `sqlite3_auto_extension`, which would change every connection
//! of the process: a library has no say over those.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use rusqlite::{Connection, ffi};

use crate::Error;

/// The signature every SQLite extension's entry point has; the crate declares it without.
type Init =
    unsafe extern "C" fn(*mut ffi::sqlite3, *mut *mut c_char, *const ffi::sqlite3_api_routines) -> c_int;

/// Makes `vec0` known to a connection, if it is not yet.
pub(super) fn register(connection: &Connection) -> Result<(), Error> {
    let known = connection.query_row("SELECT vec_version()", [], |_| Ok(()));
    if known.is_ok() {
        return Ok(());
    }
    // SAFETY: `sqlite3_vec_init` is compiled from C with exactly this signature (sqlite-vec.c, `SQLITE_VEC_API int
    // sqlite3_vec_init(sqlite3*, char**, const sqlite3_api_routines*)`).
    let init: Init =
        unsafe { std::mem::transmute::<*const (), Init>(sqlite_vec::sqlite3_vec_init as *const ()) };
    let mut message: *mut c_char = ptr::null_mut();
    // SAFETY: the handle is valid as long as `connection`; built with SQLITE_CORE, the extension calls SQLite directly and
    // does not look at the third argument.
    let code = unsafe { init(connection.handle(), &raw mut message, ptr::null()) };
    let detail = if message.is_null() {
        format!("sqlite-vec did not start, SQLite code {code}")
    } else {
        // SAFETY: not null, so it is a C string that `sqlite3_mprintf` made and that is ours to free.
        unsafe {
            let detail = CStr::from_ptr(message).to_string_lossy().into_owned();
            ffi::sqlite3_free(message.cast());
            detail
        }
    };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(Error::Unavailable { detail }) }
}
