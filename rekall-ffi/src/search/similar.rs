//! Entries like a given one
//!
//! By the vectors that are stored: no model is needed.
//!
//!     rekall_similar_options how = REKALL_SIMILAR_OPTIONS_INIT;
//!     rekall_hits *hits = NULL;
//!     float rank;
//!     how.threshold = 0.9f; // for duplicates
//!     how.flags = REKALL_SIMILAR_THRESHOLD;
//!     status = rekall_similar(db, id, &how, &hits, &error);
//!     rekall_hits_free(hits);
//!     // What 0.9 is worth in this file: the share of pairs of its entries that are less similar.
//!     status = rekall_similarity_rank(db, 0.9f, &rank, &error);

use std::ffi::c_char;
use std::ptr::null;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::options::{self, flags, goes_with, sized};
use crate::boundary::out::{Out, OutObject};
use crate::boundary::status::Status;
use crate::boundary::text;
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::token::Token;
use crate::entries::filter::{self, Filter};
use crate::search::hits::Hits;

/// Flag of rekall_similar_options: threshold is given.
pub const REKALL_SIMILAR_THRESHOLD: u32 = 1;

/// How a search for like entries is done. Start from REKALL_SIMILAR_OPTIONS_INIT; what is 0 or NULL has its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SimilarOptions {
    /// sizeof(rekall_similar_options).
    pub struct_size: usize,
    /// REKALL_SIMILAR_ flags.
    pub flags: u32,
    /// The least similarity of a hit, -1 to 1, with REKALL_SIMILAR_THRESHOLD; without it, it must be 0, and the similarity
    /// is taken that hardly any pairs of the entries around the given one reach: rekall_hits_threshold() says which.
    pub threshold: f32,
    /// The most hits wanted, 1 to 100000; 0: 10.
    pub limit: usize,
    /// Which entries may be found; NULL: active ones.
    pub filter: *const Filter,
    /// Stops the search; NULL: only rekall_interrupt() does.
    pub token: *mut Token,
}

sized!(SimilarOptions, ..token => "rekall_similar_options");

/// As REKALL_SIMILAR_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_similar_options_init(options: *mut SimilarOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// Searches for entries whose summary is like that of a given entry, which itself is left out. Goes by stored vectors:
/// needs no model. options may be NULL; out receives the hits, to be freed with rekall_hits_free(). REKALL_NOT_FOUND for
/// an unknown id and for an entry without a vector; REKALL_INVALID_INPUT for a limit or a threshold out of its range;
/// REKALL_INTERRUPTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_similar(
    db: *mut Handle,
    id: *const c_char,
    options: *const SimilarOptions,
    out: *mut *mut Hits,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let options = options::read_or_default(options)?;
            let running = Stoppable::begin(Some(db), options.token)?;
            let id = text::id(id, "id")?;
            let set = flags(options.flags, REKALL_SIMILAR_THRESHOLD, "rekall_similar_options")?;
            let counts = set & REKALL_SIMILAR_THRESHOLD != 0;
            goes_with(options.threshold != 0.0, "threshold", counts, "REKALL_SIMILAR_THRESHOLD")?;
            let filter = filter::read(&running, options.filter)?;
            running.go_on()?;
            let mut search = db.similar_to(id).filter(filter).cancel(running.token());
            if options.limit > 0 {
                search = search.limit(options.limit);
            }
            if counts {
                search = search.threshold(options.threshold);
            }
            Ok(Hits::new(search.run()?))
        })
    }
}

/// What a similarity is worth in this file: out receives the share, 0 to 1, of pairs of its entries that are less similar,
/// so that similarities of different models can be compared; NaN when there are no two entries with vectors. The pairs are
/// those of a sample of at most 1024 entries, which is taken in some milliseconds after a change of the file. Entries are
/// compared with entries: with a model that embeds queries in another way, a query's similarities lie elsewhere.
/// REKALL_INVALID_INPUT for NaN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_similarity_rank(
    db: *mut Handle,
    similarity: f32,
    out: *mut f32,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, Out::required(out, f32::NAN), |db| {
            Stoppable::begin(Some(db), null())?.go_on()?;
            if similarity.is_nan() {
                return Err(Failure::invalid("similarity is NaN"));
            }
            Ok(db.similarity_rank(similarity)?.unwrap_or(f32::NAN))
        })
    }
}
