//! Entries from JSON
//!
//! One entry as a JSON object, or several as an array, with the keys of docs/jsonl.md.
//!
//!     rekall_report *report = NULL;
//!     const char *json = "[{\"title\": \"one\", \"tags\": [\"x\"]}, {\"title\": \"two\"}]";
//!     if ((status = rekall_remember_json(db, json, REKALL_NTS, NULL, &report, &error))) goto end;
//!     printf("%d entries, the first is %s\n", (int)rekall_report_number(report, "added"), rekall_report_line(report, 0, NULL));
//!     rekall_report_free(report);

use std::ffi::c_char;

use serde_json::json;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text::utf8;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched};

/// Remembers one entry given as a JSON object, or several given as an array: all are stored, or none. docs/jsonl.md has the
/// keys; only "title" has to be there. What rekall_entry_json() writes, ids and times included, can be read here.
///
/// json is UTF-8 of json_len bytes (or REKALL_NTS). References ("superseded_by", "links") may name entries of the same
/// array, also later ones. Progress counts entries embedded; watch and out may be NULL. Numbers: added. Lines: the ids, in
/// the order of the entries. When no model is at hand the entries are stored all the same, as by rekall_remember().
/// REKALL_INVALID_INPUT for what is no such JSON, naming the entry and the key, and for an id that is there already;
/// REKALL_NOT_FOUND for a reference to no entry.
///
///     status = rekall_remember_json(db, "{\"title\": \"Renew the certificate\", \"tags\": [\"tls\"]}", REKALL_NTS,
///                                   NULL, &report, &error);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember_json(
    db: *mut Handle,
    json: *const c_char,
    json_len: usize,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let json = utf8(json, json_len, "json")?;
            let ids = watched(db, watch, db.remember_json(json))?;
            ReportObject::new(&json!({ "added": ids.len() }), ids.iter().map(ToString::to_string))
        })
    }
}
