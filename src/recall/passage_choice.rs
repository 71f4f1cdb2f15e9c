//! Which passage of an entry a hit is about.

use std::collections::HashMap;

use rekall_core::{EntryPassages, PassageKey, Role, VectorBatch};
use rekall_index::{Key, Roles, similarity};

use super::candidates::Candidate;
use super::fusion::{Evidence, Fusion, Scale};
use super::hit::HitChunk;
use super::options::Mode;
use super::rank::Ranked;
use super::read_hits::Spans;
use super::weights::Weights;
use crate::vector_index::Snapshot;
use crate::{Entry, Error};

/// How one search chooses.
pub(super) struct PassageChoice {
    /// Where the passages stand that the nearest vectors were made from.
    pub(super) spans: Spans,
    /// Texts that may be chosen from.
    pub(super) roles: Roles,
    pub(super) mode: Mode,
    pub(super) weights: Weights,
    pub(super) scale: Scale,
    /// How near each passage is, of the entries where that decides.
    pub(super) similarities: Similarities,
}

/// How near each passage of some entries is to the query.
#[derive(Default)]
pub(super) struct Similarities(HashMap<i64, Vec<(PassageKey, f32)>>);

/// By what the passages of an entry are compared of which meaning and words name different ones.
pub(super) struct Compared<'q> {
    pub(super) query: &'q [f32],
    /// Texts that may be chosen from.
    pub(super) roles: Roles,
}

impl Compared<'_> {
    /// Entries whose vectors are read at once: on a server each read is a round trip, and an entry may have many.
    pub(super) const AT_ONCE: usize = 32;

    /// The entries of which meaning and words name different passages.
    pub(super) fn disputed(&self, ranked: &[Ranked]) -> Vec<i64> {
        let is_disputed = |candidate: &Candidate| {
            let near = candidate.nearest.map(|near| passage_of(near.key));
            let words = scored_by_words(self.roles, candidate).next();
            near.zip(words).is_some_and(|(near, (words, ..))| near != words)
        };
        let disputed = ranked.iter().filter(|ranked| is_disputed(&ranked.candidate));
        disputed.map(|ranked| ranked.candidate.row).collect()
    }

    /// Compares all passages of these entries.
    pub(super) fn read(
        &self,
        snapshot: &Snapshot<'_>,
        rows: &[i64],
        similarities: &mut Similarities,
    ) -> Result<(), Error> {
        let Some(space) = &snapshot.view.space else { return Ok(()) };
        for rows in rows.chunks(Self::AT_ONCE) {
            self.add(&snapshot.tx.vectors_of(space, rows)?, similarities);
        }
        Ok(())
    }

    /// Compares passages that were read.
    pub(super) fn add(&self, batch: &VectorBatch, similarities: &mut Similarities) {
        for (key, vector) in batch.keys.iter().zip(batch.rows.chunks_exact(batch.dimensions.max(1))) {
            let passage = PassageKey { row: key.entry, role: key.role, number: key.chunk };
            let of_entry = similarities.0.entry(key.entry).or_default();
            of_entry.push((passage, similarity(self.query, vector)));
        }
    }
}

impl PassageChoice {
    /// The passage that the search scores best: the nearest in a search by meaning, that of the best words in one by
    /// words, the one of the best fused score in a hybrid one.
    pub(super) fn best(&self, candidate: &Candidate, entry: &Entry) -> Option<HitChunk> {
        let near = candidate.nearest.map(|near| near.key);
        match (near, self.by_words(candidate)) {
            (Some(near), words) if words.is_none_or(|words| words == passage_of(near)) => {
                self.spans.chunk(near)
            }
            (Some(near), Some(_)) if self.mode == Mode::Hybrid => match self.by_both(near, candidate) {
                best if best == passage_of(near) => self.spans.chunk(near),
                best => chunk_of(best, entry),
            },
            (_, words) => words.and_then(|words| chunk_of(words, entry)),
        }
    }

    /// The best passage by words, of those that may be chosen.
    fn by_words(&self, candidate: &Candidate) -> Option<PassageKey> {
        scored_by_words(self.roles, candidate).map(|(key, ..)| key).next()
    }

    /// The passage with the best fused score of those that either retriever names.
    fn by_both(&self, near: Key, candidate: &Candidate) -> PassageKey {
        let near = passage_of(near);
        let mut scored: Vec<(PassageKey, f64, f64)> = scored_by_words(self.roles, candidate).collect();
        if scored.iter().all(|(key, ..)| *key != near) {
            scored.push((near, 0.0, 0.0));
        }
        let similarities = self.similarities.0.get(&near.row).map_or(&[][..], Vec::as_slice);
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
        best.map_or(near, |(key, ..)| *key)
    }
}

/// The passages that hold words of the query, best first: score and exactness.
fn scored_by_words(
    roles: Roles,
    candidate: &Candidate,
) -> impl Iterator<Item = (PassageKey, f64, f64)> + use<'_> {
    let hit = candidate.words.iter();
    hit.flat_map(|hit| {
        let others = hit.also.iter().map(|&(key, score)| (key, score.into(), 0.0));
        std::iter::once((hit.key, hit.score, hit.exact.into())).chain(others)
    })
    .filter(move |(key, ..)| roles.contains(key.role))
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
