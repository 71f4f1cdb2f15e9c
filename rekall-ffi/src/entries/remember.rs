//! Remembering
//!
//! An entry is stored with the vectors that the model makes of its texts, in one transaction.
//!
//!     rekall_new_entry entry = REKALL_NEW_ENTRY_INIT;
//!     rekall_id made;
//!     entry.title = rekall_text("the build needs CMake 3.20");
//!     if ((status = rekall_remember(db, &entry, NULL, &made, &error))) goto end;
//!     printf("remembered as %s\n", made.text);

use std::ffi::c_void;

use rekall::{EntryId, Remember};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::limits::keep_alive;
use crate::boundary::options::{self, sized};
use crate::boundary::out::OutList;
use crate::boundary::status::Status;
use crate::boundary::text::{Id, values};
use crate::boundary::thread_state::in_callback;
use crate::calls::call::{Call, on};
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::token::Token;
use crate::calls::watch::ProgressFn;
use crate::entries::input::{EntryInput, entries};

/// How entries are remembered. Start from REKALL_REMEMBER_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RememberOptions {
    /// sizeof(rekall_remember_options).
    pub struct_size: usize,
    /// Vectors made by the host, instead of having them made: one row an entry, row after row, of any length but zero.
    /// NULL: the model makes them.
    pub vectors: *const f32,
    /// How many numbers in all: entries * dimensions.
    pub vectors_len: usize,
    /// How long the model stays loaded after this call, in milliseconds; 0: as the memory was opened, REKALL_NEVER,
    /// REKALL_ZERO.
    pub keep_alive_ms: u64,
    /// Hears how many entries are embedded; see rekall_watch.
    pub progress: ProgressFn,
    /// Handed to progress.
    pub user_data: *mut c_void,
    /// Stops the call; NULL: only rekall_interrupt() does.
    pub token: *mut Token,
}

sized!(RememberOptions, ..token => "rekall_remember_options");

/// As REKALL_REMEMBER_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember_options_init(options: *mut RememberOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// Remembers one entry. One transaction: entry, tags and vectors, all or nothing.
///
/// options may be NULL. out_id, which may be NULL, receives the entry's id. When no model is at hand the entry is stored
/// all the same: words find it, meaning does not until rekall_embed_pending(); REKALL_EVENT_NOT_EMBEDDED says so.
/// REKALL_INVALID_INPUT for a blank title, a NUL in a text, or too much of it, and for an id that is there already;
/// REKALL_INVALID_VECTOR.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember(
    db: *mut Handle,
    entry: *const EntryInput,
    options: *const RememberOptions,
    out_id: *mut Id,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutList::optional(out_id, 1, Id::NONE);
        on(db, error, out, |db| Ok(ids(remember(db, entry, 1, options, |call| call.run())?)))
    }
}

/// Remembers several entries together: all are stored, or none.
///
/// entries are count structs one after the other, all with the same struct_size. out_ids, which may be NULL, has room
/// for count ids, which come in the entries' order. See rekall_remember().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember_many(
    db: *mut Handle,
    entries: *const EntryInput,
    count: usize,
    options: *const RememberOptions,
    out_ids: *mut Id,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutList::optional(out_ids, count, Id::NONE);
        on(db, error, out, |db| Ok(ids(remember(db, entries, count, options, |call| call.run())?)))
    }
}

fn ids(made: Vec<EntryId>) -> Vec<Id> {
    made.into_iter().map(Id::from).collect()
}

/// Prepares the call and lets `run` do it.
///
/// # Safety
/// The pointers are valid as the two functions above say.
pub(crate) unsafe fn remember<T>(
    db: &Call<'_>,
    given: *const EntryInput,
    count: usize,
    options: *const RememberOptions,
    run: impl FnOnce(Remember<'_>) -> Result<T, rekall::Error>,
) -> Result<T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe {
        let options = options::read_or_default(options)?;
        let running = Stoppable::begin(Some(db), options.token)?;
        let entries = entries(&running, given, count)?;
        let token = running.token();
        let mut call = db.remember_many(&entries).cancel(token);
        if !options.vectors.is_null() || options.vectors_len > 0 {
            call = call.vectors(values(options.vectors, options.vectors_len, "vectors")?);
        }
        if let Some(keep_alive) = keep_alive(options.keep_alive_ms) {
            call = call.keep_alive(keep_alive);
        }
        if let Some(progress) = options.progress {
            let identity = db.identity();
            call = call.progress(move |now| {
                let (done, total) = (now.done as u64, now.total as u64);
                if in_callback(identity, || progress(options.user_data, done, total)) != 0 {
                    token.cancel();
                }
            });
        }
        Ok(run(call)?)
    }
}
