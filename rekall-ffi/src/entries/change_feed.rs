//! Following a file by its changes
//!
//! For a program that keeps a copy of the file, or shows it: which entries were written, changed or forgotten since a moment,
//! by any program. Links are not told.
//!
//!     rekall_position since = {{0, 0}}; // from the beginning; store it with the copy
//!     rekall_changes *changes = NULL;
//!     size_t i;
//!     if ((status = rekall_changes_since(db, &since, &changes, &error))) goto end;
//!     for (i = 0; i < rekall_changes_count(changes); i++)
//!         if (rekall_changes_id(changes, i) == NULL)
//!             printf("number %lld is gone\n", (long long)rekall_changes_number(changes, i));
//!     since = rekall_changes_position(changes);
//!     rekall_changes_free(changes);

use std::ffi::c_char;

use rekall::{ChangePosition, ChangedEntries};

use crate::boundary::error::ErrorObject;
use crate::boundary::lazy_string::LazyString;
use crate::boundary::out::{Out, OutObject};
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::lend;
use crate::calls::call::on;
use crate::calls::handle::Handle;

/// A moment of a file's history: store it as it is, beside what was read then. Its numbers tell nothing by themselves. All
/// 0: before everything. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Position {
    /// Not to be compared or counted with.
    pub words: [i64; 2],
}

/// What changed since a moment. Never changes; may be read from any thread, also after rekall_close(). What its functions
/// return belongs to it and lives as long. All of them take NULL and any index.
pub struct ChangesObject {
    changes: ChangedEntries,
    ids: Box<[LazyString]>,
}

registered!(ChangesObject);

impl From<ChangePosition> for Position {
    fn from(position: ChangePosition) -> Self {
        Self { words: position.to_words() }
    }
}

/// Tells which entries were written, changed or forgotten since a moment, by any process; with since NULL or all 0, all
/// entries that there are, which is how a copy begins. out receives them, to be freed with rekall_changes_free().
///
/// A change of an entry's vectors is a change of the entry; one of its links is not. The file remembers the newest 50,000
/// entries forgotten. Where it no longer reaches back to since, where another model's vectors were put in the place of all,
/// and where the file was restored, compacted, imported into or given another index, all entries are told, and
/// rekall_changes_complete() gives 1. Waits for no writer; some microseconds an entry told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_since(
    db: *mut Handle,
    since: *const Position,
    out: *mut *mut ChangesObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let since = since.as_ref().map(|since| ChangePosition::from_words(since.words));
            let changes = db.changes_since(since)?;
            let ids = changes.entries.iter().map(|_| LazyString::default()).collect();
            Ok(ChangesObject { changes, ids })
        })
    }
}

/// This moment, without looking at what came before: for hosts that want to hear of what comes from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_change_position(
    db: *mut Handle,
    out: *mut Position,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, Out::required(out, Position::default()), |db| Ok(db.change_position()?.into())) }
}

/// The moment that the changes are true of: where to ask from the next time. All 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_position(changes: *const ChangesObject) -> Position {
    // SAFETY: NULL or changes that were not freed.
    unsafe { read_object(changes, Position::default(), |changes| Some(changes.changes.position.into())) }
}

/// 1 when these are all entries that there are, and not changes: whatever is not among them is gone. Else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_complete(changes: *const ChangesObject) -> i32 {
    // SAFETY: NULL or changes that were not freed.
    unsafe { read_object(changes, 0, |changes| Some(i32::from(changes.changes.complete))) }
}

/// How many entries changed; 0 for NULL. Each is there once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_count(changes: *const ChangesObject) -> usize {
    // SAFETY: NULL or changes that were not freed.
    unsafe { read_object(changes, 0, |changes| Some(changes.changes.entries.len())) }
}

/// The number that entry number index, from 0, has in this file: the same for as long as it lives, and never another
/// entry's. Keep it with the entry, because it is all that is left of one that is gone. Copies made by export and import
/// have numbers of their own. 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_number(changes: *const ChangesObject, index: usize) -> i64 {
    // SAFETY: NULL or changes that were not freed.
    unsafe { read_object(changes, 0, |changes| Some(changes.changes.entries.get(index)?.number)) }
}

/// The id of entry number index, 26 characters, NUL-terminated; NULL when the entry is gone, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_id(changes: *const ChangesObject, index: usize) -> *const c_char {
    // SAFETY: NULL or changes that were not freed.
    unsafe {
        lend(changes, std::ptr::null_mut(), |changes| {
            let id = changes.changes.entries.get(index)?.id?;
            Some(changes.ids.get(index)?.get(|| id.to_string()))
        })
    }
}

/// Frees changes. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_changes_free(changes: *mut ChangesObject) {
    free(changes);
}
