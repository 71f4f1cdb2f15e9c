//! Fusing what two retrievers say of an entry into one score.

use serde::{Deserialize, Serialize};

/// How a hybrid search fuses what its two retrievers say. Either way a better rank by one of them never
/// lowers an entry's place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fusion {
    /// By score: the similarity, plus the BM25 score relative to the search's best. The default: it was at
    /// least as good as the better retriever on every judged set, with a weak and with a strong model
    /// (docs/decisions/0009).
    #[default]
    Weighted,
    /// By rank alone: the sum of 1 / (60 + rank). Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion
    /// outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
    ReciprocalRank,
}

/// Damping of reciprocal rank fusion, as its authors chose it.
const DAMPING: f64 = 60.0;

/// How much each retriever counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    pub(super) semantic: f64,
    pub(super) text: f64,
}

/// The largest weight: only what one retriever weighs beside the other counts, and sums must stay far from
/// infinity.
pub(super) const MAX_WEIGHT: f64 = 1e6;

impl Weights {
    pub(super) fn are_sound(self) -> bool {
        [self.semantic, self.text].into_iter().all(|weight| (0.0..=MAX_WEIGHT).contains(&weight))
    }
}

/// What the retrievers say of one entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// Rank by meaning, from 1.
    pub(super) semantic_rank: Option<usize>,
    /// Rank by words, from 1.
    pub(super) text_rank: Option<usize>,
    /// Similarity of the best vector, also when the search by meaning did not come as far as this entry.
    pub(super) similarity: Option<f32>,
    /// BM25 score.
    pub(super) text_score: Option<f64>,
}

impl Fusion {
    /// The fused score of an entry; `best_text` is the highest BM25 score of the search.
    pub(super) fn score(self, weights: Weights, evidence: Evidence, best_text: f64) -> f64 {
        match self {
            Self::Weighted => {
                let text =
                    evidence.text_score.filter(|_| best_text > 0.0).unwrap_or(0.0) / best_text.max(1e-9);
                weights.semantic * evidence.similarity.map_or(0.0, f64::from) + weights.text * text
            }
            Self::ReciprocalRank => {
                let part = |weight: f64, rank: Option<usize>| {
                    rank.map_or(0.0, |rank| weight / (DAMPING + rank as f64))
                };
                part(weights.semantic, evidence.semantic_rank) + part(weights.text, evidence.text_rank)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Entries with a similarity and perhaps a BM25 score.
    fn entries() -> impl Strategy<Value = Vec<(f32, Option<f64>)>> {
        let entry = (-1.0_f32..1.0, proptest::option::of(0.01_f64..30.0));
        proptest::collection::vec(entry, 1..30)
    }

    fn rank_by(
        entries: &[(f32, Option<f64>)],
        key: impl Fn(&(f32, Option<f64>)) -> Option<f64>,
    ) -> Vec<Option<usize>> {
        entries
            .iter()
            .map(|entry| {
                let own = key(entry)?;
                Some(1 + entries.iter().filter(|other| key(other).is_some_and(|score| score > own)).count())
            })
            .collect()
    }

    /// Place of entry 0 in the fused order, from 0.
    fn place(fusion: Fusion, weights: Weights, entries: &[(f32, Option<f64>)]) -> usize {
        let semantic = rank_by(entries, |entry| Some(entry.0.into()));
        let text = rank_by(entries, |entry| entry.1);
        let best = entries.iter().filter_map(|entry| entry.1).fold(0.0, f64::max);
        let scores: Vec<f64> = (0..entries.len())
            .map(|at| {
                let evidence = Evidence {
                    semantic_rank: semantic[at],
                    text_rank: text[at],
                    similarity: Some(entries[at].0),
                    text_score: entries[at].1,
                };
                fusion.score(weights, evidence, best)
            })
            .collect();
        scores[1..].iter().filter(|&&score| score > scores[0]).count()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_better_retriever_never_lowers_the_place(
            entries in entries(),
            better in (0.0_f32..0.5, 0.0_f64..10.0),
            weights in (0.0_f64..4.0, 0.0_f64..4.0),
        ) {
            let weights = Weights { semantic: weights.0, text: weights.1 };
            for fusion in [Fusion::Weighted, Fusion::ReciprocalRank] {
                let before = place(fusion, weights, &entries);
                let mut nearer = entries.clone();
                nearer[0].0 += better.0;
                prop_assert!(place(fusion, weights, &nearer) <= before, "{fusion:?} by similarity");
                let mut better_by_words = entries.clone();
                better_by_words[0].1 = Some(better_by_words[0].1.unwrap_or(0.0) + better.1 + 1e-3);
                prop_assert!(place(fusion, weights, &better_by_words) <= before, "{fusion:?} by words");
            }
        }
    }

    #[test]
    fn the_largest_weights_give_finite_scores() {
        let weights = Weights { semantic: MAX_WEIGHT, text: MAX_WEIGHT };
        assert!(weights.are_sound());
        let evidence = Evidence {
            semantic_rank: Some(1),
            text_rank: Some(1),
            similarity: Some(1.0),
            text_score: Some(f64::MAX),
        };
        for fusion in [Fusion::Weighted, Fusion::ReciprocalRank] {
            assert!(fusion.score(weights, evidence, f64::MAX).is_finite());
        }
        for bad in [1e308, 1_000_001.0, f64::INFINITY, f64::NAN, -1e-9] {
            assert!(!Weights { semantic: bad, text: 1.0 }.are_sound());
            assert!(!Weights { semantic: 1.0, text: bad }.are_sound());
        }
    }

    #[test]
    fn no_words_at_all_leave_the_similarity() {
        let evidence = Evidence { similarity: Some(0.5), ..Evidence::default() };
        let weights = Weights { semantic: 1.0, text: 1.0 };
        assert_eq!(Fusion::Weighted.score(weights, evidence, 0.0), 0.5);
    }
}
