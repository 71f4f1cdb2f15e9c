//! Tags, projects, kinds, and how many entries have each
//!
//! How many entries have each tag, project, kind or memory type: for menus and overviews.
//!
//!     rekall_facets *tags = NULL;
//!     size_t i;
//!     if ((status = rekall_facets_of(db, REKALL_FACET_TAG, NULL, 20, &tags, &error))) goto end;
//!     for (i = 0; i < rekall_facets_count(tags); i++)
//!         printf("%s: %d\n", rekall_facets_name(tags, i, NULL), (int)rekall_facets_entries(tags, i));
//!     rekall_facets_free(tags);

use std::ffi::c_char;
use std::ptr::null;

use rekall::{Facet, FacetCount};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::lazy_string::LazyString;
use crate::boundary::out::OutObject;
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::lend;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::entries::filter::{self, Filter};

/// What is counted: tags. An entry counts for each of its own.
pub const REKALL_FACET_TAG: u32 = 1;
/// What is counted: projects. Entries without one are not counted.
pub const REKALL_FACET_PROJECT: u32 = 2;
/// What is counted: kinds.
pub const REKALL_FACET_KIND: u32 = 3;
/// What is counted: memory types.
pub const REKALL_FACET_MEMORY_TYPE: u32 = 4;

/// Names with numbers of entries. Never changes; may be read from any thread, also after rekall_close(). What its functions
/// return belongs to it and lives as long. All of them take NULL and any index.
pub struct Facets(Vec<(FacetCount, LazyString)>);

registered!(Facets);

/// Counts, among the entries that pass the filter (NULL: active ones), how many have each tag, project, kind or memory type
/// (facet is a REKALL_FACET_ number): the most frequent first, equally frequent ones by name, byte by byte; limit (1 to
/// 100,000) of them at the most. out receives them, to be freed with rekall_facets_free(). Cost: O(entries that
/// pass the filter), several times as much for tags as for the rest. REKALL_INVALID_INPUT for a limit out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_facets_of(
    db: *mut Handle,
    facet: u32,
    filter: *const Filter,
    limit: usize,
    out: *mut *mut Facets,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let facet = match facet {
                REKALL_FACET_TAG => Facet::Tag,
                REKALL_FACET_PROJECT => Facet::Project,
                REKALL_FACET_KIND => Facet::Kind,
                REKALL_FACET_MEMORY_TYPE => Facet::MemoryType,
                other => return Err(Failure::number("facet", "REKALL_FACET_", other)),
            };
            let running = Stoppable::begin(Some(db), null())?;
            let filter = filter::read(&running, filter)?;
            running.go_on()?;
            let counted = db.facets(facet, &filter, limit)?.into_iter();
            Ok(Facets(counted.map(|count| (count, LazyString::default())).collect()))
        })
    }
}

/// How many names there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_facets_count(facets: *const Facets) -> usize {
    // SAFETY: NULL or facets that were not freed.
    unsafe { read_object(facets, 0, |facets| Some(facets.0.len())) }
}

/// Name number index, from 0: NUL-terminated UTF-8. out_len, which may be NULL, receives its length. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_facets_name(
    facets: *const Facets,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        lend(facets, out_len, |facets| {
            let (count, text) = facets.0.get(index)?;
            Some(text.of(&count.name))
        })
    }
}

/// How many entries have name number index; 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_facets_entries(facets: *const Facets, index: usize) -> u64 {
    // SAFETY: NULL or facets that were not freed.
    unsafe { read_object(facets, 0, |facets| Some(facets.0.get(index)?.0.entries)) }
}

/// Frees facets. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_facets_free(facets: *mut Facets) {
    free(facets);
}
