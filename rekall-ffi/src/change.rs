//! Reading, changing and forgetting entries

use std::ffi::c_char;

use crate::entries::Patch;
use crate::entry::EntryObject;
use crate::error::ErrorObject;
use crate::guard::on;
use crate::handle::Handle;
use crate::options;
use crate::place::Object;
use crate::status::Status;
use crate::text;

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
    unsafe { on(db, error, Object::required(out), |db| Ok(EntryObject::new(db.get(text::id(id, "id")?)?))) }
}

/// Changes an entry, in one transaction; only texts that changed are embedded anew. out, which may be NULL, receives the
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
        on(db, error, Object::optional(out), |db| {
            let id = text::id(id, "id")?;
            let patch = options::read_required(patch)?.to_patch()?;
            Ok(EntryObject::new(db.update(id, &patch)?))
        })
    }
}

/// Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared. REKALL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_forget(
    db: *mut Handle,
    id: *const c_char,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { on(db, error, (), |db| Ok(db.forget(text::id(id, "id")?)?)) }
}
