//! Hits: what a search found
//!
//! Hits are read by their index, from 0, best first. What kept the search from being complete stands beside them.
//!
//!     rekall_hits *hits = NULL;
//!     rekall_passage found;
//!     size_t i;
//!     if ((status = rekall_recall(db, "browser blocks my call", REKALL_NTS, NULL, &hits, &error))) goto end;
//!     for (i = 0; i < rekall_hits_count(hits); i++) {
//!         printf("%.3f %s\n", rekall_hits_score(hits, i), rekall_entry_title(rekall_hits_entry(hits, i), NULL));
//!         if (rekall_hits_passage(hits, i, &found))
//!             printf("    %.*s\n", (int)(found.end - found.start), found.text + found.start);
//!     }
//!     for (i = 0; i < rekall_hits_degraded_count(hits); i++)
//!         printf("(%s)\n", rekall_hits_degraded(hits, i, NULL));
//!     rekall_hits_free(hits);

use std::ffi::c_char;
use std::sync::OnceLock;

use rekall::{Degraded, Explain, HitChunk, Recalled, RetrievalScore, Role};

use crate::boundary::out::Out;
use crate::boundary::panics::read_object;
use crate::boundary::registry::{free, registered};
use crate::boundary::text::{lend, owned};
use crate::entries::entry::EntryObject;

/// What a search found, best first. Never changes; may be read from any thread, also after rekall_close(). What its
/// functions return belongs to it and lives as long. All of them take NULL and any index.
pub struct Hits {
    hits: Vec<HitObject>,
    degraded: Vec<Why>,
    known: Option<f32>,
    threshold: Option<f32>,
    elapsed_us: u64,
}

registered!(Hits);

pub(crate) struct HitObject {
    pub(crate) entry: EntryObject,
    score: f64,
    similarity: Option<f32>,
    pub(crate) chunk: Option<HitChunk>,
    pub(crate) passage: OnceLock<LentPassage>,
    snippet: Option<Box<[u8]>>,
    explain: Explain,
}

/// A passage with its text for C.
pub(crate) struct LentPassage {
    pub(crate) passage: rekall::Passage,
    pub(crate) text: Box<[u8]>,
}

/// What kept a search from being complete.
struct Why {
    kind: u32,
    entries: u64,
    text: Box<[u8]>,
}

/// Which text of an entry: title, content and tags.
pub const REKALL_ROLE_SUMMARY: u32 = 1;
/// Which text of an entry: its context.
pub const REKALL_ROLE_CONTEXT: u32 = 2;

/// A retrieval of a search: by meaning.
pub const REKALL_RETRIEVAL_SEMANTIC: u32 = 1;
/// A retrieval of a search: by words.
pub const REKALL_RETRIEVAL_TEXT: u32 = 2;

/// A part of a hybrid search's score: meaning.
pub const REKALL_PART_SEMANTIC: u32 = 1;
/// A part of a hybrid search's score: words.
pub const REKALL_PART_TEXT: u32 = 2;
/// A part of a hybrid search's score: how much of the query stands in the entry exactly as the query writes it joined
/// (src/main.rs, 7.1.3) or quotes it.
pub const REKALL_PART_EXACT: u32 = 3;

/// What age made of a score: the factor that it was multiplied by, from the floor to 1.
pub const REKALL_ADJUSTMENT_RECENCY: u32 = 1;
/// What being like better hits made of a score: how relevant the hit is, from the worst candidate (0) to the best (1).
pub const REKALL_ADJUSTMENT_RELEVANCE: u32 = 2;
/// What being like better hits made of a score: the similarity to the most similar hit before, 0 to 1.
pub const REKALL_ADJUSTMENT_REDUNDANCY: u32 = 3;
/// What a reranker made of a hit: its score, which is rekall_hits_score() then; its range is the model's own.
pub const REKALL_ADJUSTMENT_RERANK: u32 = 4;
/// What a reranker made of a hit: the score before.
pub const REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK: u32 = 5;
/// What a reranker made of a hit: its place before, from 1.
pub const REKALL_ADJUSTMENT_RANK_BEFORE_RERANK: u32 = 6;

