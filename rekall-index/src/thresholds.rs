//! The compare in which nearly every row ends: its upper bounds against the thresholds of all queries.

use pulp::{Simd, WithSimd};

use crate::dispatch::arch;
use crate::shortlist::Shortlist;

/// Bounds compared at once: enough to outweigh the dispatch, few enough that most groups hold no row that passes.
const GROUP: usize = 64;

/// The thresholds of all queries, repeated for as many rows as are compared at once.
#[derive(Debug)]
pub(crate) struct Thresholds {
    queries: usize,
    repeated: Vec<f32>,
}

impl Thresholds {
    /// The thresholds of `shortlists`, of which there is at least one.
    pub(crate) fn new(shortlists: &[Shortlist]) -> Self {
        let rows = (GROUP / shortlists.len()).max(1);
        let thresholds = shortlists.iter().map(Shortlist::threshold);
        let repeated = std::iter::repeat_n(thresholds, rows).flatten().collect();
        Self { queries: shortlists.len(), repeated }
    }

    /// Takes over the thresholds as they are now.
    pub(crate) fn update(&mut self, shortlists: &[Shortlist]) {
        for thresholds in self.repeated.chunks_exact_mut(self.queries) {
            thresholds
                .iter_mut()
                .zip(shortlists)
                .for_each(|(threshold, shortlist)| *threshold = shortlist.threshold());
        }
    }

    /// The threshold of each query.
    pub(crate) fn of_queries(&self) -> &[f32] {
        &self.repeated[..self.queries]
    }

    /// The first row from `from` on that passes a threshold; `uppers[row * queries + query]`.
    pub(crate) fn next(&self, uppers: &[f32], from: usize) -> Option<usize> {
        let rest = uppers.get(from * self.queries..)?;
        let groups = rest.chunks(self.repeated.len());
        let number = groups.enumerate().find_map(|(number, group)| {
            arch().dispatch(Passes { uppers: group, thresholds: &self.repeated }).then_some(number)
        })?;
        let first = number * (self.repeated.len() / self.queries);
        let thresholds = self.of_queries();
        let mut rows = rest.chunks_exact(self.queries).skip(first);
        let row =
            rows.position(|row| row.iter().zip(thresholds).any(|(upper, threshold)| upper >= threshold))?;
        Some(from + first + row)
    }
}

/// Whether any bound reaches its threshold.
struct Passes<'a> {
    uppers: &'a [f32],
    thresholds: &'a [f32],
}

impl WithSimd for Passes<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> bool {
        // Without a branch, so that the compiler makes vectors of it.
        self.uppers
            .iter()
            .zip(self.thresholds)
            .fold(false, |any, (upper, threshold)| any | (upper >= threshold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shortlist::Candidate;
    use crate::testing::Random;
    use crate::{Key, SearchOptions};

    #[test]
    fn finds_every_row_that_passes_and_no_other() {
        let mut random = Random::new(31);
        for queries in [1, 2, 3, 31, 32, 64, 300] {
            let mut settle = |_: &[Candidate], _: &mut Vec<f32>| Ok(());
            let mut lists: Vec<Shortlist> =
                (0..queries).map(|_| Shortlist::new(&SearchOptions::new(1))).collect();
            let mut thresholds = Thresholds::new(&lists);
            assert_eq!(thresholds.next(&vec![-1.0; queries], 0), Some(0), "everything passes at first");
            assert_eq!(thresholds.next(&[], 0), None);
            for list in &mut lists {
                // As many settled candidates as make the list look at its threshold.
                for entry in 0..64 {
                    let key = Key::new(entry, 0, 0);
                    list.push(Candidate { key, position: 0, lower: 0.5, upper: 0.5 }, &mut settle).unwrap();
                }
                assert_eq!(list.threshold(), 0.5);
            }
            thresholds.update(&lists);
            let rows = 700;
            let uppers: Vec<f32> =
                (0..rows * queries)
                    .map(|_| {
                        if random.below(40 * queries as u64) == 0 {
                            0.5 + random.signed().abs()
                        } else {
                            0.49
                        }
                    })
                    .collect();
            let due: Vec<usize> = (0..rows)
                .filter(|row| uppers[row * queries..][..queries].iter().any(|&x| x >= 0.5))
                .collect();
            let mut found = Vec::new();
            while let Some(row) = thresholds.next(&uppers, found.last().map_or(0, |last| last + 1)) {
                found.push(row);
            }
            assert_eq!(found, due, "{queries} queries");
            assert!(!due.is_empty());
        }
    }
}
