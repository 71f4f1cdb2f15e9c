//! Fusing the ranks of several legs into one order.

/// Damping of reciprocal rank fusion: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms
/// Condorcet and individual Rank Learning Methods", SIGIR 2009, found 60 to be robust.
const DAMPING: f64 = 60.0;

/// How the legs' ranks become one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    pub(super) semantic: f64,
    pub(super) text: f64,
}

/// Score of an entry from its ranks, counted from 1; `None` where a leg did not find it. Grows when a rank
/// gets better, so that a better rank in one leg can never lower the entry's place.
pub(super) fn score(weights: Weights, semantic: Option<usize>, text: Option<usize>) -> f64 {
    let part = |weight: f64, rank: Option<usize>| rank.map_or(0.0, |rank| weight / (DAMPING + rank as f64));
    part(weights.semantic, semantic) + part(weights.text, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rank() -> impl Strategy<Value = Option<usize>> {
        proptest::option::of(1_usize..5_000)
    }

    /// A leg that found an entry ranks it before one that did not.
    fn not_worse(new: Option<usize>, old: Option<usize>) -> bool {
        new.unwrap_or(usize::MAX) <= old.unwrap_or(usize::MAX)
    }

    proptest! {
        #[test]
        fn a_better_rank_never_lowers_the_score(
            semantic in (0.0_f64..4.0, rank(), rank()),
            text in (0.0_f64..4.0, rank(), rank()),
        ) {
            let weights = Weights { semantic: semantic.0, text: text.0 };
            prop_assume!(not_worse(semantic.2, semantic.1) && not_worse(text.2, text.1));
            prop_assert!(score(weights, semantic.2, text.2) >= score(weights, semantic.1, text.1));
        }
    }
}