/// Why a search is less than it could be: the query could not be embedded, only words were searched.
pub const REKALL_DEGRADED_WORDS_ONLY: u32 = 1;
/// The query holds no word, only meaning was searched.
pub const REKALL_DEGRADED_MEANING_ONLY: u32 = 2;
/// Some entries wait for their vectors, meaning does not find them yet.
pub const REKALL_DEGRADED_PENDING: u32 = 3;
/// Some vectors in the file cannot be used.
pub const REKALL_DEGRADED_UNUSABLE_VECTORS: u32 = 4;
/// Something that this version of the header has no number for.
pub const REKALL_DEGRADED_OTHER: u32 = 5;
/// No index is persisted in the file that fits the memory budget, or the one asked for: every vector was read. Slow, and
/// complete all the same; not said of a mebibyte of vectors or less, unless the index was asked for.
/// rekall_rebuild_index() persists one.
pub const REKALL_DEGRADED_NOT_INDEXED: u32 = 6;
/// What searches read besides the entries has lost something, because of another program or a damaged disk: words or tags
/// find less. rekall_check() says more, rekall_repair() rebuilds it.
pub const REKALL_DEGRADED_DAMAGED: u32 = 7;

/// Some entries found cannot be read, others took their places. rekall_check() tells what is wrong.
pub const REKALL_DEGRADED_UNREADABLE: u32 = 8;
/// The model knows less than half of the query, rekall_hits_known() says how much: what meaning finds may have little to do
/// with it.
pub const REKALL_DEGRADED_PARTLY_KNOWN: u32 = 9;
/// A former built-in model made the file's vectors, and is searched with: said once for each rekall_open().
/// rekall_reembed() makes the vectors of the current one, which finds more.
pub const REKALL_DEGRADED_FORMER_MODEL: u32 = 10;
/// The reranker could not be had, or failed: the hits are those of the search without it, in its order. Whether it fails for
/// good, the status of rekall_reranker_load() says.
pub const REKALL_DEGRADED_NOT_RERANKED: u32 = 11;
/// The index asked for is approximate ("pgvector-hnsw"): entries that are nearer than some hits may be missing. There are as many
/// hits as an exact search has.
pub const REKALL_DEGRADED_APPROXIMATE: u32 = 12;

/// A piece of an entry's text. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Chunk {
    /// Which text: a REKALL_ROLE_ number.
    pub role: u32,
    /// Number of the piece, from 0.
    pub number: u32,
    /// Its first character (not byte) in that text. The text of REKALL_ROLE_SUMMARY is title, newline, content, newline,
    /// tags with spaces between, without parts that are empty.
    pub start: u32,
    /// One past its last character.
    pub end: u32,
}

impl Hits {
    pub(crate) fn new(found: Recalled) -> Self {
        let degraded = found.degraded.iter().map(Why::from).collect();
        let elapsed_us = u64::try_from(found.elapsed.as_micros()).unwrap_or(u64::MAX);
        let (known, threshold) = (found.known, found.threshold);
        let hits = found.hits.into_iter().map(|hit| HitObject {
            entry: EntryObject::new(hit.entry),
            score: hit.score,
            similarity: hit.similarity,
            chunk: hit.chunk,
            passage: OnceLock::new(),
            snippet: hit.snippet.as_deref().map(owned),
            explain: hit.explain,
        });
        Self { hits: hits.collect(), degraded, known, threshold, elapsed_us }
    }
}

impl From<&Degraded> for Why {
    fn from(why: &Degraded) -> Self {
        let (kind, entries) = match why {
            Degraded::WordsOnly { .. } => (REKALL_DEGRADED_WORDS_ONLY, 0),
            Degraded::MeaningOnly => (REKALL_DEGRADED_MEANING_ONLY, 0),
            Degraded::Pending { count, .. } => (REKALL_DEGRADED_PENDING, *count),
            Degraded::UnusableVectors { count } => (REKALL_DEGRADED_UNUSABLE_VECTORS, *count as u64),
            Degraded::Unreadable { ids } => (REKALL_DEGRADED_UNREADABLE, ids.len() as u64),
            Degraded::NotIndexed { rows } => (REKALL_DEGRADED_NOT_INDEXED, *rows as u64),
            Degraded::Damaged { .. } => (REKALL_DEGRADED_DAMAGED, 0),
            Degraded::PartlyKnown { .. } => (REKALL_DEGRADED_PARTLY_KNOWN, 0),
            Degraded::FormerModel { .. } => (REKALL_DEGRADED_FORMER_MODEL, 0),
            Degraded::Approximate => (REKALL_DEGRADED_APPROXIMATE, 0),
            Degraded::NotReranked { .. } => (REKALL_DEGRADED_NOT_RERANKED, 0),
            _ => (REKALL_DEGRADED_OTHER, 0),
        };
        Self { kind, entries, text: owned(&why.to_string()) }
    }
}

