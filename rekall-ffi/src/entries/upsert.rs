//! Remembering an entry, or changing the one that has its key
//!
//! The key is a value in the entry's metadata, so that a program that meets a thing again finds its entry.
//!
//!     rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
//!     rekall_upserted done;
//!     note.title = rekall_text("What I did today");
//!     note.metadata = rekall_text("{\"path\": \"notes/today.md\"}");
//!     if ((status = rekall_upsert(db, "path", &note, &done, &error))) goto end;
//!     printf("%s %s\n", done.id.text, done.is_new ? "is new" : "was changed");

use std::ffi::c_char;
use std::ptr::null;

use crate::boundary::error::ErrorObject;
use crate::boundary::options;
use crate::boundary::out::Out;
use crate::boundary::status::Status;
use crate::boundary::text::{self, Id};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::input::EntryInput;

/// What rekall_upsert() did.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Upserted {
    /// The entry.
    pub id: Id,
    /// 1: it is new; 0: it was there, and says now what was given.
    pub is_new: i32,
}

impl Upserted {
    const NONE: Self = Self { id: Id::NONE, is_new: 0 };
}

/// Remembers an entry, or changes the one that has its key, in one transaction. The key is what the entry's metadata has
/// under field (NUL-terminated), a text or a number: the path of a file, say, or the number of a ticket. out may be NULL.
///
/// An entry that is there says afterwards what the one given says, and nothing else; it keeps its id, status, links and the
/// time when it was made (id and created_at_ms of rekall_new_entry count for a new one only). Only texts that changed are
/// embedded. Entries of any status are looked for. When several threads or processes do this with one key at once, one of
/// them remembers the entry and the others change it. Cost: besides that of the writing, a look at the metadata of every
/// entry. REKALL_INVALID_INPUT for an entry without such a key and for a key that several entries have; REKALL_CORRUPT when
/// the metadata of an entry cannot be read: it may have the key. Otherwise as rekall_remember() and rekall_update().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_upsert(
    db: *mut Handle,
    field: *const c_char,
    entry: *const EntryInput,
    out: *mut Upserted,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::optional(out, Upserted::NONE), |db| {
            let running = Stoppable::begin(Some(db), null())?;
            let field = text::required_name(field, "field")?;
            let entry = options::read_required(entry)?.to_entry(&running)?;
            running.go_on()?;
            let done = db.upsert(field, entry)?;
            Ok(Upserted { id: done.id.into(), is_new: done.is_new.into() })
        })
    }
}
