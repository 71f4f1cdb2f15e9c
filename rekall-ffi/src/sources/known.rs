//! Sources that the file knows
//!
//! Which sources entries come from, and by what each was recognized when it was synchronized last.
//!
//!     rekall_report *report = NULL;
//!     size_t i;
//!     if ((status = rekall_sources(db, "file:///home/me/notes", &report, &error))) goto end;
//!     for (i = 0; i < rekall_report_line_count(report); i++)
//!         puts(rekall_report_line(report, i, NULL));
//!     rekall_report_free(report);

use std::ffi::c_char;

use serde_json::json;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;

/// The sources whose URI is this one or lies under it; with an empty one all there are. Numbers: sources. Lines: one for
/// each, by URI: a JSON object with "uri", "stamp" (null: it has to be read), "synced_at" (milliseconds since 1970) and
/// "sections", the number of its entries. rekall_report_json() has them in an array.
///
///     status = rekall_sources(db, "", &report, &error);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_sources(
    db: *mut Handle,
    root: *const c_char,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let root = text::required_name(root, "root")?;
            let sources: Vec<serde_json::Value> = db
                .sources(root)?
                .into_iter()
                .map(|source| {
                    json!({ "uri": source.uri, "stamp": source.stamp, "synced_at": source.synced_at,
                        "sections": source.sections })
                })
                .collect();
            let lines: Vec<String> = sources.iter().map(ToString::to_string).collect();
            ReportObject::new(&json!({ "sources": sources }), lines)
        })
    }
}
