//! The order of the candidates, from what the retrievers say of them alone: no entry is read for it.

use super::candidates::{Candidate, Candidates};
use super::fusion::{Fusion, Scale};
use super::hit::{DiversityScore, FusedScore, RecencyFactor};
use super::options::Mode;
use super::weights::Weights;

/// How candidates are scored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranking {
    pub(super) mode: Mode,
    pub(super) fusion: Fusion,
    pub(super) weights: Weights,
    /// The least similarity.
    pub(super) threshold: Option<f32>,
}

/// A candidate with the score that hits are ordered by.
pub(super) struct Ranked {
    pub(super) score: f64,
    /// What the score of a hybrid search is made of.
    pub(super) fused: Option<FusedScore>,
    /// What age made of it.
    pub(super) recency: Option<RecencyFactor>,
    /// What being like better hits made of it.
    pub(super) diversity: Option<DiversityScore>,
    pub(super) candidate: Candidate,
}

impl Ranked {
    pub(super) fn new(score: f64, candidate: Candidate) -> Self {
        Self { score, fused: None, recency: None, diversity: None, candidate }
    }
}

/// Puts what is ranked in order: by score descending, equal ones by row number.
pub(super) fn sort(ranked: &mut [Ranked]) {
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.candidate.row.cmp(&b.candidate.row)));
}

impl Ranking {
    /// The candidates by score descending, equal ones by row number; those below the threshold are left out.
    ///
    /// Also the scale that they were compared by.
    pub(super) fn rank(self, candidates: Candidates) -> (Vec<Ranked>, Scale) {
        let mut candidates = candidates.into_vec();
        // Of the whole search: a threshold must not change the scores of what it leaves.
        let scale = Scale::of(candidates.iter().map(Candidate::evidence));
        if let Some(threshold) = self.threshold {
            candidates.retain(|candidate| candidate.similarity().is_some_and(|found| found >= threshold));
        }
        let mut ranked: Vec<Ranked> =
            candidates.into_iter().map(|candidate| self.score(candidate, &scale)).collect();
        sort(&mut ranked);
        (ranked, scale)
    }

    fn score(self, candidate: Candidate, scale: &Scale) -> Ranked {
        let fused = match self.mode {
            Mode::Hybrid => Some(self.fusion.score(self.weights, scale, candidate.evidence())),
            Mode::Semantic | Mode::Text => None,
        };
        let score = match (fused, candidate.semantic, candidate.text) {
            (Some(fused), ..) => fused.total(),
            (None, Some(found), _) | (None, None, Some(found)) => found.score,
            (None, None, None) => 0.0,
        };
        Ranked { fused, ..Ranked::new(score, candidate) }
    }
}

#[cfg(test)]
mod tests {
    use rekall_core::{PassageKey, WordHit};
    use rekall_index::{Key, Neighbor};

    use super::*;

    fn word_hits() -> [WordHit; 4] {
        [(3, 8.0), (2, 6.0), (5, 2.0), (4, 2.0)].map(|(row, score)| {
            let key = PassageKey { row, role: 0, number: 0 };
            WordHit { key, score, exact: 0.0, also: Vec::new() }
        })
    }

    fn neighbors() -> [Neighbor; 3] {
        [(1, 0.75), (2, 0.5), (3, -0.25)]
            .map(|(row, similarity)| Neighbor { key: Key::new(row, 0, 0), similarity })
    }

    fn order(mode: Mode, threshold: Option<f32>, candidates: Candidates) -> Vec<(i64, f64)> {
        let ranking = Ranking { mode, fusion: Fusion::Weighted, weights: Weights::EQUAL, threshold };
        let (ranked, _) = ranking.rank(candidates);
        ranked.iter().map(|ranked| (ranked.candidate.row, ranked.score)).collect()
    }

    fn of_both() -> Candidates {
        let mut candidates = Candidates::default();
        candidates.add_neighbors(&neighbors());
        candidates.add_text_hits(word_hits().to_vec());
        candidates
    }

    #[test]
    fn a_hybrid_search_orders_what_either_retriever_found_by_the_fused_score() {
        // Similarities of 0.75, 0.5 and -0.25 are 1, 0.75 and 0 of their range.
        let fused = [(2, 1.5), (1, 1.0), (3, 1.0), (4, 0.25), (5, 0.25)];
        assert_eq!(order(Mode::Hybrid, None, of_both()), fused);
    }

    #[test]
    fn a_threshold_leaves_out_what_has_no_similarity_and_changes_no_score() {
        assert_eq!(order(Mode::Hybrid, Some(0.5), of_both()), [(2, 1.5), (1, 1.0)]);
    }

    #[test]
    fn a_search_by_words_alone_has_their_scores() {
        let mut candidates = Candidates::default();
        candidates.add_text_hits(word_hits().to_vec());
        assert_eq!(order(Mode::Text, None, candidates), [(3, 8.0), (2, 6.0), (4, 2.0), (5, 2.0)]);
    }
}
