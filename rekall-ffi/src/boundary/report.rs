//! Reports: what upkeep, import and export found and did
//!
//! Numbers by their names, lines for a person, and both as JSON. Which numbers there are stands at each function.
//!
//!     rekall_report *report = NULL;
//!     size_t i;
//!     if ((status = rekall_check(db, NULL, &report, &error))) goto end;
//!     printf("%d problems\n", (int)rekall_report_number(report, "found"));
//!     for (i = 0; i < rekall_report_line_count(report); i++)
//!         puts(rekall_report_line(report, i, NULL));
//!     rekall_report_free(report);

use std::ffi::c_char;

use serde::Serialize;
use serde_json::Value;

use crate::boundary::error::Failure;
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::text::{lend, name, owned};

/// What a longer piece of work found and did: numbers by name, lines of text, and all of it as JSON. Never changes; may
/// be read from any thread, also after rekall_close(). What its functions return belongs to it and lives as long.
pub struct ReportObject {
    values: Value,
    json: Box<[u8]>,
    lines: Vec<Box<[u8]>>,
}

registered!(ReportObject);

impl ReportObject {
    /// A report of these values, with lines for people to read.
    pub(crate) fn new(
        values: &impl Serialize,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<Self, Failure> {
        let values = serde_json::to_value(values)
            .map_err(|error| Failure::new(crate::boundary::status::REKALL_ERROR, error.to_string()))?;
        let json = owned(&values.to_string());
        Ok(Self { values, json, lines: lines.into_iter().map(|line| owned(&line)).collect() })
    }
}

/// A number of the report by its name (NUL-terminated), which the function that made the report lists; the number of
/// items where the name is that of a list, 1 for yes. 0 when there is no such number, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_report_number(report: *const ReportObject, key: *const c_char) -> u64 {
    // SAFETY: NULL or a report that was not freed; the name is NUL-terminated.
    unsafe {
        read_object(report, 0, |report| match report.values.get(name(key, "key").ok()??)? {
            Value::Array(items) => Some(items.len() as u64),
            Value::Bool(yes) => Some(u64::from(*yes)),
            value => value.as_u64(),
        })
    }
}

/// How many lines the report has: each something that a person may want to look at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_report_line_count(report: *const ReportObject) -> usize {
    // SAFETY: NULL or a report that was not freed.
    unsafe { read_object(report, 0, |report| Some(report.lines.len())) }
}

/// Line number index, from 0: NUL-terminated UTF-8; NULL past the last. out_len, which may be NULL, receives its
/// length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_report_line(
    report: *const ReportObject,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(report, out_len, |report| report.lines.get(index).map(|line| &**line)) }
}

/// The whole report as one JSON object, NUL-terminated; NULL for NULL. out_len, which may be NULL, receives its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_report_json(
    report: *const ReportObject,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(report, out_len, |report| Some(&report.json)) }
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_report_free(report: *mut ReportObject) {
    free(report);
}
