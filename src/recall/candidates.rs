//! The entries that a search considers, with what each retriever says of them.

use std::collections::HashMap;

use rekall_core::{VectorKey, WordHit};
use rekall_index::{EntrySet, Neighbor, Roles, SearchOptions, VectorSearch};

use super::fusion::Evidence;
use super::hit::RetrievalScore;
use crate::Error;
use crate::vector_index::{Snapshot, stored_key};

/// Entries found by any retriever, by row number.
#[derive(Default)]
pub(super) struct Candidates(HashMap<i64, Candidate>);

/// An entry that some retriever found.
pub(super) struct Candidate {
    pub(super) row: i64,
    pub(super) nearest: Option<Neighbor>,
    pub(super) semantic: Option<RetrievalScore>,
    pub(super) text: Option<RetrievalScore>,
    /// What the text retriever says of its passages.
    pub(super) words: Option<WordHit>,
}

impl Candidate {
    pub(super) fn new(row: i64) -> Self {
        Self { row, nearest: None, semantic: None, text: None, words: None }
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence {
            semantic_rank: self.semantic.map(|semantic| semantic.rank),
            text_rank: self.text.map(|text| text.rank),
            similarity: self.similarity(),
            text_score: self.text.map(|text| text.score),
            exact: self.words.as_ref().map_or(0.0, |words| words.exact.into()),
        }
    }

    /// The passage that the search found: the nearest one or, where no vector was compared, the one with the best words.
    pub(super) fn passage(&self) -> Option<VectorKey> {
        let nearest = self.nearest.map(|near| near.key);
        let words = self.words.as_ref().map(|words| words.key);
        nearest.map(stored_key).or(words.map(|key| VectorKey {
            entry: key.row,
            role: key.role,
            chunk: key.number,
        }))
    }

    pub(super) fn similarity(&self) -> Option<f32> {
        self.nearest.map(|near| near.similarity)
    }
}

impl Candidates {
    pub(super) fn into_vec(self) -> Vec<Candidate> {
        self.0.into_values().collect()
    }

    fn at(&mut self, row: i64) -> &mut Candidate {
        self.0.entry(row).or_insert_with(|| Candidate::new(row))
    }

    /// Takes in what the semantic retriever found, best first.
    pub(super) fn add_neighbors(&mut self, neighbors: &[Neighbor]) {
        for (at, near) in neighbors.iter().enumerate() {
            let candidate = self.at(near.key.entry);
            candidate.nearest = Some(*near);
            candidate.semantic = Some(RetrievalScore::by_meaning(at + 1, near));
        }
    }

    /// Takes in what the text retriever found, best first.
    pub(super) fn add_text_hits(&mut self, hits: Vec<WordHit>) {
        for (at, hit) in hits.into_iter().enumerate() {
            let candidate = self.at(hit.key.row);
            candidate.text = Some(RetrievalScore::by_words(at + 1, &hit));
            candidate.words = Some(hit);
        }
    }

    /// Leaves out what words did not find.
    pub(super) fn keep_text_hits(&mut self) {
        self.0.retain(|_, candidate| candidate.text.is_some());
    }

    /// Gives those that only words found their similarity, too, so that every candidate is judged alike.
    pub(super) fn add_missing_similarities(
        &mut self,
        snapshot: &Snapshot<'_>,
        query: &[f32],
        roles: Roles,
    ) -> Result<(), Error> {
        let Some(search) = snapshot.search() else { return Ok(()) };
        let rest: EntrySet = self
            .0
            .values()
            .filter(|candidate| candidate.nearest.is_none())
            .map(|candidate| candidate.row)
            .collect();
        if rest.is_empty() {
            return Ok(());
        }
        let wanted = usize::try_from(rest.len()).unwrap_or(usize::MAX);
        let options = SearchOptions::new(wanted).with_entries(&rest).with_roles(roles);
        let found = search.search(query, &options)?;
        for near in found {
            self.at(near.key.entry).nearest = Some(near);
        }
        Ok(())
    }
}
