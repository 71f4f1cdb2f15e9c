//! What a search gives back.

use std::ops::Deref;
use std::time::Duration;

use rekall_core::{Role, WordHit};
use rekall_index::Neighbor;
use serde::Serialize;

use crate::serialize::{milliseconds, role_name};
use crate::{Entry, EntryId};

/// One entry found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Hit {
    /// The entry.
    pub entry: Entry,
    /// What the hits are ordered by, greater is better: the similarity in a search by meaning, the BM25 score
    /// in one by words, the fused score in a hybrid one; of that what age leaves
    /// ([`Recall::recency`](crate::Recall::recency)), or what being like better hits leaves
    /// ([`Recall::diversity`](crate::Recall::diversity)), where asked for; of a hit that was re-ranked the reranker's score
    /// ([`Recall::rerank`](crate::Recall::rerank)), which says nothing about the hits behind that were not. Comparable only
    /// within one search.
    pub score: f64,
    /// Cosine of the query's and the best vector's angle, -1 to 1; `None` when the entry or the query has no
    /// vector.
    pub similarity: Option<f32>,
    /// The passage that the hit is about: of an entry with several, the one that meaning and words together score
    /// best. `None` only where no text of the entry matched.
    pub chunk: Option<HitChunk>,
    /// A piece of that passage around the words found, where asked for; of the whole entry, where the passage
    /// holds none of them. `None` also where words did not find the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// Rank and score by each retriever of the search.
    pub explain: Explain,
}

/// A passage of an entry, and where it stands in the entry's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HitChunk {
    /// Which text: `summary` or `context`.
    #[serde(serialize_with = "role_name")]
    pub role: Role,
    /// Number of the passage, from 0.
    pub number: u16,
    /// First character (not byte) in the role's text, see [`rekall_core::EntryText::role`].
    pub start: u32,
    /// One past its last character.
    pub end: u32,
}

/// Why an entry is where it is: rank and raw score by each retriever that found it, in a hybrid search how they
/// became one score, what age and likeness made of it, and what a reranker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explain {
    /// By meaning; the score is the similarity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantic: Option<RetrievalScore>,
    /// By words; the score is BM25, greater is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<RetrievalScore>,
    /// What the score of a hybrid search is made of; `None` in a search by meaning or by words alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fused: Option<FusedScore>,
    /// What age made of that score; `None` where it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recency: Option<RecencyFactor>,
    /// What being like better hits made of it then; `None` where that does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diversity: Option<DiversityScore>,
    /// What a reranker said of the hit, and where it was before; `None` where none judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<RerankScore>,
}

/// What a hybrid search's score is made of: the sum of three parts, each times its weight.
///
/// ```
/// # use rekall::{NewEntry, Rekall};
/// # fn main() -> Result<(), rekall::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
/// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
/// let found = rekall.recall("disk").vector(&[0.6, 0.8]).weights(0.5, 2.0).run()?;
/// let fused = found[0].explain.fused.unwrap();
/// assert_eq!((fused.semantic_weight, fused.semantic), (0.5, 1.0));
/// assert_eq!((fused.text_weight, fused.text), (2.0, 1.0));
/// assert_eq!(fused.total(), found[0].score);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FusedScore {
    /// How much meaning counts: as asked for, or by the kind of the file's model.
    pub semantic_weight: f64,
    /// The part of meaning. Fused by score: 0 for the least similar entry that the search considered, and for
    /// one without a similarity, 1 for the most similar one. Fused by rank: 1 / (60 + rank).
    pub semantic: f64,
    /// How much words count.
    pub text_weight: f64,
    /// The part of words. Fused by score: BM25 relative to the best of the search, 0 to 1. Fused by rank:
    /// 1 / (60 + rank).
    pub text: f64,
    /// How much exactness counts: as much as the two others can together, so that what is written in the query
    /// comes first where it stands in an entry.
    pub exact_weight: f64,
    /// How much of the query, 0 to 1 by the weight of its words, stands in the entry exactly as the query writes
    /// it joined (`src/main.rs`, `7.1.3`) or quotes it.
    pub exact: f64,
}

