//! Reading and changing entries
//!
//! An update changes what its patch gives, and leaves the rest as it is.
//!
//!     rekall_patch patch = REKALL_PATCH_INIT;
//!     rekall_entry *entry = NULL;
//!     patch.title = rekall_text("CORS fails on Safari 17 only");
//!     patch.confidence = 5;
//!     patch.flags = REKALL_PATCH_CONFIDENCE;
//!     if ((status = rekall_update(db, id, &patch, &entry, &error))) goto end;
//!     puts(rekall_entry_title(entry, NULL));
//!     rekall_entry_free(entry);

use std::ffi::c_char;
use std::ptr::null;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::OutObject;
use crate::boundary::status::Status;
use crate::boundary::{options, text};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::entry::EntryObject;
use crate::entries::input::Patch;

/// Reads an entry by its id (26 characters, NUL-terminated). out receives it, to be freed with rekall_entry_free().
/// REKALL_NOT_FOUND when no entry has the id, REKALL_INVALID_INPUT when it is no id. Costs tens of microseconds and
/// waits for no writer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_get(
    db: *mut Handle,
    id: *const c_char,
    out: *mut *mut EntryObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| Ok(EntryObject::new(db.get(text::id(id, "id")?)?)))
    }
}

/// Changes an entry, in one transaction; only texts that changed are embedded again. out, which may be NULL, receives the
/// entry as it is now, to be freed with rekall_entry_free(). When no model is at hand, changed texts are found by words
/// only until rekall_embed_pending(). REKALL_NOT_FOUND; REKALL_INVALID_INPUT as for rekall_remember().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_update(
    db: *mut Handle,
    id: *const c_char,
    patch: *const Patch,
    out: *mut *mut EntryObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let id = text::id(id, "id")?;
            let patch = options::read_required(patch)?.to_patch(&running)?;
            running.go_on()?;
            Ok(EntryObject::new(db.update(id, &patch)?))
        })
    }
}

/// Changes an entry, in one transaction, and gives it this vector, of dimensions numbers and any length but zero, in the
/// place of all that it had: for hosts that make their own (vectors_name of rekall_open_options), and for any other whose
/// vectors are the model's. patch may be NULL: only the vector changes. out, which may be
/// NULL, receives the entry as it is now, to be freed with rekall_entry_free(). REKALL_NOT_FOUND; REKALL_INVALID_INPUT as
/// for rekall_remember(); REKALL_INVALID_VECTOR; REKALL_MODEL_MISMATCH when the file's vectors are another model's;
/// REKALL_MODEL_UNAVAILABLE when the handle was opened with neither a model nor vectors_name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_update_with_vector(
    db: *mut Handle,
    id: *const c_char,
    patch: *const Patch,
    vector: *const f32,
    dimensions: usize,
    out: *mut *mut EntryObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let id = text::id(id, "id")?;
            let patch = options::read_or_default(patch)?.to_patch(&running)?;
            let vector = text::values(vector, dimensions, "vector")?;
            running.go_on()?;
            Ok(EntryObject::new(db.update_with_vector(id, &patch, vector)?))
        })
    }
}
