//! Entries that say nearly the same
//!
//! Pairs of entries with similar vectors, and where their words differ. Nothing is dropped for it: of notes of one form most
//! such pairs say different things.
//!
//!     rekall_duplicates *pairs = NULL;
//!     rekall_difference at;
//!     size_t i, k;
//!     if ((status = rekall_near_duplicates(db, id, 0.98f, &pairs, &error))) goto end;
//!     for (i = 0; i < rekall_duplicates_count(pairs); i++) {
//!         printf("like %s (%.3f)\n", rekall_duplicates_second(pairs, i), rekall_duplicates_similarity(pairs, i));
//!         for (k = 0; rekall_duplicates_difference(pairs, i, k, &at); k++)
//!             printf("    characters %u to %u are %u to %u there\n", (unsigned)at.first_start, (unsigned)at.first_end,
//!                    (unsigned)at.second_start, (unsigned)at.second_end);
//!     }
//!     rekall_duplicates_free(pairs);

use std::ffi::c_char;
use std::ptr::null;

use rekall::{EntryId, NearDuplicate};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::lazy_string::LazyString;
use crate::boundary::options::{self, flags, goes_with, reserved, sized};
use crate::boundary::out::{Out, OutAnd, OutObject};
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::status::Status;
use crate::boundary::text::{self, Id, lend};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::watch::{Watch, watched};
use crate::entries::filter::{self, Filter};
use crate::entries::input::EntryInput;
use crate::entries::remember::{RememberOptions, remember};

/// Flag of rekall_duplicates_options: threshold is given.
pub const REKALL_DUPLICATES_THRESHOLD: u32 = 1;

/// Which pairs rekall_find_duplicates() looks for. Start from REKALL_DUPLICATES_OPTIONS_INIT; what is 0 or NULL has its
/// default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DuplicatesOptions {
    /// sizeof(rekall_duplicates_options).
    pub struct_size: usize,
    /// REKALL_DUPLICATES_ flags.
    pub flags: u32,
    /// The least similarity of a pair, -1 to 1, with REKALL_DUPLICATES_THRESHOLD; without it, it must be 0, which means 0.98.
    pub threshold: f32,
    /// The most pairs wanted, 1 to 100000; 0: 1000. The number of all is told, too.
    pub limit: usize,
    /// Which entries are compared with each other; NULL: active ones.
    pub filter: *const Filter,
    /// 0.
    pub reserved: u64,
}

sized!(DuplicatesOptions, ..reserved => "rekall_duplicates_options");

/// A place where the texts of two entries differ, in characters (not bytes) of the text of REKALL_ROLE_SUMMARY, which
/// rekall_chunk describes. One of the two pieces is empty where the other text has something more. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Difference {
    /// Its first character in the first entry.
    pub first_start: u32,
    /// One past its last character there.
    pub first_end: u32,
    /// Its first character in the second entry.
    pub second_start: u32,
    /// One past its last character there.
    pub second_end: u32,
}

/// Pairs of entries that say nearly the same, the most similar first. Never changes; may be read from any thread, also after
/// rekall_close(). What its functions return belongs to it and lives as long. All of them take NULL and any index.
pub struct Duplicates {
    pairs: Vec<Pair>,
    found: u64,
}

registered!(Duplicates);

impl Duplicates {
    /// Of one entry.
    fn of(id: EntryId, near: Vec<NearDuplicate>) -> Self {
        let found = near.len() as u64;
        let pairs = near.into_iter().map(|near| Pair::new(id, near.id, near.similarity, near.differences));
        Self { pairs: pairs.collect(), found }
    }
}

struct Pair {
    ids: [EntryId; 2],
    texts: [LazyString; 2],
    similarity: f32,
    differences: Vec<rekall::Difference>,
}

impl Pair {
    fn new(first: EntryId, second: EntryId, similarity: f32, differences: Vec<rekall::Difference>) -> Self {
        let texts = [LazyString::default(), LazyString::default()];
        Self { ids: [first, second], texts, similarity, differences }
    }
}

/// As REKALL_DUPLICATES_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_options_init(options: *mut DuplicatesOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// Finds the entries that say nearly the same as a given one, the most similar first, equal ones by id: active ones that have
/// not expired, whose similarity as a whole is at least threshold (-1 to 1; 0.98 is a good start).
/// rekall_remember_with_duplicates() tells it of a new one. Goes by stored vectors: needs no model. Entries of several
/// passages are nearly the same if each passage of either has its counterpart in the other.
///
/// out receives pairs whose first entry is the given one, to be freed with rekall_duplicates_free(). REKALL_NOT_FOUND for an
/// unknown id and for an entry without a vector; REKALL_INVALID_INPUT for a threshold out of its range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_near_duplicates(
    db: *mut Handle,
    id: *const c_char,
    threshold: f32,
    out: *mut *mut Duplicates,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let id = text::id(id, "id")?;
            Ok(Duplicates::of(id, db.near_duplicates(id, threshold)?))
        })
    }
}

