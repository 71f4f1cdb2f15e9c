//! Scopes
//!
//! Many memories in one file, or on one server: one for each user, tenant or project. Nothing that is done through a handle
//! on a scope sees or writes anything else.
//!
//!     rekall_db *ann = NULL;
//!     rekall_report *scopes = NULL;
//!     size_t i;
//!     if ((status = rekall_open_scope(db, "ann", &ann, &error))) goto end;
//!     if ((status = rekall_list_scopes(db, &scopes, &error))) goto end;
//!     for (i = 0; i < rekall_report_line_count(scopes); i++)
//!         puts(rekall_report_line(scopes, i, NULL));
//!     rekall_report_free(scopes);
//!     rekall_close(ann);

use std::ffi::c_char;

use serde_json::json;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::{Out, OutObject};
use crate::boundary::panics::catch_or;
use crate::boundary::registry::Registered;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;

/// Opens a scope of a memory by its name: 1 to 256 bytes of UTF-8, NUL-terminated. It is made if it is not there.
///
/// A scope is a memory of its own in the same file: its entries, ids, words, sources, links and vectors are in no other. What is searched costs
/// what the scope holds. The memory that rekall_open() gives is one more, without a name, and its handle alone opens, lists and
/// removes scopes: with another one these functions give REKALL_UNSUPPORTED. So do, with a handle on a scope, the calls that look after the
/// whole file (rekall_check(), rekall_repair(), rekall_compact(), rekall_backup()) and rekall_import_legacy(), and this function where the settings ask
/// for the index "sqlite-vec". rekall_export_jsonl() and rekall_import_jsonl() move the scope alone.
///
/// out receives a handle of its own, to be closed with rekall_close(), before db or after it. It has the settings of db and
/// shares its model, its connections, its listener and its functions, which are called, and kept, until the last of these
/// handles is closed. Handles on one scope share one index. Costs some microseconds, on a server a round trip, where another
/// handle on the scope is open, else about as much as opening a file that is there, and a write for a new scope.
/// REKALL_NOT_FOUND when there is none and none is to be made (REKALL_OPEN_READ_ONLY, REKALL_OPEN_EXISTING).
/// REKALL_INVALID_INPUT for a name that cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_open_scope(
    db: *mut Handle,
    name: *const c_char,
    out: *mut *mut Handle,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let name = text::required_name(name, "name")?;
            Ok(db.beside(db.scope(name)?))
        })
    }
}

/// The name of the scope that a handle is bound to, NUL-terminated; it belongs to the handle. NULL for the memory without a
/// name, for NULL, and for a handle that was closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_scope_name(db: *const Handle) -> *const c_char {
    // SAFETY: the registry of handles.
    let name = catch_or(None, || unsafe { Handle::registry().enter(db, Handle::scope_text) });
    name.unwrap_or(std::ptr::null())
}

/// The scopes of a memory. Numbers: scopes. Lines: their names, by their bytes; rekall_report_json() has them in an array.
///
///     status = rekall_list_scopes(db, &report, &error);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_list_scopes(
    db: *mut Handle,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let scopes = db.scopes()?;
            ReportObject::new(&json!({ "scopes": &scopes }), scopes)
        })
    }
}

/// Deletes a scope with everything in it. out_entries, which may be NULL, receives the number of its entries. Handles on the scope
/// answer REKALL_NOT_FOUND from then on, in every process, and are closed as ever. REKALL_NOT_FOUND when there is no scope
/// of that name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remove_scope(
    db: *mut Handle,
    name: *const c_char,
    out_entries: *mut u64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::optional(out_entries, 0), |db| {
            Ok(db.remove_scope(text::required_name(name, "name")?)?)
        })
    }
}
