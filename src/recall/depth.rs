//! How deep retrievers look, so that what they did not see cannot be a hit.

use rekall_core::WordHit;
use rekall_index::Neighbor;

use super::rank::Ranked;

/// How many entries more than it has to a search looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extra {
    /// In the place of entries that cannot be read.
    pub(super) spare: usize,
    /// Because what comes deeper might be a hit in the place of those left out, or better by its age.
    pub(super) deeper: usize,
}

impl Extra {
    pub(super) fn total(self) -> usize {
        self.spare + self.deeper
    }

    /// What is enough for both.
    pub(super) fn max(self, other: Self) -> Self {
        Self { spare: self.spare.max(other.spare), deeper: self.deeper.max(other.deeper) }
    }
}

/// How far a retriever came: no entry that it did not see has a better score than the worst that it saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    depth: usize,
    /// `None`: it saw all that there are.
    worst: Option<f64>,
}

impl Seen {
    /// By what was found by meaning, best first. What is less similar than the threshold is no hit anyway.
    pub(super) fn of_neighbors(found: &[Neighbor], depth: usize, threshold: Option<f32>) -> Self {
        let last = found.last().map(|near| near.similarity);
        let worst = last.filter(|&last| found.len() >= depth && threshold.is_none_or(|least| last >= least));
        Self { depth, worst: worst.map(f64::from) }
    }

    /// By what was found by words, best first.
    pub(super) fn of_text_hits(found: &[WordHit], depth: usize) -> Self {
        let worst = found.last().map(|hit| hit.score).filter(|_| found.len() >= depth);
        Self { depth, worst }
    }

    /// How much deeper to look for the best `wanted` to be certain, of those that are left. Where age lowered scores, what was
    /// not seen may have up to the worst score that was seen before.
    pub(super) fn missing(self, ranked: &[Ranked], wanted: usize) -> usize {
        let Some(worst) = self.worst else { return 0 };
        let certain = ranked.partition_point(|ranked| ranked.recency.is_none() || ranked.score > worst);
        if certain >= wanted { 0 } else { 3 * self.depth }
    }
}

#[cfg(test)]
mod tests {
    use rekall_index::Key;

    use super::super::candidates::Candidate;
    use super::super::hit::RecencyFactor;
    use super::*;

    #[test]
    fn what_is_no_better_than_the_worst_seen_is_uncertain() {
        let found = [0.9, 0.5].map(|similarity| Neighbor { key: Key::new(1, 0, 0), similarity });
        let recency = |score| Some(RecencyFactor { at_ms: 0, factor: 0.5, score });
        let ranked = [0.6, 0.5]
            .map(|score| Ranked { recency: recency(2.0 * score), ..Ranked::new(score, Candidate::new(1)) });
        let missing =
            |depth, threshold, wanted| Seen::of_neighbors(&found, depth, threshold).missing(&ranked, wanted);
        assert_eq!(missing(2, None, 1), 0);
        assert_eq!(missing(2, None, 2), 6, "one that was not seen may have 0.5, too");
        assert_eq!(missing(3, None, 2), 0, "there are no others");
        assert_eq!(missing(2, Some(0.6), 2), 0, "others are no hits");
        let as_found = [0.9, 0.5].map(|score| Ranked::new(score, Candidate::new(1)));
        assert_eq!(Seen::of_neighbors(&found, 2, None).missing(&as_found, 2), 0, "they come by id");
        assert_eq!(Seen::of_neighbors(&found, 2, None).missing(&as_found[..1], 2), 6, "one was left out");
    }
}
