//! Recalling
//!
//! A search by meaning, by words, or by both. Its answer is exact: the best of all entries that pass the filter.
//!
//!     rekall_recall_options how = REKALL_RECALL_OPTIONS_INIT;
//!     rekall_hits *hits = NULL;
//!     how.mode = REKALL_MODE_TEXT;
//!     how.limit = 5;
//!     how.flags = REKALL_RECALL_PREFIX | REKALL_RECALL_SNIPPETS;
//!     how.snippet_before = rekall_text("<b>");
//!     how.snippet_after = rekall_text("</b>");
//!     if ((status = rekall_recall(db, "saf", REKALL_NTS, &how, &hits, &error))) goto end;
//!     if (rekall_hits_count(hits) > 0)
//!         puts(rekall_hits_snippet(hits, 0, NULL));
//!     rekall_hits_free(hits);

use std::ffi::c_char;

use std::time::Duration;

use rekall::{EntryTime, Fusion, Mode, Recall, Recency, Role};

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::limits::keep_alive;
use crate::boundary::options::{self, flags, goes_with, sized};
use crate::boundary::out::OutObject;
use crate::boundary::status::Status;
use crate::boundary::text::{Str, utf8, values};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::calls::token::Token;
use crate::entries::filter::{self, Filter};
use crate::search::hits::{Hits, REKALL_ROLE_CONTEXT, REKALL_ROLE_SUMMARY};

/// Mode of a search: meaning and words, fused. Falls back on one of them when the other cannot be searched, and says so
/// (rekall_hits_degraded()).
pub const REKALL_MODE_HYBRID: u32 = 1;
/// Mode of a search: meaning alone.
pub const REKALL_MODE_SEMANTIC: u32 = 2;
/// Mode of a search: words alone.
pub const REKALL_MODE_TEXT: u32 = 3;

/// Flag of rekall_recall_options: threshold is given.
pub const REKALL_RECALL_THRESHOLD: u32 = 1;
/// Flag of rekall_recall_options: semantic_weight and text_weight are given.
pub const REKALL_RECALL_WEIGHTS: u32 = 2;
/// Flag of rekall_recall_options: the last word of the query may be the beginning of one, for searching while a user is
/// typing.
pub const REKALL_RECALL_PREFIX: u32 = 4;
/// Flag of rekall_recall_options: give each hit that words found a piece of its text around them (rekall_hits_snippet()).
/// Costs some 50 microseconds a hit.
pub const REKALL_RECALL_SNIPPETS: u32 = 8;
/// Flag of rekall_recall_options: leave out entries that lack something that the query puts in quotes, as words side by
/// side. Without it, quotes only put first what holds them. No effect with REKALL_MODE_SEMANTIC and on a query without
/// quotes.
pub const REKALL_RECALL_REQUIRE_QUOTES: u32 = 16;
/// Flag of rekall_recall_options: recency_floor is given.
pub const REKALL_RECALL_RECENCY_FLOOR: u32 = 32;
/// Flag of rekall_recall_options: diversity is given.
pub const REKALL_RECALL_DIVERSITY: u32 = 64;

const FLAGS: u32 = REKALL_RECALL_THRESHOLD
    | REKALL_RECALL_WEIGHTS
    | REKALL_RECALL_PREFIX
    | REKALL_RECALL_SNIPPETS
    | REKALL_RECALL_REQUIRE_QUOTES
    | REKALL_RECALL_RECENCY_FLOOR
    | REKALL_RECALL_DIVERSITY;

/// The time by which an entry is old: when it was last changed.
pub const REKALL_RECENCY_UPDATED: u32 = 1;
/// The time by which an entry is old: when it was made.
pub const REKALL_RECENCY_CREATED: u32 = 2;
/// The time by which an entry is old: when a use of it was last recorded (rekall_record_use()); when it was made, if none was.
pub const REKALL_RECENCY_LAST_USED: u32 = 3;

/// How a hybrid search fuses its two retrievals: by score, the weighted sum of the similarity, from the least (0) to the most
/// similar (1) that the search considered, and of the BM25 score relative to the search's best.
pub const REKALL_FUSION_WEIGHTED: u32 = 1;
/// How a hybrid search fuses its two retrievals: by rank alone, the sum of 1 / (60 + rank).
pub const REKALL_FUSION_RECIPROCAL_RANK: u32 = 2;

