//! Import and export
//!
//! A file as text, one JSON object a line, vectors included; and files of the Python tool that came before this library.
//!
//!     rekall_report *report = NULL;
//!     if ((status = rekall_export_jsonl(db, "export.jsonl", REKALL_EXPORT_ALL, NULL, NULL, &error))) goto end;
//!     if ((status = rekall_import_jsonl(db, "export.jsonl", REKALL_DUPLICATE_SKIP, NULL, &report, &error))) goto end;
//!     printf("%d were here already\n", (int)rekall_report_number(report, "skipped"));
//!     rekall_report_free(report);

use std::ffi::{c_char, c_void};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};

use rekall::storage::{Error as CoreError, legacy};
use rekall::upkeep::{LegacyOptions, OnDuplicate};
use rekall::{LongCall, Rekall};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::fallible::answer;
use crate::boundary::out::OutObject;
use crate::boundary::report::ReportObject;
use crate::boundary::status::{REKALL_OK, Status};
use crate::boundary::text;
use crate::boundary::thread_state::{in_callback, note_callback_failure};
use crate::calls::call::{Call, on};
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched, watched_alone};

/// Bytes handed to, or asked of, the caller's functions at a time.
const BUFFER: usize = 64 << 10;

/// On import, of an entry that is there already: keep the one that is there.
pub const REKALL_DUPLICATE_SKIP: u32 = 0;
/// On import, of an entry that is there already: fail, and import nothing.
pub const REKALL_DUPLICATE_REFUSE: u32 = 1;
/// On import, of an entry that is there already: put the imported one in its place.
pub const REKALL_DUPLICATE_REPLACE: u32 = 2;

/// Of an export: everything.
pub const REKALL_EXPORT_ALL: u32 = 0;
/// Of an export: everything but vectors, which have to be made anew after an import.
pub const REKALL_EXPORT_WITHOUT_VECTORS: u32 = 1;

/// As an offset from UTC: take it from the file.
pub const REKALL_UTC_OFFSET_AUTO: i32 = i32::MIN;

/// Takes bytes of an export. Return REKALL_OK, or anything else to fail it with REKALL_CALLBACK.
pub type WriteFn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, bytes: *const c_char, len: usize) -> Status>;

/// Gives bytes of an import: writes up to capacity of them to buffer and their number to out_len; 0 is the end. Return
/// REKALL_OK, or anything else to fail it with REKALL_CALLBACK.
pub type ReadFn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        buffer: *mut c_char,
        capacity: usize,
        out_len: *mut usize,
    ) -> Status,
>;

/// Writes everything as lines of JSON, losslessly, to a new file at path, where nothing may be yet, and which only its owner
/// may read. what is a REKALL_EXPORT_ number: a vector of 384 dimensions takes 2,048 characters of an export.
/// watch and out may be NULL. Numbers: entries, vectors, links, quarantined. It appears when it is whole; after an error there is no file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_export_jsonl(
    db: *mut Handle,
    path: *const c_char,
    what: u32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let path = text::path(path, "path")?;
            let vectors = has_vectors(what)?;
            ReportObject::new(&watched(db, watch, db.export_jsonl_file(path).vectors(vectors))?, [])
        })
    }
}

/// As rekall_export_jsonl(), to a function, which is called on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_export_jsonl_to(
    db: *mut Handle,
    write: WriteFn,
    user_data: *mut c_void,
    what: u32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let write = write.ok_or_else(|| Failure::null("write"))?;
            let vectors = has_vectors(what)?;
            let to = HostWriter { write, user_data, identity: db.identity() };
            let mut to = BufWriter::with_capacity(BUFFER, to);
            let report = watched(db, watch, db.export_jsonl(&mut to).vectors(vectors))?;
            to.flush().map_err(|source| CoreError::Stream { action: "write", source })?;
            ReportObject::new(&report, [])
        })
    }
}

/// Reads a file that rekall_export_jsonl() wrote, or one of entries without an export's header, one JSON object a line
/// (docs/jsonl.md has both forms): all of it or nothing. Entries without vectors of the file's model wait for
/// rekall_embed_pending(); words find them at once. on_duplicate is a REKALL_DUPLICATE_ number. watch
/// and out may be NULL. Numbers: added, replaced, skipped, vectors, links, quarantined, spaces. REKALL_INVALID_INPUT
/// names the line that cannot be read; REKALL_NEWER_VERSION.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_import_jsonl(
    db: *mut Handle,
    path: *const c_char,
    on_duplicate: u32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let path = text::path(path, "path")?;
            let on_duplicate = duplicates(on_duplicate)?;
            let file = File::open(&path);
            let file = file.map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => CoreError::FileNotFound { path },
                _ => CoreError::Io { action: "open", path, source },
            })?;
            import(db, file, on_duplicate, watch)
        })
    }
}

/// As rekall_import_jsonl(), from a function, which is called on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_import_jsonl_from(
    db: *mut Handle,
    read: ReadFn,
    user_data: *mut c_void,
    on_duplicate: u32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let read = read.ok_or_else(|| Failure::null("read"))?;
            let on_duplicate = duplicates(on_duplicate)?;
            import(db, HostReader { read, user_data, identity: db.identity() }, on_duplicate, watch)
        })
    }
}

