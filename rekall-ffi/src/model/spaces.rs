//! Vector spaces, and the vectors in them
//!
//! A space has the vectors that one model made. Searches use the active one.
//!
//!     float vector[1024];
//!     size_t i, dimensions = 0;
//!     rekall_spaces *spaces = NULL;
//!     if ((status = rekall_list_spaces(db, &spaces, &error))) goto end;
//!     for (i = 0; i < rekall_spaces_count(spaces); i++)
//!         if (rekall_spaces_state(spaces, i) == REKALL_SPACE_ACTIVE)
//!             puts(rekall_spaces_fingerprint(spaces, i, NULL));
//!     rekall_spaces_free(spaces);
//!     status = rekall_stored_vector(db, id, REKALL_ROLE_SUMMARY, 0, vector, 1024, &dimensions, &error);
//!     if (status) goto end;
//!     printf("%d numbers, the first %.3f\n", (int)dimensions, vector[0]);

use std::ffi::c_char;

use rekall::{Role, Space, SpaceState};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::lazy_string::LazyString;
use crate::boundary::out::{OutBuffer, OutObject};
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::{self, lend};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::search::hits::{REKALL_ROLE_CONTEXT, REKALL_ROLE_SUMMARY};

/// State of a vector space: being filled beside the active one, by rekall_reembed().
pub const REKALL_SPACE_BUILDING: u32 = 1;
/// State of a vector space: the one that searches use.
pub const REKALL_SPACE_ACTIVE: u32 = 2;
/// State of a vector space: kept, but not searched.
pub const REKALL_SPACE_RETIRED: u32 = 3;
/// State of a vector space: replaced, and about to be dropped.
pub const REKALL_SPACE_LEAVING: u32 = 4;

/// Vector spaces of a file: sets of vectors that one model made each. Never changes; may be read from any thread, also after
/// rekall_close(). What its functions return belongs to it and lives as long. All of them take NULL and any index.
pub struct Spaces(Vec<(Space, LazyString)>);

registered!(Spaces);

/// Reads the file's vector spaces, oldest first; none before the first vector. out receives them, to be freed with
/// rekall_spaces_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_list_spaces(
    db: *mut Handle,
    out: *mut *mut Spaces,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let spaces = db.spaces()?.into_iter();
            Ok(Spaces(spaces.map(|space| (space, LazyString::default())).collect()))
        })
    }
}

/// How many spaces there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_spaces_count(spaces: *const Spaces) -> usize {
    // SAFETY: NULL or spaces that were not freed.
    unsafe { read_object(spaces, 0, |spaces| Some(spaces.0.len())) }
}

/// The full identity of the model that made the vectors of space number index, from 0: NUL-terminated UTF-8. out_len, which
/// may be NULL, receives its length. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_spaces_fingerprint(
    spaces: *const Spaces,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        lend(spaces, out_len, |spaces| {
            let (space, text) = spaces.0.get(index)?;
            Some(text.of(&space.fingerprint))
        })
    }
}

/// How many numbers each vector of space number index has; 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_spaces_dimensions(spaces: *const Spaces, index: usize) -> usize {
    // SAFETY: NULL or spaces that were not freed.
    unsafe { read_object(spaces, 0, |spaces| Some(spaces.0.get(index)?.0.dimensions)) }
}

/// What space number index is used for: a REKALL_SPACE_ number; 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_spaces_state(spaces: *const Spaces, index: usize) -> u32 {
    // SAFETY: NULL or spaces that were not freed.
    unsafe {
        read_object(spaces, 0, |spaces| {
            Some(match spaces.0.get(index)?.0.state {
                SpaceState::Building => REKALL_SPACE_BUILDING,
                SpaceState::Active => REKALL_SPACE_ACTIVE,
                SpaceState::Retired => REKALL_SPACE_RETIRED,
                SpaceState::Leaving => REKALL_SPACE_LEAVING,
            })
        })
    }
}

/// Frees spaces. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_spaces_free(spaces: *mut Spaces) {
    free(spaces);
}

/// Reads back a vector that an entry has in the space that searches use, of length 1: that of its title, content and tags
/// (role is REKALL_ROLE_SUMMARY, or 0) or of its context (REKALL_ROLE_CONTEXT), and of a longer text that of piece number
/// chunk, from 0 (see rekall_chunk).
///
/// out has room for capacity numbers; out_len, which may be NULL, receives how many the vector has, also with
/// REKALL_BUFFER_TOO_SMALL, when nothing is written to out. A call with out NULL and capacity 0 asks for that number.
/// REKALL_NOT_FOUND when no entry has the id, and when it has no such vector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_stored_vector(
    db: *mut Handle,
    id: *const c_char,
    role: u32,
    chunk: u32,
    out: *mut f32,
    capacity: usize,
    out_len: *mut usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutBuffer::new("out", out, capacity, out_len, None), |db| {
            let id = text::id(id, "id")?;
            let role = match role {
                0 | REKALL_ROLE_SUMMARY => Role::Summary,
                REKALL_ROLE_CONTEXT => Role::Context,
                other => return Err(Failure::number("role", "REKALL_ROLE_", other)),
            };
            // A piece with a higher number cannot be stored.
            let chunk = u16::try_from(chunk).map_err(|_| rekall::Error::NotEmbedded { id })?;
            Ok(db.stored_vector(id, role, chunk)?)
        })
    }
}