/// How a search is done. Start from REKALL_RECALL_OPTIONS_INIT; what is 0 or NULL has its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RecallOptions {
    /// sizeof(rekall_recall_options).
    pub struct_size: usize,
    /// REKALL_RECALL_ flags.
    pub flags: u32,
    /// A REKALL_MODE_ number; 0: REKALL_MODE_HYBRID, or REKALL_MODE_SEMANTIC for a vector without text.
    pub mode: u32,
    /// Compare the query with this text of the entries only, a REKALL_ROLE_ number; 0: with all, and the best counts.
    pub role: u32,
    /// The least similarity of a hit, -1 to 1, with REKALL_RECALL_THRESHOLD; leaves out hits that have none.
    pub threshold: f32,
    /// The most hits wanted, 1 to 100000; 0: 10. Fewer come back only when fewer entries match.
    pub limit: usize,
    /// Weight of meaning in a hybrid search, 0 to 1000000, with REKALL_RECALL_WEIGHTS; without it, it must be 0,
    /// which means what suits the file's model: 0.95 for a static one as the built-in is, 2 for all others, the host's own
    /// included; 1 fused by rank. rekall_hits_part_weight() tells what was used.
    pub semantic_weight: f64,
    /// Weight of words, likewise; 0 without REKALL_RECALL_WEIGHTS, which means 1.
    pub text_weight: f64,
    /// Which entries may be found; NULL: active ones.
    pub filter: *const Filter,
    /// The query's vector, made by the host with the file's model; the text then only serves to find words.
    pub vector: *const f32,
    /// How many numbers it has.
    pub vector_len: usize,
    /// How long the model stays loaded after this search, in milliseconds; 0: as the memory was opened, REKALL_NEVER,
    /// REKALL_ZERO.
    pub keep_alive_ms: u64,
    /// Stops the search; NULL: only rekall_interrupt() does.
    pub token: *mut Token,
    /// A REKALL_FUSION_ number; 0: REKALL_FUSION_WEIGHTED.
    pub fusion: u32,
    /// The time by which an entry is old, a REKALL_RECENCY_ number; 0: REKALL_RECENCY_UPDATED.
    pub recency_time: u32,
    /// Put before each word found in a snippet, with REKALL_RECALL_SNIPPETS; otherwise nothing is.
    pub snippet_before: Str,
    /// Put after each word found, likewise.
    pub snippet_after: Str,
    /// A key, any text: an older search of the same key on this handle that is still running is stopped, and returns
    /// REKALL_SUPERSEDED with a message that names the key. For a field where the user is typing, or any caller that wants
    /// the newest answer only. Not given: stops none.
    pub supersede: Str,
    /// Lets newer entries come before older ones that match as well: the score of each is multiplied by
    /// floor + (1 - floor) * 0.5^(age / half-life); this is the half-life, in milliseconds. 0: age does not count. By meaning
    /// alone and by words alone the hits are exact, too; a hybrid search applies it to those that it fuses.
    pub recency_half_life_ms: u64,
    /// What that factor comes near to with age, 0 to 1, with REKALL_RECALL_RECENCY_FLOOR; without it, it must be 0, which means
    /// 0.5.
    pub recency_floor: f64,
    /// Chooses hits that are not all alike (maximal marginal relevance, Carbonell and Goldstein 1998), with
    /// REKALL_RECALL_DIVERSITY: this is lambda, 0 to 1. Each hit is the candidate with the greatest
    /// lambda * relevance - (1 - lambda) * redundancy; 1 leaves the order as it is, 0.7 is a good start. The candidates are
    /// the best 100 entries, or twice the limit, which is at most 1000, if that is more. Without the flag it must be 0.
    pub diversity: f64,
    /// Lets the reranker of rekall_open_options judge the first so many hits, at most 1000: it reads the query and the passage that
    /// a hit is about (rekall_hits_chunk()), below the entry's title, together. They come by its score, equal ones as they were
    /// before; other hits follow in their old order. More hits than limit may be judged, the best of them are the hits then.
    /// It is the last step: filter, threshold, recency and diversity decide which hits are judged. 0: none.
    /// REKALL_INVALID_INPUT without a reranker, and for a vector without text. Where the reranker cannot be loaded, or fails, the
    /// answer is that of the search without it, and says so: REKALL_DEGRADED_NOT_RERANKED.
    pub rerank: usize,
}