/// Reads a file of the Python tool into this one: all of it or nothing. The original is only read. Vectors come along,
/// in a space of their own that answers searches by vector until rekall_reembed(). Entries whose id is here already are
/// left alone.
///
/// utc_offset_minutes is the offset of the file's local times from UTC, in minutes east of Greenwich, for times whose
/// offset the file does not tell; usually REKALL_UTC_OFFSET_AUTO. watch and out may be NULL. Numbers: entries, existing,
/// tags, links, vectors, quarantined, pending, possibly_stale, normalized, legacy_schema. Lines: what is worth a look.
/// REKALL_NOT_A_DATABASE when the file is not one of the Python tool's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_import_legacy(
    db: *mut Handle,
    path: *const c_char,
    utc_offset_minutes: i32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let path = text::path(path, "path")?;
            let call = at_offset(db.import_legacy(path), utc_offset_minutes);
            legacy_report(&watched(db, watch, call)?)
        })
    }
}

/// Puts a rekall file in the place of a file of the Python tool, with all that is in it, and leaves the old one beside
/// it: backup in the report's JSON is its path. Atomic, and safe to be killed at any moment. Needs no handle: nobody may
/// have the file open. The rest as for rekall_import_legacy(); REKALL_BUSY when somebody uses the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_migrate_legacy(
    path: *const c_char,
    utc_offset_minutes: i32,
    watch: *const Watch,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::optional(out);
        answer(error, out, || {
            let path = text::path(path, "path")?;
            let call = at_offset(Rekall::migrate_legacy(path), utc_offset_minutes);
            legacy_report(&watched_alone(watch, call)?)
        })
    }
}

/// Reports what a file of the Python tool holds, without leaving a trace on it or beside it. Needs no handle. Numbers:
/// schema, user_version, entries, links, vectors. REKALL_NOT_A_DATABASE when it is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_probe_legacy(
    path: *const c_char,
    out: *mut *mut ReportObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutObject::required(out);
        answer(error, out, || ReportObject::new(&legacy::probe(text::path(path, "path")?)?, []))
    }
}

fn has_vectors(what: u32) -> Result<bool, Failure> {
    Ok(match what {
        REKALL_EXPORT_ALL => true,
        REKALL_EXPORT_WITHOUT_VECTORS => false,
        other => return Err(Failure::number("what", "REKALL_EXPORT_", other)),
    })
}

fn duplicates(on_duplicate: u32) -> Result<OnDuplicate, Failure> {
    Ok(match on_duplicate {
        REKALL_DUPLICATE_SKIP => OnDuplicate::Skip,
        REKALL_DUPLICATE_REFUSE => OnDuplicate::Refuse,
        REKALL_DUPLICATE_REPLACE => OnDuplicate::Replace,
        other => return Err(Failure::number("on_duplicate", "REKALL_DUPLICATE_", other)),
    })
}

fn legacy_report(report: &legacy::LegacyImportReport) -> Result<ReportObject, Failure> {
    ReportObject::new(report, report.notes.iter().cloned())
}

fn at_offset<T>(call: LongCall<'_, T, LegacyOptions>, minutes: i32) -> LongCall<'_, T, LegacyOptions> {
    if minutes == REKALL_UTC_OFFSET_AUTO { call } else { call.utc_offset_minutes(minutes) }
}

/// # Safety
/// As for [`watched`].
unsafe fn import(
    db: &Call<'_>,
    from: impl Read,
    on_duplicate: OnDuplicate,
    watch: *const Watch,
) -> Result<ReportObject, Failure> {
    let mut input = BufReader::with_capacity(BUFFER, from);
    // SAFETY: as promised by the caller.
    let report = unsafe { watched(db, watch, db.import_jsonl(&mut input).on_duplicate(on_duplicate))? };
    ReportObject::new(&report, [])
}

fn callback_failed(what: &str, status: Status) -> io::Error {
    note_callback_failure();
    io::Error::other(format!("the host's {what} function returned {status}"))
}

struct HostWriter {
    write: unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> Status,
    user_data: *mut c_void,
    identity: usize,
}

impl Write for HostWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the caller's function, called as its type says.
        let status = in_callback(self.identity, || unsafe {
            (self.write)(self.user_data, bytes.as_ptr().cast(), bytes.len())
        });
        if status == REKALL_OK { Ok(bytes.len()) } else { Err(callback_failed("write", status)) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct HostReader {
    read: unsafe extern "C" fn(*mut c_void, *mut c_char, usize, *mut usize) -> Status,
    user_data: *mut c_void,
    identity: usize,
}

impl Read for HostReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut len = 0;
        // SAFETY: the caller's function, called as its type says.
        let status = in_callback(self.identity, || unsafe {
            (self.read)(self.user_data, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut len)
        });
        match status {
            REKALL_OK if len <= buffer.len() => Ok(len),
            REKALL_OK => {
                note_callback_failure();
                Err(io::Error::other(format!(
                    "the host's read function gave {len} bytes for {}",
                    buffer.len()
                )))
            }
            status => Err(callback_failed("read", status)),
        }
    }
}
