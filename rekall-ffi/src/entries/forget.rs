//! Forgetting entries
//!
//! One entry, several, those that pass a filter, or all: each call is one transaction.
//!
//!     rekall_str ids[2];
//!     rekall_report *report = NULL;
//!     ids[0] = rekall_text(id);
//!     ids[1] = rekall_text(older);
//!     if ((status = rekall_forget_many(db, ids, 2, &report, &error))) goto end;
//!     printf("%d are forgotten\n", (int)rekall_report_number(report, "forgotten"));
//!     rekall_report_free(report);

use std::ffi::c_char;
use std::ptr::null;

use serde_json::json;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text::{self, Str};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::filter::{self, Filter};

/// Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared. REKALL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget(
    db: *mut Handle,
    id: *const c_char,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, (), |db| Ok(db.forget(text::id(id, "id")?)?)) }
}

/// Forgets several entries in one transaction. ids are count texts of 26 characters each; one that no entry has is left
/// aside. out, which may be NULL, receives a report, to be freed with rekall_report_free(). Numbers: forgotten. Lines: the
/// ids of those that were there, in the order given and each once. REKALL_INVALID_INPUT for a text that is no id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget_many(
    db: *mut Handle,
    ids: *const Str,
    count: usize,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let ids = filter::ids(&running, ids, count, "ids")?;
            running.go_on()?;
            forgotten(&db.forget_many(&ids)?)
        })
    }
}

/// Forgets the entries that pass a filter, in one transaction. A filter without a condition, or with a status of
/// REKALL_ENTRY_ANY alone, is REKALL_INVALID_INPUT, and so is NULL: rekall_forget_all() forgets everything. Where the
/// filter asks for metadata and those of an entry cannot be read, nothing is forgotten (REKALL_CORRUPT). out, which may be
/// NULL, receives a report as from rekall_forget_many(); lines in the order in which the entries were written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget_matching(
    db: *mut Handle,
    filter: *const Filter,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let filter = filter::read(&running, filter)?;
            running.go_on()?;
            forgotten(&db.forget_matching(&filter)?)
        })
    }
}

/// Forgets all entries, whatever their status, in one transaction. out, which may be NULL, receives a report as from
/// rekall_forget_many(); lines in the order in which the entries were written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget_all(
    db: *mut Handle,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, OutObject::optional(out), |db| forgotten(&db.forget_all()?)) }
}

/// Forgets the entries that have expired, in one transaction; rekall_compact() does, too. out, which may be NULL, receives a
/// report as from rekall_forget_many(); lines in the order in which the entries were written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget_expired(
    db: *mut Handle,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, OutObject::optional(out), |db| forgotten(&db.forget_expired()?)) }
}

fn forgotten(ids: &[rekall::EntryId]) -> Result<ReportObject, Failure> {
    ReportObject::new(&json!({ "forgotten": ids.len() }), ids.iter().map(ToString::to_string))
}
