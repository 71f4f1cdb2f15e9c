//! Keeping entries in step with sources
//!
//! A section of a file, a page or anything else that has a URI becomes an entry, and stays that entry wherever it goes and
//! however it is edited, with its id, and with the tags, links and metadata that people gave it.
//!
//!     rekall_report *report = NULL;
//!     const char *found = "{\"sources\": [{\"uri\": \"wiki:/deploy\", \"stamp\": \"rev 7\", \"sections\":"
//!                         " [{\"path\": [\"Deploy\"], \"title\": \"Deploy\", \"content\": \"Push a tag.\"}]}]}";
//!     if ((status = rekall_sync_sources(db, "wiki:", found, REKALL_NTS, NULL, &report, &error))) goto end;
//!     printf("%d added, %d changed, %d moved\n", (int)rekall_report_number(report, "added"),
//!            (int)rekall_report_number(report, "changed"), (int)rekall_report_number(report, "moved"));
//!     rekall_report_free(report);

use std::ffi::c_char;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text::{self, utf8};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched};

/// Brings entries in step with all sources under a URI (root, NUL-terminated; empty: with all there are). json, UTF-8 of
/// json_len bytes (or REKALL_NTS), is an object that says what is there now; what it does not name is gone.
///
/// - "sources": those that were read, each with "uri", "stamp" (by which the caller recognizes that it has not changed),
///   "sections" in their order, "project" (of all its entries) and "defaults" ("kind", "memory_type", "project",
///   "metadata" of new ones). A section has "path" (the headings above it and its own), "title", "content", "line", "tags",
///   "created_at", "metadata"; only "title" has to be there.
/// - "current": URIs of sources that are as they were: see rekall_sources().
/// - "skipped": objects with "uri" and "reason", of sources that are there and could not be read. Their entries stay.
/// - "prune": true: what is gone is forgotten in any case. Otherwise it is if that are at most 10 entries or a fifth of
///   all under the root, if any source was seen, and if none that has entries was skipped.
///
/// What belongs to the source is an entry's title, its content and the tags that the source gave it; nothing else of an
/// entry is ever changed. Two runs at once store nothing twice. Progress counts sections; watch and out may be NULL.
/// Numbers: added, changed, moved, kept, gone, held_back (entries that should have gone), current, read (sources), skipped.
/// Lines: "URI: reason" for each source that was skipped, those included that cannot be stored. REKALL_INVALID_INPUT for
/// what is no such JSON, and for a URI that is not under the root.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_sync_sources(
    db: *mut Handle,
    root: *const c_char,
    json: *const c_char,
    json_len: usize,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let (root, json) = (text::required_name(root, "root")?, utf8(json, json_len, "json")?);
            let report = watched(db, watch, db.sync_sources_json(root, json))?;
            let skipped: Vec<String> =
                report.skipped.iter().map(|skipped| format!("{}: {}", skipped.uri, skipped.reason)).collect();
            ReportObject::new(&report, skipped)
        })
    }
}