sized!(RecallOptions, ..rerank => "rekall_recall_options");

/// As REKALL_RECALL_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall_options_init(options: *mut RecallOptions, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// Searches for entries that a text brings to mind. Any text but a blank one is a valid query, up to a mebibyte. By words the
/// first 256 different ones of it are searched, by meaning what the model reads of it.
///
/// query is UTF-8 of query_len bytes (or REKALL_NTS); options may be NULL. out receives the hits, to be freed with
/// rekall_hits_free(). They are exact: the best of all entries that pass the filter, as the file is at this moment,
/// no matter which process wrote it; best first, equal ones by id. REKALL_INVALID_INPUT for a blank or too long query, and for a limit, a
/// threshold or weights out of their range; REKALL_INTERRUPTED; REKALL_SUPERSEDED. With REKALL_MODE_SEMANTIC also what keeps the query from being embedded:
/// REKALL_MODEL_UNAVAILABLE, REKALL_MODEL_MISMATCH, REKALL_CALLBACK, and what rekall_model_load() fails with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall(
    db: *mut Handle,
    query: *const c_char,
    query_len: usize,
    options: *const RecallOptions,
    out: *mut *mut Hits,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let options = options::read_or_default(options)?;
            let running = Stoppable::begin(Some(db), options.token)?;
            let mut search = db.recall(utf8(query, query_len, "query")?);
            if !options.vector.is_null() || options.vector_len > 0 {
                search = search.vector(values(options.vector, options.vector_len, "vector")?);
            }
            run(search, &options, &running)
        })
    }
}

/// Searches for the entries nearest to a vector of the file's own space: dimensions numbers, of any length but zero.
/// Needs no model. REKALL_INVALID_VECTOR. Otherwise as rekall_recall().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall_vector(
    db: *mut Handle,
    vector: *const f32,
    dimensions: usize,
    options: *const RecallOptions,
    out: *mut *mut Hits,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObject::required(out), |db| {
            let options = options::read_or_default(options)?;
            let running = Stoppable::begin(Some(db), options.token)?;
            let vector = values(vector, dimensions, "vector")?;
            if !options.vector.is_null() || options.vector_len > 0 {
                return Err(Failure::misuse("options.vector goes with a query text"));
            }
            run(db.recall_vector(vector), &options, &running)
        })
    }
}

/// # Safety
/// The members are valid.
unsafe fn run<'a>(
    search: Recall<'a>,
    options: &'a RecallOptions,
    running: &Stoppable<'_>,
) -> Result<Hits, Failure> {
    // SAFETY: as promised by the caller.
    Ok(Hits::new(unsafe { prepare(search, options, running)? }.run()?))
}

