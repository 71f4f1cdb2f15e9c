//! One entry in the place of another
//!
//! What no longer holds stays readable, and names what holds instead.
//!
//!     rekall_entry *past = NULL;
//!     if ((status = rekall_supersede_entry(db, older, id, &past, &error))) goto end;
//!     printf("replaced by %s\n", rekall_entry_superseded_by(past));
//!     rekall_entry_free(past);

use std::ffi::c_char;

use crate::boundary::error::ErrorObject;
use crate::boundary::out::OutObject;
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::entries::entry::EntryObject;

/// Puts an entry in the place of an older one, in one transaction: the older one becomes obsolete, so that searches leave it
/// out unless asked, and names the new one (rekall_entry_superseded_by()). out, which may be NULL, receives the older one as
/// it is now, to be freed with rekall_entry_free(). Its valid time ends where that of the new one begins, or now, so that a
/// filter with as_of_ms finds it for an earlier moment. Not to be confused with the member supersede of rekall_recall_options,
/// which is about searches.
///
/// REKALL_NOT_FOUND for either id; REKALL_INVALID_INPUT for an entry in its own place, and for a new_id that the older one
/// replaces, directly or by way of others.
///
///     status = rekall_supersede_entry(db, old.text, correction.text, NULL, &error);
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_supersede_entry(
    db: *mut Handle,
    old_id: *const c_char,
    new_id: *const c_char,
    out: *mut *mut EntryObject,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::optional(out), |db| {
            let (old, new) = (text::id(old_id, "old_id")?, text::id(new_id, "new_id")?);
            Ok(EntryObject::new(db.supersede_entry(old, new)?))
        })
    }
}
