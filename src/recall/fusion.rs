//! Fusing what two retrievers say of an entry into one score.

use serde::{Deserialize, Serialize};

use super::hit::FusedScore;
use super::weights::Weights;

/// How a hybrid search fuses what its two retrievers say. Either way a better score by one of them never
/// lowers an entry's place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fusion {
    /// By score: the weighted sum of the similarity, on a scale from the least similar candidate of the search
    /// (0) to the most similar one (1), and of the BM25 score relative to the search's best. The default: with
    /// the weights that follow the model it was at least as good as the better retriever on every judged set
    /// (docs/decisions/0018).
    #[default]
    Weighted,
    /// By rank alone: the weighted sum of 1 / (60 + rank). Cormack, Clarke and Büttcher, "Reciprocal Rank
    /// Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
    ReciprocalRank,
}

/// Damping of reciprocal rank fusion, as its authors chose it.
const DAMPING: f64 = 60.0;

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
    /// How much of the query, 0 to 1, stands here exactly as the query writes it joined or quotes it.
    pub(super) exact: f64,
}

/// The scores that all candidates of a search are compared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    least_similar: f64,
    most_similar: f64,
    best_text: f64,
}

impl Scale {
    /// Of all that a search considers.
    pub(super) fn of(candidates: impl IntoIterator<Item = Evidence>) -> Self {
        let mut scale =
            Self { least_similar: f64::INFINITY, most_similar: f64::NEG_INFINITY, best_text: 0.0 };
        for candidate in candidates {
            if let Some(similarity) = candidate.similarity.map(f64::from) {
                scale.least_similar = scale.least_similar.min(similarity);
                scale.most_similar = scale.most_similar.max(similarity);
            }
            scale.best_text = scale.best_text.max(candidate.text_score.unwrap_or(0.0));
        }
        scale
    }

    /// 0 for the least similar candidate, 1 for the most similar one.
    fn similarity(&self, similarity: Option<f32>) -> f64 {
        let Some(similarity) = similarity.map(f64::from) else { return 0.0 };
        let range = self.most_similar - self.least_similar;
        // Among equals it says nothing of one or the other.
        if range > 0.0 { (similarity - self.least_similar) / range } else { 1.0 }
    }

    /// 1 for the best by words.
    fn text(&self, score: Option<f64>) -> f64 {
        score.filter(|_| self.best_text > 0.0).map_or(0.0, |score| score / self.best_text)
    }
}

impl Fusion {
    /// The fused score of an entry, and what it is made of.
    pub(super) fn score(self, weights: Weights, scale: &Scale, evidence: Evidence) -> FusedScore {
        let (semantic, text) = match self {
            Self::Weighted => (scale.similarity(evidence.similarity), scale.text(evidence.text_score)),
            Self::ReciprocalRank => (by_rank(evidence.semantic_rank), by_rank(evidence.text_rank)),
        };
        FusedScore {
            semantic_weight: weights.semantic,
            semantic,
            text_weight: weights.text,
            text,
            exact_weight: self.exact_weight(weights),
            exact: evidence.exact,
        }
    }

    /// As much as the other parts can be together: what the query asks for as it is written comes first. Where
    /// words do not count, neither does their exactness.
    fn exact_weight(self, weights: Weights) -> f64 {
        let most = match self {
            Self::Weighted => 1.0,
            Self::ReciprocalRank => by_rank(Some(1)),
        };
        if weights.text > 0.0 { (weights.semantic + weights.text) * most } else { 0.0 }
    }
}

