//! Which entries were used
//!
//! What counts as use is for the program to say; searches and reads note nothing by themselves.
//!
//!     rekall_str used[1];
//!     rekall_usage usage;
//!     used[0] = rekall_text(id);
//!     if ((status = rekall_record_use(db, used, 1, &error))) goto end;
//!     // Now and then, and before the end.
//!     if ((status = rekall_flush_usage(db, NULL, &error))) goto end;
//!     status = rekall_usage_of(db, id, &usage, &error);

use std::ffi::c_char;
use std::ptr::null;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::Out;
use crate::boundary::status::Status;
use crate::boundary::text::{self, Str};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::filter;

/// How an entry was used. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct EntryUsage {
    /// When last: milliseconds since 1970 (UTC).
    pub last_used_at_ms: i64,
    /// How often; 0: no use is recorded.
    pub uses: u64,
}

/// Notes that entries were used now: shown to somebody, say, or handed to a model. ids are count texts of 26 characters each.
/// Only in memory: rekall_flush_usage() writes it, and what is not written before rekall_close() is lost. Searches can go by
/// it: recency_time of rekall_recall_options. REKALL_INVALID_INPUT for a text that is no id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_record_use(
    db: *mut Handle,
    ids: *const Str,
    count: usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            db.record_use(&filter::ids(&running, ids, count, "ids")?);
            Ok(())
        })
    }
}

/// Writes the uses that were noted, in one transaction. Nothing else of an entry changes. out_entries, which may be NULL,
/// receives the number of entries; those that are gone are left out. When it fails, the uses stay noted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_flush_usage(
    db: *mut Handle,
    out_entries: *mut u64,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::optional(out_entries, 0), |db| Ok(db.flush_usage()? as u64)) }
}

/// How an entry was used, as far as it is written: out receives it, all 0 when no use is recorded or no entry has the id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_usage_of(
    db: *mut Handle,
    id: *const c_char,
    out: *mut EntryUsage,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::required(out, EntryUsage::default()), |db| {
            let usage = db.usage(&[text::id(id, "id")?])?.pop().flatten();
            Ok(usage.map_or(EntryUsage::default(), |usage| EntryUsage {
                last_used_at_ms: usage.last_used_at,
                uses: usage.uses,
            }))
        })
    }
}
