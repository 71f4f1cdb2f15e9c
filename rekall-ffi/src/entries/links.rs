//! Links between entries
//!
//! A link leads from one entry to another and has a name, the relation.
//!
//!     rekall_neighbors *near = NULL;
//!     size_t i;
//!     if ((status = rekall_link(db, id, older, "solves", NULL, 0, &error))) goto end;
//!     if ((status = rekall_neighbors_of(db, id, 2, &near, &error))) goto end;
//!     for (i = 0; i < rekall_neighbors_count(near); i++)
//!         printf("%s, %d links away\n", rekall_neighbors_id(near, i), (int)rekall_neighbors_distance(near, i));
//!     rekall_neighbors_free(near);

use std::ffi::c_char;

use rekall::EntryId;
use rekall::storage::Link;

use crate::boundary::error::ErrorObject;
use crate::boundary::lazy_string::LazyString;
use crate::boundary::out::{Out, OutObject};
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::{self, Str, lend};
use crate::calls::call::on;
use crate::calls::handle::Handle;

/// The links of an entry. Never changes; may be read from any thread, also after rekall_close().
pub struct Links(Vec<LinkObject>);

struct LinkObject {
    link: Link,
    texts: [LazyString; 4],
}

/// The entries near an entry. Never changes; may be read from any thread, also after rekall_close().
pub struct Neighbors(Vec<(EntryId, usize, LazyString)>);

registered!(Links, Neighbors);

/// Links two entries, in one direction. relation is any word, NUL-terminated; usual are "related", "supersedes",
/// "derived_from" and "contradicts". reason is text of reason_len bytes (or REKALL_NTS) that says why; NULL and 0: none.
/// A link of the same relation that is already there gets the new reason. REKALL_NOT_FOUND; REKALL_INVALID_INPUT for an
/// entry linked to itself, a blank relation, a relation over 256 bytes, a reason over 65536.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_link(
    db: *mut Handle,
    source: *const c_char,
    target: *const c_char,
    relation: *const c_char,
    reason: *const c_char,
    reason_len: usize,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, (), |db| {
            let (source, target) = (text::id(source, "source")?, text::id(target, "target")?);
            let relation = text::required_name(relation, "relation")?;
            let reason = Str { data: reason, len: reason_len }.optional("reason")?;
            Ok(db.link(source, target, relation, reason)?)
        })
    }
}

/// Removes a link. out_removed, which may be NULL, receives 1 if there was one, else 0. REKALL_NOT_FOUND when one of the
/// entries is not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_unlink(
    db: *mut Handle,
    source: *const c_char,
    target: *const c_char,
    relation: *const c_char,
    out_removed: *mut i32,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::optional(out_removed, 0), |db| {
            let (source, target) = (text::id(source, "source")?, text::id(target, "target")?);
            let relation = text::required_name(relation, "relation")?;
            Ok(i32::from(db.unlink(source, target, relation)?))
        })
    }
}

/// Reads the links that start or end at an entry, oldest first. out receives them, to be freed with rekall_links_free().
/// REKALL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_of(
    db: *mut Handle,
    id: *const c_char,
    out: *mut *mut Links,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let links = db.links(text::id(id, "id")?)?.into_iter();
            Ok(Links(links.map(|link| LinkObject { link, texts: Default::default() }).collect()))
        })
    }
}

/// How many links there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_count(links: *const Links) -> usize {
    // SAFETY: NULL or links that were not freed.
    unsafe { read_object(links, 0, |links| Some(links.0.len())) }
}

/// # Safety
/// `links` is NULL or not freed; `len` is NULL or may be written to.
unsafe fn lend_link(
    links: *const Links,
    index: usize,
    len: *mut usize,
    text: impl FnOnce(&LinkObject) -> Option<&[u8]>,
) -> *const c_char {
    // SAFETY: as promised by the caller.
    unsafe { lend(links, len, |links| text(links.0.get(index)?)) }
}

/// Id of the entry where link number index (from 0) starts, NUL-terminated. It belongs to links. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_source(links: *const Links, index: usize) -> *const c_char {
    // SAFETY: NULL or links that were not freed.
    unsafe {
        lend_link(links, index, std::ptr::null_mut(), |at| {
            Some(at.texts[0].get(|| at.link.source.to_string()))
        })
    }
}

/// Id of the entry where link number index ends. See rekall_links_source().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_target(links: *const Links, index: usize) -> *const c_char {
    // SAFETY: NULL or links that were not freed.
    unsafe {
        lend_link(links, index, std::ptr::null_mut(), |at| {
            Some(at.texts[1].get(|| at.link.target.to_string()))
        })
    }
}

/// The relation of link number index: NUL-terminated UTF-8 that belongs to links; out_len, which may be NULL, receives
/// its length. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_relation(
    links: *const Links,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend_link(links, index, out_len, |at| Some(at.texts[2].of(at.link.relation.as_str()))) }
}

/// The reason of link number index; NULL when none was given and past the last. See rekall_links_relation().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_reason(
    links: *const Links,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend_link(links, index, out_len, |at| Some(at.texts[3].of(at.link.reason.as_deref()?))) }
}

/// When link number index was made: milliseconds since 1970 (UTC). 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_created_at_ms(links: *const Links, index: usize) -> i64 {
    // SAFETY: NULL or links that were not freed.
    unsafe { read_object(links, 0, |links| Some(links.0.get(index)?.link.created_at)) }
}

/// Frees links. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_links_free(links: *mut Links) {
    free(links);
}

/// Reads which entries are within depth links of an entry, nearest first. out receives them, to be freed with
/// rekall_neighbors_free(). REKALL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_neighbors_of(
    db: *mut Handle,
    id: *const c_char,
    depth: usize,
    out: *mut *mut Neighbors,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let found = db.neighbors(text::id(id, "id")?, depth)?.into_iter();
            Ok(Neighbors(found.map(|(id, distance)| (id, distance, LazyString::default())).collect()))
        })
    }
}

/// How many neighbors there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_neighbors_count(neighbors: *const Neighbors) -> usize {
    // SAFETY: NULL or neighbors that were not freed.
    unsafe { read_object(neighbors, 0, |found| Some(found.0.len())) }
}

/// Id of neighbor number index (from 0), NUL-terminated. It belongs to neighbors. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_neighbors_id(neighbors: *const Neighbors, index: usize) -> *const c_char {
    // SAFETY: NULL or neighbors that were not freed; no length is wanted.
    unsafe {
        lend(neighbors, std::ptr::null_mut(), |found| {
            let (id, _, text) = found.0.get(index)?;
            Some(text.get(|| id.to_string()))
        })
    }
}

/// How many links away neighbor number index is, 1 or more. 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_neighbors_distance(neighbors: *const Neighbors, index: usize) -> usize {
    // SAFETY: NULL or neighbors that were not freed.
    unsafe { read_object(neighbors, 0, |found| Some(found.0.get(index)?.1)) }
}

/// Frees neighbors. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_neighbors_free(neighbors: *mut Neighbors) {
    free(neighbors);
}
