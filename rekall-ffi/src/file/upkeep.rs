//! Looking after the file
//!
//! In the order in which they help: check says what is wrong, repair mends it in place, salvage carries what can be read into a
//! new file.
//!
//!     rekall_report *report = NULL;
//!     if ((status = rekall_check(db, NULL, &report, &error))) goto end;
//!     if (rekall_report_number(report, "found") > 0)
//!         status = rekall_repair(db, NULL, NULL, &error);
//!     else
//!         status = rekall_backup(db, "copy.db", NULL, &error);
//!     rekall_report_free(report);

use std::ffi::c_char;

use rekall::Rekall;
use rekall::storage::{CheckReport, RepairReport};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::answer;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched, watched_alone};

/// Looks at every page, row and index of the file and changes nothing; holds up nobody. Some seconds for 100000 entries.
/// Damage is no error, it is in the report: out receives it, to be freed with rekall_report_free(). watch may be NULL;
/// progress counts pages, entries and vectors together. Numbers: found (0: the file is sound), problems (those listed),
/// entries, vectors, tags, links, pages. Lines: the problems. REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_check(
    db: *mut Handle,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, OutObject::required(out), |db| check_report(&watched(db, watch, db.check())?)) }
}

/// Repairs what can be repaired, in one transaction, and loses nothing: what cannot be read is kept aside. Holds up
/// other writers meanwhile. watch, whose progress counts pages, entries and vectors together, and out may be NULL.
/// Numbers: repaired (entries with unreadable parts), quarantined (vectors set aside), orphans, pending, spaces, objects.
/// Lines: the entries repaired. REKALL_CORRUPT when pages cannot be read, and rekall_salvage() carries over what can be;
/// REKALL_INTERRUPTED. Nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_repair(
    db: *mut Handle,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, OutObject::optional(out), |db| repair_report(&watched(db, watch, db.repair())?)) }
}

/// As rekall_check(), of a file by its path, without a handle: also of one that rekall_open() refuses with
/// REKALL_CORRUPT. Why it is refused is the first problem then, and what can be looked at all the same follows.
/// REKALL_NOT_FOUND, REKALL_NOT_A_DATABASE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_check_file(
    path: *const c_char,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::required(out);
        answer(error, out, || {
            let path = text::path(path, "path")?;
            check_report(&watched_alone(watch, Rekall::check_file(path))?)
        })
    }
}

/// As rekall_repair(), of a file by its path, without a handle: also of one that rekall_open() refuses with
/// REKALL_CORRUPT, as far as that can be repaired. Nobody should have the file open. REKALL_CORRUPT when it cannot, and
/// rekall_salvage() carries over what can be read; REKALL_NOT_FOUND, REKALL_NOT_A_DATABASE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_repair_file(
    path: *const c_char,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::optional(out);
        answer(error, out, || {
            let path = text::path(path, "path")?;
            repair_report(&watched_alone(watch, Rekall::repair_file(path))?)
        })
    }
}

fn check_report(report: &CheckReport) -> Result<ReportObject, Failure> {
    ReportObject::new(report, report.problems.iter().map(|problem| problem.detail.clone()))
}

fn repair_report(report: &RepairReport) -> Result<ReportObject, Failure> {
    let repaired = report.repaired.iter();
    ReportObject::new(report, repaired.map(|entry| format!("{}: {}", entry.id, entry.columns.join(", "))))
}

/// Copies the file, as it is at this moment, to target (a path where nothing may be yet), while others read and write.
/// watch may be NULL. REKALL_INVALID_INPUT when the target exists; REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_backup(
    db: *mut Handle,
    target: *const c_char,
    watch: *const Watch,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            let target = text::path(target, "target")?;
            watched(db, watch, db.backup(target))
        })
    }
}

/// Gives free space in the file back to the disk. Needs about twice the file's size meanwhile and holds up other
/// writers. watch, whose progress counts stages, of 3, and out may be NULL. Numbers: bytes_before, bytes_after, complete (0
/// when a reader of an older state was in the way of emptying the log and, with secure_delete, of erasing what was
/// forgotten: call it once more later). REKALL_INTERRUPTED; the file then has what it had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_compact(
    db: *mut Handle,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            ReportObject::new(&watched(db, watch, db.compact())?, [])
        })
    }
}

/// Drops the vector index, in memory and in the file, and makes it again from the rows. watch may be NULL; its
/// progress counts stages, of 3. REKALL_READ_ONLY; REKALL_BUSY; REKALL_INTERRUPTED, and nothing may be persisted then:
/// searches find the same, the first one of a process begins more slowly.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_rebuild_index(
    db: *mut Handle,
    watch: *const Watch,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, (), |db| watched(db, watch, db.rebuild_index())) }
}

/// Forgets cached query vectors. Searches stay the same, the next ones are slower.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_clear_cache(db: *mut Handle, error: *mut *mut ErrorObject) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            db.clear_cache();
            Ok(())
        })
    }
}

/// Reads what can be read of a damaged file, row by row around the damage, and writes it to a new file at target, which
/// appears when it is whole. source is only copied from; nobody should be using it. Needs no handle. watch and out may be
/// NULL. Numbers: entries, repaired, lost, vectors, quarantined, links, pending, damage, unreadable_rows (ranges of
/// rows). Lines: what could not be read, and what is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_salvage(
    source: *const c_char,
    target: *const c_char,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::optional(out);
        answer(error, out, || {
            let (source, target) = (text::path(source, "source")?, text::path(target, "target")?);
            let report = watched_alone(watch, Rekall::salvage_file(source, target))?;
            let rows = report.unreadable_rows.iter();
            let rows = rows.map(|(from, to)| format!("rows {from} to {to} of entries cannot be read"));
            let lost = report.lost.iter().map(|id| format!("the entry {id} is lost"));
            ReportObject::new(&report, report.damage.iter().cloned().chain(rows).chain(lost))
        })
    }
}