/// Takes the options over into a search for one query or several.
///
/// # Safety
/// The members are valid.
pub(crate) unsafe fn prepare<'a, Q>(
    mut search: Recall<'a, Q>,
    options: &'a RecallOptions,
    running: &Stoppable<'_>,
) -> Result<Recall<'a, Q>, Failure> {
    let set = flags(options.flags, FLAGS, "rekall_recall_options")?;
    let has = |flag| set & flag != 0;
    for (is_set, member, flag, name) in [
        (options.threshold != 0.0, "threshold", REKALL_RECALL_THRESHOLD, "REKALL_RECALL_THRESHOLD"),
        (options.semantic_weight != 0.0, "semantic_weight", REKALL_RECALL_WEIGHTS, "REKALL_RECALL_WEIGHTS"),
        (options.text_weight != 0.0, "text_weight", REKALL_RECALL_WEIGHTS, "REKALL_RECALL_WEIGHTS"),
        (
            options.snippet_before.is_given(),
            "snippet_before",
            REKALL_RECALL_SNIPPETS,
            "REKALL_RECALL_SNIPPETS",
        ),
        (options.snippet_after.is_given(), "snippet_after", REKALL_RECALL_SNIPPETS, "REKALL_RECALL_SNIPPETS"),
        (
            options.recency_floor != 0.0,
            "recency_floor",
            REKALL_RECALL_RECENCY_FLOOR,
            "REKALL_RECALL_RECENCY_FLOOR",
        ),
        (options.diversity != 0.0, "diversity", REKALL_RECALL_DIVERSITY, "REKALL_RECALL_DIVERSITY"),
    ] {
        goes_with(is_set, member, has(flag), name)?;
    }
    search = match options.mode {
        0 => search,
        REKALL_MODE_HYBRID => search.mode(Mode::Hybrid),
        REKALL_MODE_SEMANTIC => search.mode(Mode::Semantic),
        REKALL_MODE_TEXT => search.mode(Mode::Text),
        other => return Err(Failure::number("mode", "REKALL_MODE_", other)),
    };
    search = match options.role {
        0 => search,
        REKALL_ROLE_SUMMARY => search.role(Role::Summary),
        REKALL_ROLE_CONTEXT => search.role(Role::Context),
        other => return Err(Failure::number("role", "REKALL_ROLE_", other)),
    };
    if options.limit > 0 {
        search = search.limit(options.limit);
    }
    if has(REKALL_RECALL_THRESHOLD) {
        search = search.threshold(options.threshold);
    }
    if has(REKALL_RECALL_WEIGHTS) {
        search = search.weights(options.semantic_weight, options.text_weight);
    }
    search = match options.fusion {
        0 => search,
        REKALL_FUSION_WEIGHTED => search.fusion(Fusion::Weighted),
        REKALL_FUSION_RECIPROCAL_RANK => search.fusion(Fusion::ReciprocalRank),
        other => return Err(Failure::number("fusion", "REKALL_FUSION_", other)),
    };
    if let Some(recency) = recency(options, has(REKALL_RECALL_RECENCY_FLOOR))? {
        search = search.recency(recency);
    }
    if has(REKALL_RECALL_DIVERSITY) {
        search = search.diversity(options.diversity);
    }
    search = search.rerank(options.rerank);
    if has(REKALL_RECALL_PREFIX) {
        search = search.prefix();
    }
    if has(REKALL_RECALL_REQUIRE_QUOTES) {
        search = search.require_quotes();
    }
    // SAFETY: as promised by the caller.
    let (before, after, key) = unsafe {
        let (before, after) = (options.snippet_before, options.snippet_after);
        let key = options.supersede.optional("supersede")?;
        (before.optional("snippet_before")?, after.optional("snippet_after")?, key)
    };
    if has(REKALL_RECALL_SNIPPETS) {
        search = search.snippets(before.unwrap_or_default(), after.unwrap_or_default());
    }
    if let Some(key) = key {
        search = search.supersede(key);
    }
    if let Some(keep_alive) = keep_alive(options.keep_alive_ms) {
        search = search.keep_alive(keep_alive);
    }
    // SAFETY: as promised by the caller.
    let filter = unsafe { filter::read(running, options.filter)? };
    running.go_on()?;
    Ok(search.filter(filter).cancel(running.token()))
}

/// How age counts; `None`: it does not.
fn recency(options: &RecallOptions, has_floor: bool) -> Result<Option<Recency>, Failure> {
    let time = match options.recency_time {
        0 | REKALL_RECENCY_UPDATED => EntryTime::Updated,
        REKALL_RECENCY_CREATED => EntryTime::Created,
        REKALL_RECENCY_LAST_USED => EntryTime::LastUsed,
        other => return Err(Failure::number("recency_time", "REKALL_RECENCY_", other)),
    };
    let counts = options.recency_half_life_ms > 0;
    goes_with(options.recency_time != 0, "recency_time", counts, "recency_half_life_ms")?;
    goes_with(has_floor, "REKALL_RECALL_RECENCY_FLOOR", counts, "recency_half_life_ms")?;
    let recency = Recency::new(Duration::from_millis(options.recency_half_life_ms)).by(time);
    Ok(counts.then(|| if has_floor { recency.floor(options.recency_floor) } else { recency }))
}