/// Remembers one entry as rekall_remember() does, and then finds what says nearly the same, as rekall_near_duplicates() says.
/// The entry is stored whatever is like it. Costs a search.
///
/// options and out_id are those of rekall_remember(). out receives pairs whose first entry is the new one, none for an entry
/// without a vector, to be freed with rekall_duplicates_free(); NULL where the entry was stored and the search failed, of
/// which rekall_near_duplicates() says more. REKALL_INVALID_INPUT for a threshold out of its range: nothing is stored then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_remember_with_duplicates(
    db: *mut Handle,
    entry: *const EntryInput,
    options: *const RememberOptions,
    threshold: f32,
    out_id: *mut Id,
    out: *mut *mut Duplicates,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = OutAnd(Out::optional(out_id, Id::NONE), OutObject::required(out));
        on(db, error, out, |db| {
            let report = remember(db, entry, 1, options, |call| call.run_with_duplicates(threshold))?;
            let is_known = report.unchecked.is_none();
            let made = report.entries.into_iter().next();
            let made = made.ok_or_else(|| Failure::misuse("an entry is missing".to_owned()))?;
            let near = is_known.then(|| Duplicates::of(made.id, made.near_duplicates));
            Ok((Id::from(made.id), near))
        })
    }
}

/// Finds all pairs of entries that say nearly the same, as rekall_near_duplicates() says: every pair above the threshold, the
/// most similar first, equal ones by their ids. The first entry of each is the one with the lower id. Entries without a
/// vector, and those that cannot be read, are left out.
///
/// options and watch may be NULL; progress counts vectors. out receives the pairs, to be freed with rekall_duplicates_free().
/// Costs a search for each entry, many at a time: about a second for 10,000 entries, four times as much for twice as many.
/// REKALL_INVALID_INPUT for a limit or a threshold out of its range; REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_find_duplicates(
    db: *mut Handle,
    options: *const DuplicatesOptions,
    watch: *const Watch,
    out: *mut *mut Duplicates,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let options = options::read_or_default(options)?;
            let set = flags(options.flags, REKALL_DUPLICATES_THRESHOLD, "rekall_duplicates_options")?;
            let counts = set & REKALL_DUPLICATES_THRESHOLD != 0;
            goes_with(options.threshold != 0.0, "threshold", counts, "REKALL_DUPLICATES_THRESHOLD")?;
            reserved(u32::from(options.reserved != 0), "rekall_duplicates_options")?;
            let filter = {
                let running = Stoppable::begin(Some(db), null())?;
                filter::read(&running, options.filter)?
            };
            let mut search = db.duplicates().filter(filter);
            if counts {
                search = search.threshold(options.threshold);
            }
            if options.limit > 0 {
                search = search.limit(options.limit);
            }
            let report = watched(db, watch, search)?;
            let pairs = report.pairs.into_iter();
            let pairs =
                pairs.map(|pair| Pair::new(pair.first, pair.second, pair.similarity, pair.differences));
            Ok(Duplicates { pairs: pairs.collect(), found: report.found })
        })
    }
}

/// How many pairs there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_count(duplicates: *const Duplicates) -> usize {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { read_object(duplicates, 0, |found| Some(found.pairs.len())) }
}

/// How many pairs were found, those beyond the limit included; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_found(duplicates: *const Duplicates) -> u64 {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { read_object(duplicates, 0, |found| Some(found.found)) }
}

/// Id of the first entry of pair number index (from 0), NUL-terminated. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_first(
    duplicates: *const Duplicates,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { lend_id(duplicates, index, 0) }
}

/// Id of its second entry. See rekall_duplicates_first().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_second(
    duplicates: *const Duplicates,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { lend_id(duplicates, index, 1) }
}

/// # Safety
/// NULL or duplicates that were not freed.
unsafe fn lend_id(duplicates: *const Duplicates, index: usize, which: usize) -> *const c_char {
    // SAFETY: as promised by the caller; no length is wanted.
    unsafe {
        lend(duplicates, std::ptr::null_mut(), |found| {
            let pair = found.pairs.get(index)?;
            Some(pair.texts[which].get(|| pair.ids[which].to_string()))
        })
    }
}

/// The similarity of pair number index as a whole, -1 to 1. NaN past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_similarity(duplicates: *const Duplicates, index: usize) -> f32 {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { read_object(duplicates, f32::NAN, |found| Some(found.pairs.get(index)?.similarity)) }
}

/// How many differences the texts of pair number index have; 0 where only white space differs, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_difference_count(
    duplicates: *const Duplicates,
    index: usize,
) -> usize {
    // SAFETY: NULL or duplicates that were not freed.
    unsafe { read_object(duplicates, 0, |found| Some(found.pairs.get(index)?.differences.len())) }
}

/// Difference number which (from 0) of pair number index. Returns 1 and sets out, which may be NULL, when there is one; else
/// 0, and out is all 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_difference(
    duplicates: *const Duplicates,
    index: usize,
    which: usize,
    out: *mut Difference,
) -> i32 {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = Out::optional(out, Difference::default());
        read_object(duplicates, 0, |found| {
            let rekall::Difference { first, second } = *found.pairs.get(index)?.differences.get(which)?;
            out.set(Difference {
                first_start: first.start,
                first_end: first.end,
                second_start: second.start,
                second_end: second.end,
            });
            Some(1)
        })
    }
}

/// Frees duplicates. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_duplicates_free(duplicates: *mut Duplicates) {
    free(duplicates);
}