/// Reads something of a hit.
///
/// # Safety
/// NULL or hits that were not freed.
pub(crate) unsafe fn hit<T>(
    hits: *const Hits,
    index: usize,
    otherwise: T,
    read: impl FnOnce(&HitObject) -> Option<T>,
) -> T {
    // SAFETY: as promised by the caller.
    unsafe { read_object(hits, otherwise, |hits| read(hits.hits.get(index)?)) }
}

fn retrieval(explain: &Explain, which: u32) -> Option<RetrievalScore> {
    match which {
        REKALL_RETRIEVAL_SEMANTIC => explain.semantic,
        REKALL_RETRIEVAL_TEXT => explain.text,
        _ => None,
    }
}

/// How many hits there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_count(hits: *const Hits) -> usize {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, 0, |hits| Some(hits.hits.len())) }
}

/// The entry of hit number index, from 0. It belongs to hits: do not free it. NULL past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_entry(hits: *const Hits, index: usize) -> *const EntryObject {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, std::ptr::null(), |hit| Some(std::ptr::from_ref(&hit.entry))) }
}

/// What the hits are ordered by, greater is better: the similarity in a search by meaning, the BM25 score in one by
/// words, the fused score in a hybrid one; of that what age and diversity leave, where rekall_recall_options asks for them; of a
/// hit that a reranker judged its score, which says nothing about those behind that it did not. Comparable only within one search. NaN past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_score(hits: *const Hits, index: usize) -> f64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, f64::NAN, |hit| Some(hit.score)) }
}

/// Cosine of the angle between the query and the entry's nearest vector, -1 to 1, greater is better. NaN when the entry
/// or the query has no vector, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_similarity(hits: *const Hits, index: usize) -> f32 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, f32::NAN, |hit| hit.similarity) }
}

/// The passage that the hit is about: of an entry with several, the one that the search scores best. Returns 1 and sets out, which may be NULL, when there is one; else 0, and
/// out is all 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_chunk(hits: *const Hits, index: usize, out: *mut Chunk) -> i32 {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = Out::optional(out, Chunk::default());
        hit(hits, index, 0, |hit| {
            let chunk = hit.chunk?;
            out.set(Chunk {
                role: role_number(chunk.role),
                number: chunk.number.into(),
                start: chunk.start,
                end: chunk.end,
            });
            Some(1)
        })
    }
}

/// A piece of the hit's passage (rekall_hits_chunk()) around the words found, as REKALL_RECALL_SNIPPETS asked; of the whole
/// entry where that passage holds none of them. NUL-terminated UTF-8 that belongs to hits; NULL when words did not find
/// the hit or nobody asked, and past the last. out_len, which may be NULL, receives its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_snippet(
    hits: *const Hits,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(hits, out_len, |hits| hits.hits.get(index)?.snippet.as_deref()) }
}

/// Place of hit number index among those of one retrieval (a REKALL_RETRIEVAL_ number), from 1; 0 when that retrieval did
/// not find it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_retrieval_rank(hits: *const Hits, index: usize, which: u32) -> usize {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, 0, |hit| Some(retrieval(&hit.explain, which)?.rank)) }
}

/// Score of hit number index in one retrieval: the similarity for REKALL_RETRIEVAL_SEMANTIC, BM25 (greater is better)
/// for REKALL_RETRIEVAL_TEXT. NaN when that retrieval did not find it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_retrieval_score(hits: *const Hits, index: usize, which: u32) -> f64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, f64::NAN, |hit| Some(retrieval(&hit.explain, which)?.score)) }
}

/// Which passage of hit number index one retrieval (a REKALL_RETRIEVAL_ number) found best. Returns 1 and sets role (a
/// REKALL_ROLE_ number) and number (from 0, as in rekall_chunk), each of which may be NULL; 0, and both 0, when that
/// retrieval did not find the hit. rekall_hits_chunk() tells the passage that both together score best.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_retrieval_passage(
    hits: *const Hits,
    index: usize,
    which: u32,
    role: *mut u32,
    number: *mut u32,
) -> i32 {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let (role, number) = (Out::optional(role, 0), Out::optional(number, 0));
        hit(hits, index, 0, |hit| {
            let passage = retrieval(&hit.explain, which)?.passage;
            role.set(role_number(passage.role));
            number.set(passage.number.into());
            Some(1)
        })
    }
}

fn role_number(role: Role) -> u32 {
    match role {
        Role::Summary => REKALL_ROLE_SUMMARY,
        Role::Context => REKALL_ROLE_CONTEXT,
    }
}

