//! Which passage of an entry a hit is about.

use rekall_core::{EntryPassages, PassageKey, Role};
use rekall_index::{Key, Roles, similarity};

use super::candidates::Candidate;
use super::fusion::{Evidence, Fusion, Scale};
use super::hit::HitChunk;
use super::options::Mode;
use super::read_hits::Spans;
use super::weights::Weights;
use crate::vector_index::Snapshot;
use crate::{Entry, Error};

/// How one search chooses.
pub(super) struct PassageChoice<'a> {
    pub(super) snapshot: &'a Snapshot<'a>,
    /// Where the passages stand that the nearest vectors were made from.
    pub(super) spans: Spans,
    /// Texts that may be chosen from.
    pub(super) roles: Roles,
    pub(super) mode: Mode,
    pub(super) weights: Weights,
    pub(super) scale: Scale,
    /// The query's.
    pub(super) vector: Option<&'a [f32]>,
}

impl PassageChoice<'_> {
    /// The passage that the search scores best: the nearest in a search by meaning, that of the best words in one by
    /// words, the one of the best fused score in a hybrid one.
    pub(super) fn best(&self, candidate: &Candidate, entry: &Entry) -> Result<Option<HitChunk>, Error> {
        let near = candidate.nearest.map(|near| near.key);
        match (near, self.by_words(candidate)) {
            (Some(near), words) if words.is_none_or(|words| words == passage_of(near)) => {
                Ok(self.spans.chunk(near))
            }
            (Some(near), Some(_)) if self.mode == Mode::Hybrid => match self.by_both(near, candidate)? {
                best if best == passage_of(near) => Ok(self.spans.chunk(near)),
                best => Ok(chunk_of(best, entry)),
            },
            (_, words) => Ok(words.and_then(|words| chunk_of(words, entry))),
        }
    }

    /// The best passage by words, of those that may be chosen.
    fn by_words(&self, candidate: &Candidate) -> Option<PassageKey> {
        self.scored_by_words(candidate).map(|(key, ..)| key).next()
    }

    /// The passages that hold words of the query, best first: score and exactness.
    fn scored_by_words<'c>(
        &self,
        candidate: &'c Candidate,
    ) -> impl Iterator<Item = (PassageKey, f64, f64)> + use<'c> {
        let roles = self.roles;
        let hit = candidate.words.iter();
        hit.flat_map(|hit| {
            let others = hit.also.iter().map(|&(key, score)| (key, score.into(), 0.0));
            std::iter::once((hit.key, hit.score, hit.exact.into())).chain(others)
        })
        .filter(move |(key, ..)| roles.contains(key.role))
    }

    /// The passage with the best fused score of those that either retriever names.
    fn by_both(&self, near: Key, candidate: &Candidate) -> Result<PassageKey, Error> {
        let near = passage_of(near);
        let mut scored: Vec<(PassageKey, f64, f64)> = self.scored_by_words(candidate).collect();
        if scored.iter().all(|(key, ..)| *key != near) {
            scored.push((near, 0.0, 0.0));
        }
        let similarities = self.similarities(near.row)?;
        let score = |&(key, text, exact): &(PassageKey, f64, f64)| {
            let near = similarities.iter().find(|(other, _)| *other == key);
            let evidence = Evidence {
                similarity: near.map(|(_, similarity)| *similarity),
                text_score: Some(text),
                exact,
                ..Evidence::default()
            };
            Fusion::Weighted.score(self.weights, &self.scale, evidence).total()
        };
        let best = scored.iter().max_by(|a, b| score(a).total_cmp(&score(b)).then(b.0.cmp(&a.0)));
        Ok(best.map_or(near, |(key, ..)| *key))
    }

    /// How near each passage of an entry is.
    fn similarities(&self, row: i64) -> Result<Vec<(PassageKey, f32)>, Error> {
        let (Some(space), Some(query)) = (&self.snapshot.view.space, self.vector) else {
            return Ok(Vec::new());
        };
        let batch = self.snapshot.tx.vectors_of(space, &[row])?;
        let rows = batch.rows.chunks_exact(space.dimensions);
        let found = batch.keys.iter().zip(rows).map(|(key, vector)| {
            (PassageKey { row, role: key.role, number: key.chunk }, similarity(query, vector))
        });
        Ok(found.collect())
    }
}

/// The passage that a vector stands for.
fn passage_of(key: Key) -> PassageKey {
    PassageKey { row: key.entry, role: key.role, number: key.chunk }
}

/// Where a passage that has no vector, or an older one, stands in its entry.
fn chunk_of(key: PassageKey, entry: &Entry) -> Option<HitChunk> {
    let role = Role::from_number(key.role)?;
    let passages = EntryPassages::of(entry.into());
    let passage = passages.iter().find(|passage| passage.role == role && passage.number == key.number)?;
    let chars = passage.chars();
    let at = |chars: usize| u32::try_from(chars).unwrap_or(u32::MAX);
    Some(HitChunk { role, number: key.number, start: at(chars.start), end: at(chars.end) })
}