impl FusedScore {
    /// The sum: the hit's [`score`](Hit::score), before age and likeness count.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.semantic_weight * self.semantic + self.text_weight * self.text + self.exact_weight * self.exact
    }
}

/// What age made of a score: a part of [`Explain`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecencyFactor {
    /// The time by which the entry is so old: milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// What the score was multiplied by, from the floor to 1.
    pub factor: f64,
    /// The score before.
    pub score: f64,
}

/// Why a hit was chosen after those before it: a part of [`Explain`]. Its [`total`](Self::total) is the hit's
/// score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DiversityScore {
    /// How much relevance counts beside difference, 0 to 1, as asked for.
    pub lambda: f64,
    /// The score before, on a scale from the worst (0) to the best candidate (1).
    pub relevance: f64,
    /// Similarity to the most similar hit before this one, 0 to 1; less than 0 counts as 0, as does an entry without a vector.
    pub redundancy: f64,
    /// The score before.
    pub score: f64,
}

impl DiversityScore {
    /// `lambda * relevance - (1 - lambda) * redundancy`.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.lambda * self.relevance - (1.0 - self.lambda) * self.redundancy
    }
}

/// What a reranker made of a hit: a part of [`Explain`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RerankScore {
    /// The reranker's score, which is the hit's [`score`](Hit::score); its range is the model's own.
    pub score: f64,
    /// Place of the hit by it, from 1.
    pub rank: usize,
    /// The hit's score before.
    pub score_before: f64,
    /// Its place before.
    pub rank_before: usize,
}

/// Rank and raw score of an entry by one retriever of a search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetrievalScore {
    /// Place among what the retriever found, from 1.
    pub rank: usize,
    /// The retriever's own score.
    pub score: f64,
    /// The passage that has this score: of several, the retriever's best.
    pub passage: PassageNumber,
}

/// Which passage of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PassageNumber {
    /// Which text: `summary` or `context`.
    #[serde(serialize_with = "role_name")]
    pub role: Role,
    /// Number of the passage in that text, from 0.
    pub number: u16,
}

impl RetrievalScore {
    pub(super) fn by_meaning(rank: usize, near: &Neighbor) -> Self {
        let passage = PassageNumber::new(near.key.role, near.key.chunk);
        Self { rank, score: near.similarity.into(), passage }
    }

    pub(super) fn by_words(rank: usize, hit: &WordHit) -> Self {
        Self { rank, score: hit.score, passage: PassageNumber::new(hit.key.role, hit.key.number) }
    }
}

impl PassageNumber {
    pub(super) fn new(role: u8, number: u16) -> Self {
        // No other role is ever stored.
        Self { role: Role::from_number(role).unwrap_or(Role::Summary), number }
    }
}

/// The hits of a search, best first; equal ones by id. Re-ranked ones come before all others, equal ones of them as they were.
///
/// ```
/// # use rekall::{Mode, NewEntry, Rekall};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
/// rekall.remember(NewEntry::new("Disk full on the build machine"))?;
/// let found = rekall.recall("disk").mode(Mode::Text).run()?;
/// // A slice of hits, and something to iterate over.
/// assert_eq!(found.len(), 1);
/// for hit in &found {
///     println!("{:.2} {}", hit.score, hit.entry.title);
/// }
/// for why in &found.degraded {
///     eprintln!("not complete: {why}");
/// }
/// // What an HTTP handler or a program of another language gets.
/// let json = serde_json::to_value(&found)?;
/// assert_eq!(json["hits"][0]["entry"]["title"], "Disk full on the build machine");
/// assert!(json["elapsed_ms"].is_number());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recalled {
    /// The hits.
    pub hits: Vec<Hit>,
    /// What kept the search from being complete; empty: nothing.
    pub degraded: Vec<Degraded>,
    /// How much of the query the model knows: the share, 0 to 1, of its letters and digits that stand in words,
    /// or parts of words, that the model has ([`Embedder::known_share`](crate::Embedder::known_share)).
    /// `None` when meaning was not searched, the query was a vector, or the model cannot tell. The less is
    /// known, the less the hits' similarities say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<f32>,
    /// The least similarity of a hit that was asked for, or that [`Rekall::similar_to`](crate::Rekall::similar_to)
    /// found to mean something; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// How long it took, loading of model and index included.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

