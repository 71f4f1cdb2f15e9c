//! How much of what is nearest a search finds
//!
//! How many of the true nearest entries the vector index finds: all of them, but for the index "binary".
//!
//!     rekall_index_audit report = REKALL_INDEX_AUDIT_INIT;
//!     if ((status = rekall_audit_index(db, 100, 10, NULL, &report, &error))) goto end;
//!     printf("%.4f of the nearest are found (%s)\n", report.recall, report.backend);

use std::ffi::c_char;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::options::{self, OutStruct, sized};
use crate::boundary::status::Status;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::watch::{Watch, watched};

/// The most queries, and the most hits of each.
const MOST: usize = 100_000;

/// What rekall_audit_index() found. Set struct_size, or start from REKALL_INDEX_AUDIT_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexAudit {
    /// sizeof(rekall_index_audit).
    pub struct_size: usize,
    /// Vectors in the index.
    pub rows: u64,
    /// Searches made.
    pub queries: u64,
    /// Hits asked of each.
    pub k: u64,
    /// Searches whose hits, their order or their similarities were not, to the bit, those of brute force. 0 is required of
    /// every index but the approximate one.
    pub differing: u64,
    /// Share of the k nearest entries that were found, 0 to 1, on average; 1 when nothing was searched.
    pub recall: f64,
    /// The same of the worst search.
    pub worst: f64,
    /// Name of the backend that was tested, as rekall_index_backend() returns it, NUL-terminated; "" when the file has no
    /// vectors.
    pub backend: [c_char; 32],
}

sized!(IndexAudit, ..backend => "rekall_index_audit");

/// As REKALL_INDEX_AUDIT_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_index_audit_init(report: *mut IndexAudit, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(report, struct_size) }
}

impl From<rekall::IndexAudit> for IndexAudit {
    fn from(report: rekall::IndexAudit) -> Self {
        let mut backend = [0; 32];
        // Every name is shorter; whatever comes, the last one stays NUL.
        let room = backend.len() - 1;
        for (to, from) in backend.iter_mut().take(room).zip(report.backend.unwrap_or_default().bytes()) {
            *to = from as c_char;
        }
        Self {
            struct_size: size_of::<Self>(),
            rows: report.rows as u64,
            queries: report.queries as u64,
            k: report.k as u64,
            differing: report.differing as u64,
            recall: report.recall,
            worst: report.worst,
            backend,
        }
    }
}

/// Compares the vector index with brute force: up to queries stored vectors, taken evenly from the file, serve as queries,
/// each without its own entry, and the k hits of each are held against all vectors of the file, compared one by one.
/// Needs no model. Reads every vector twice; about 0.2 microseconds a vector and query for 384 dimensions. For choosing
/// rescored_rows of rekall_open_options, and for looking after any index.
///
/// out receives the report. watch may be NULL; progress counts vectors. Fewer queries are made where the file has fewer
/// vectors, none where it has none. REKALL_INVALID_INPUT when queries or k is not 1 to 100000;
/// REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_audit_index(
    db: *mut Handle,
    queries: usize,
    k: usize,
    watch: *const Watch,
    out: *mut IndexAudit,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutStruct::required(out), |db| {
            for (name, number) in [("queries", queries), ("k", k)] {
                if !(1..=MOST).contains(&number) {
                    return Err(Failure::invalid(format!("{name} must be 1 to {MOST}, got {number}")));
                }
            }
            Ok(watched(db, watch, db.audit_index(queries, k))?.into())
        })
    }
}