fn part(explain: &Explain, part: u32) -> Option<(f64, f64)> {
    let fused = explain.fused?;
    match part {
        REKALL_PART_SEMANTIC => Some((fused.semantic, fused.semantic_weight)),
        REKALL_PART_TEXT => Some((fused.text, fused.text_weight)),
        REKALL_PART_EXACT => Some((fused.exact, fused.exact_weight)),
        _ => None,
    }
}

/// A part (a REKALL_PART_ number) of what the score of hit number index of a hybrid search is made of: the score is the
/// sum of the three parts, each times its weight. Fused by score, a part is 0 to 1: meaning from the least similar entry that
/// the search considered (and one without a vector) to the most similar one, words relative to the best, exactness by the
/// weight of the query's words. Fused by rank, meaning and words are 1 / (60 + rank). NaN in a search by meaning or by
/// words alone, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_part(hits: *const Hits, index: usize, which: u32) -> f64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, f64::NAN, |hit| Some(part(&hit.explain, which)?.0)) }
}

/// The weight of that part: as rekall_recall_options has it, or what follows the kind of the file's model (0.95 for
/// meaning by a static one as the built-in is, 2 by others; 1 for words). Exactness weighs as much as the two together. NaN
/// as for rekall_hits_part().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_part_weight(hits: *const Hits, index: usize, which: u32) -> f64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { hit(hits, index, f64::NAN, |hit| Some(part(&hit.explain, which)?.1)) }
}

/// What was made of the score of hit number index after retrieval and fusion: a REKALL_ADJUSTMENT_ number. Where age counts,
/// the score was multiplied by REKALL_ADJUSTMENT_RECENCY. Where diversity does, rekall_hits_score() is
/// lambda * REKALL_ADJUSTMENT_RELEVANCE - (1 - lambda) * REKALL_ADJUSTMENT_REDUNDANCY. A hit that a reranker judged has the three of
/// its numbers. NaN where the search did not ask for it, for a hit that was not judged, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_adjustment(hits: *const Hits, index: usize, which: u32) -> f64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe {
        hit(hits, index, f64::NAN, |hit| match which {
            REKALL_ADJUSTMENT_RECENCY => Some(hit.explain.recency?.factor),
            REKALL_ADJUSTMENT_RELEVANCE => Some(hit.explain.diversity?.relevance),
            REKALL_ADJUSTMENT_REDUNDANCY => Some(hit.explain.diversity?.redundancy),
            REKALL_ADJUSTMENT_RERANK => Some(hit.explain.rerank?.score),
            REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK => Some(hit.explain.rerank?.score_before),
            REKALL_ADJUSTMENT_RANK_BEFORE_RERANK => Some(hit.explain.rerank?.rank_before as f64),
            _ => None,
        })
    }
}

/// How many things kept the search from being complete; usually 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_degraded_count(hits: *const Hits) -> usize {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, 0, |hits| Some(hits.degraded.len())) }
}

/// What number index of them is: a REKALL_DEGRADED_ number; 0 past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_degraded_kind(hits: *const Hits, index: usize) -> u32 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, 0, |hits| Some(hits.degraded.get(index)?.kind)) }
}

/// How many entries number index of them concerns: those that wait, cannot be read, or whose vectors cannot be used; for
/// REKALL_DEGRADED_NOT_INDEXED, how many vectors were read. 0 for the other kinds, and past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_degraded_entries(hits: *const Hits, index: usize) -> u64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, 0, |hits| Some(hits.degraded.get(index)?.entries)) }
}

/// The same in words: NUL-terminated UTF-8 that belongs to hits; NULL past the last. out_len, which may be NULL,
/// receives its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_degraded(
    hits: *const Hits,
    index: usize,
    out_len: *mut usize,
) -> *const c_char {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe { lend(hits, out_len, |hits| Some(&hits.degraded.get(index)?.text)) }
}

/// How much of the query the model knows: the share, 0 to 1, of its letters and digits that stand in words, or parts of
/// words, that the model has. The less it is, the less the similarities say. NaN when meaning was not searched, the query
/// was a vector, or the model cannot tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_known(hits: *const Hits) -> f32 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, f32::NAN, |hits| hits.known) }
}

/// The least similarity of a hit that was asked for, or that rekall_similar() found to mean something in this file, for
/// this entry and with this model. NaN: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_threshold(hits: *const Hits) -> f32 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, f32::NAN, |hits| hits.threshold) }
}

/// How long the search took, loading of model and index included, in microseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_elapsed_us(hits: *const Hits) -> u64 {
    // SAFETY: NULL or hits that were not freed.
    unsafe { read_object(hits, 0, |hits| Some(hits.elapsed_us)) }
}

/// Frees hits and the entries that belong to them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_free(hits: *mut Hits) {
    free(hits);
}