fn by_rank(rank: Option<usize>) -> f64 {
    rank.map_or(0.0, |rank| 1.0 / (DAMPING + rank as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::weights::MAX_WEIGHT;
    use super::*;

    const BOTH: [Fusion; 2] = [Fusion::Weighted, Fusion::ReciprocalRank];

    /// What is known of an entry: its similarity, perhaps a BM25 score, and its exactness.
    type Known = (f32, Option<f64>, f64);

    fn entries() -> impl Strategy<Value = Vec<Known>> {
        let entry = (-1.0_f32..1.0, proptest::option::of(0.01_f64..30.0), 0.0_f64..1.0);
        proptest::collection::vec(entry, 1..30)
    }

    fn rank_by(entries: &[Known], key: impl Fn(&Known) -> Option<f64>) -> Vec<Option<usize>> {
        entries
            .iter()
            .map(|entry| {
                let own = key(entry)?;
                Some(1 + entries.iter().filter(|other| key(other).is_some_and(|score| score > own)).count())
            })
            .collect()
    }

    fn scores(fusion: Fusion, weights: Weights, entries: &[Known]) -> Vec<f64> {
        let semantic = rank_by(entries, |entry| Some(entry.0.into()));
        let text = rank_by(entries, |entry| entry.1);
        let evidence = |at: usize| Evidence {
            semantic_rank: semantic[at],
            text_rank: text[at],
            similarity: Some(entries[at].0),
            text_score: entries[at].1,
            exact: entries[at].2,
        };
        let scale = Scale::of((0..entries.len()).map(evidence));
        (0..entries.len()).map(|at| fusion.score(weights, &scale, evidence(at)).total()).collect()
    }

    /// Place of entry 0 in the fused order, from 0. Differences in the last digits are none: the scale moves
    /// with what is best and rounds anew.
    fn place(fusion: Fusion, weights: Weights, entries: &[Known]) -> (usize, usize) {
        let scores = scores(fusion, weights, entries);
        let above = |margin: f64| scores[1..].iter().filter(|&&score| score > scores[0] + margin).count();
        (above(1e-9), above(-1e-9))
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
            better in (0.0_f32..0.5, 0.0_f64..10.0, 0.0_f64..1.0),
            weights in (0.0_f64..4.0, 0.0_f64..4.0),
        ) {
            let weights = Weights { semantic: weights.0, text: weights.1 };
            for fusion in BOTH {
                let (_, before) = place(fusion, weights, &entries);
                let mut nearer = entries.clone();
                nearer[0].0 += better.0;
                prop_assert!(place(fusion, weights, &nearer).0 <= before, "{fusion:?} by similarity");
                let mut better_by_words = entries.clone();
                better_by_words[0].1 = Some(better_by_words[0].1.unwrap_or(0.0) + better.1 + 1e-3);
                prop_assert!(place(fusion, weights, &better_by_words).0 <= before, "{fusion:?} by words");
                let mut more_exact = entries.clone();
                more_exact[0].2 += better.2;
                prop_assert!(place(fusion, weights, &more_exact).0 <= before, "{fusion:?} by exactness");
            }
        }

        #[test]
        fn what_holds_the_whole_query_as_it_is_written_comes_first(
            entries in entries(),
            weights in (0.0_f64..4.0, 0.01_f64..4.0),
        ) {
            let weights = Weights { semantic: weights.0, text: weights.1 };
            for fusion in BOTH {
                let mut entries: Vec<Known> = entries.iter().map(|entry| (entry.0, entry.1, 0.0)).collect();
                entries[0] = (-1.0, Some(0.01), 1.0);
                prop_assert_eq!(place(fusion, weights, &entries).0, 0);
            }
        }

        /// A model whose similarities are squeezed into a narrow range fuses like one that uses all of it.
        #[test]
        fn the_range_of_a_models_similarities_does_not_matter(entries in entries(), weight in 0.1_f64..4.0) {
            let weights = Weights { semantic: weight, text: 1.0 };
            let squeezed: Vec<Known> =
                entries.iter().map(|entry| (0.85 + entry.0 / 16.0, entry.1, entry.2)).collect();
            let pairs = scores(Fusion::Weighted, weights, &entries);
            for (wide, narrow) in pairs.into_iter().zip(scores(Fusion::Weighted, weights, &squeezed)) {
                // Bits are lost where the numbers are near to each other.
                prop_assert!((wide - narrow).abs() < 0.01, "{wide} and {narrow}");
            }
        }
    }

    #[test]
    fn the_largest_weights_give_finite_scores() {
        let weights = Weights { semantic: MAX_WEIGHT, text: MAX_WEIGHT };
        let evidence = Evidence {
            semantic_rank: Some(1),
            text_rank: Some(1),
            similarity: Some(1.0),
            text_score: Some(f64::MAX),
            exact: 1.0,
        };
        let scale = Scale::of([evidence, Evidence { similarity: Some(-1.0), ..evidence }]);
        for fusion in BOTH {
            assert!(fusion.score(weights, &scale, evidence).total().is_finite());
        }
    }

    #[test]
    fn scores_stand_on_a_scale_from_the_worst_to_the_best() {
        let seen = [(0.9, Some(2.0)), (0.8, Some(8.0)), (0.7, None)];
        let seen = seen.map(|(similarity, text_score)| Evidence {
            similarity: Some(similarity),
            text_score,
            ..Evidence::default()
        });
        let scale = Scale::of(seen);
        let weights = Weights { semantic: 0.5, text: 1.0 };
        let parts = seen.map(|evidence| Fusion::Weighted.score(weights, &scale, evidence));
        assert_eq!((parts[0].semantic, parts[0].text), (1.0, 0.25));
        assert!((parts[1].semantic - 0.5).abs() < 1e-6 && parts[1].text == 1.0);
        assert_eq!((parts[2].semantic, parts[2].text), (0.0, 0.0));
        assert_eq!(parts[0].total(), 0.75);
    }

    #[test]
    fn exactness_of_words_does_not_count_where_words_do_not() {
        let evidence = Evidence { similarity: Some(0.5), exact: 1.0, ..Evidence::default() };
        let weights = Weights { semantic: 1.0, text: 0.0 };
        for fusion in BOTH {
            assert_eq!(fusion.score(weights, &Scale::of([evidence]), evidence).exact_weight, 0.0);
        }
    }

    #[test]
    fn neither_retriever_is_needed() {
        let weights = Weights { semantic: 1.0, text: 1.0 };
        let none = Scale::of([Evidence::default()]);
        assert_eq!(Fusion::Weighted.score(weights, &none, Evidence::default()).total(), 0.0);
        let similar = Evidence { similarity: Some(0.5), ..Evidence::default() };
        assert_eq!(Fusion::Weighted.score(weights, &Scale::of([similar]), similar).total(), 1.0);
    }
}