/// Why a search is less than it could be. In JSON an object whose `kind` is the variant's name in snake case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Degraded {
    /// The query could not be embedded: only words were searched.
    #[error("searched by words only: {reason}")]
    WordsOnly {
        /// Why.
        reason: String,
    },
    /// A former built-in model made the file's vectors, and is searched with. Said once for each opening of a file.
    /// [`Rekall::reembed`](crate::Rekall::reembed) makes the vectors of the current one, which finds more.
    #[error(
        "searched with vectors of the former built-in model {model}: reembed makes those of the current one"
    )]
    FormerModel {
        /// Its name.
        model: String,
    },
    /// The query holds no word: only meaning was searched.
    #[error("searched by meaning only: the query holds no word")]
    MeaningOnly,
    /// The model knows less than half of the query ([`Recalled::known`] says how much): what meaning finds may
    /// have little to do with it.
    #[error("the model knows {percent} % of the query")]
    PartlyKnown {
        /// 0 to 49.
        percent: u8,
    },
    /// Some entries wait for their vectors: meaning does not find them yet.
    #[error("{count} entries wait for their vectors{}", because(reason.as_deref()))]
    Pending {
        /// How many.
        count: u64,
        /// What keeps them from getting any, where it is known: the model could not be loaded, or is another one.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// No index is persisted that fits the memory budget, or the one asked for: the rows were read one by
    /// one. Slow, and complete all the same; not said of a mebibyte of vectors or less, of which no index is
    /// made unless one was asked for. [`Rekall::rebuild_index`](crate::Rekall::rebuild_index) persists one.
    #[error("no index is persisted: all {rows} vectors were read from the file")]
    NotIndexed {
        /// Vectors read.
        rows: usize,
    },
    /// The backend asked for is approximate ([`VectorBackend::PgvectorHnsw`](crate::VectorBackend::PgvectorHnsw)): entries that are nearer than some
    /// hits may be missing. There are as many hits as an exact search has, and their similarities are exact.
    #[error("searched by an approximate index: nearer entries may be missing")]
    Approximate,
    /// What searches read besides the entries has lost something, because of another program or a damaged
    /// disk: words or tags find less, or something else. `check` says more, `repair` restores it.
    #[error("the file is damaged: {reason}")]
    Damaged {
        /// What was noticed.
        reason: String,
    },
    /// Some entries found cannot be read; others took their places. `check` says what is wrong, `repair`
    /// keeps what can be read.
    #[error("entries that cannot be read: {}", named(ids))]
    Unreadable {
        /// Which, by id.
        ids: Vec<EntryId>,
    },
    /// The reranker could not be had, or failed: the hits are those of the search without it, in its order. Whether it fails
    /// for good, [`Rekall::load_reranker`](crate::Rekall::load_reranker) says by its error.
    #[error("not re-ranked: {reason}")]
    NotReranked {
        /// Why.
        reason: String,
    },
    /// Some vectors in the file cannot be used; `check` names them.
    #[error("vectors of {count} entries cannot be used")]
    UnusableVectors {
        /// Entries that have such vectors.
        count: usize,
    },
}

/// What is put behind a sentence to say why.
fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// The ids, as many as anybody reads.
fn named(ids: &[EntryId]) -> String {
    const NAMED: usize = 10;
    let mut text = ids.iter().take(NAMED).map(EntryId::to_string).collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED {
        text.push_str(&format!(" and {} more", ids.len() - NAMED));
    }
    text
}

impl Deref for Recalled {
    type Target = [Hit];

    fn deref(&self) -> &[Hit] {
        &self.hits
    }
}

impl IntoIterator for Recalled {
    type Item = Hit;
    type IntoIter = std::vec::IntoIter<Hit>;

    fn into_iter(self) -> Self::IntoIter {
        self.hits.into_iter()
    }
}

impl<'a> IntoIterator for &'a Recalled {
    type Item = &'a Hit;
    type IntoIter = std::slice::Iter<'a, Hit>;

    fn into_iter(self) -> Self::IntoIter {
        self.hits.iter()
    }
}
