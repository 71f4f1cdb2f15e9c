//! The entries that a search considers, with what each retriever says of them.

use std::collections::HashMap;

use rekall_core::TextHit;
use rekall_index::{EntrySet, Neighbor, Roles, SearchOptions, VectorSearch};

use super::fusion::Evidence;
use super::hit::Leg;
use crate::Error;
use crate::vector_index::Snapshot;

/// Entries found by any retriever.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) by_row: HashMap<i64, Candidate>,
}

/// An entry that some retriever found.
pub(super) struct Candidate {
    pub(super) row: i64,
    pub(super) score: f64,
    pub(super) nearest: Option<Neighbor>,
    pub(super) semantic: Option<Leg>,
    pub(super) text: Option<Leg>,
}

impl Candidate {
    pub(super) fn evidence(&self) -> Evidence {
        Evidence {
            semantic_rank: self.semantic.map(|leg| leg.rank),
            text_rank: self.text.map(|leg| leg.rank),
            similarity: self.similarity(),
            text_score: self.text.map(|leg| leg.score),
        }
    }

    pub(super) fn similarity(&self) -> Option<f32> {
        self.nearest.map(|near| near.similarity)
    }
}

impl Candidates {
    fn at(&mut self, row: i64) -> &mut Candidate {
        let fresh = Candidate { row, score: 0.0, nearest: None, semantic: None, text: None };
        self.by_row.entry(row).or_insert(fresh)
    }

    pub(super) fn add_nearest(&mut self, neighbors: &[Neighbor]) {
        for (at, near) in neighbors.iter().enumerate() {
            let candidate = self.at(near.key.entry);
            candidate.nearest = Some(*near);
            candidate.semantic = Some(Leg { rank: at + 1, score: near.similarity.into() });
        }
    }

    pub(super) fn add_words(&mut self, hits: &[TextHit]) {
        for (at, hit) in hits.iter().enumerate() {
            self.at(hit.row).text = Some(Leg { rank: at + 1, score: hit.score });
        }
    }

    /// Hits by words get their similarity too, so that every candidate is judged alike.
    pub(super) fn compare_rest(
        &mut self,
        snapshot: &Snapshot<'_>,
        query: &[f32],
        roles: Roles,
    ) -> Result<(), Error> {
        let Some(search) = snapshot.search() else { return Ok(()) };
        let rest: EntrySet = self
            .by_row
            .values()
            .filter(|candidate| candidate.nearest.is_none())
            .map(|candidate| candidate.row)
            .collect();
        if rest.is_empty() {
            return Ok(());
        }
        let wanted = usize::try_from(rest.len()).unwrap_or(usize::MAX);
        let options = SearchOptions::new(wanted).with_entries(&rest).with_roles(roles);
        let mut found = Vec::new();
        search.search(query, &options, &mut found)?;
        for near in found {
            self.at(near.key.entry).nearest = Some(near);
        }
        Ok(())
    }
}
