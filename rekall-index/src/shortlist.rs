//! The rows that may still belong to a result, in bounded memory.
//!
//! A scan knows each row's similarity only between two bounds. A row can be dropped when k other entries are certainly
//! better: when its upper bound lies below the *threshold*, the k-th best lower bound over distinct entries. What is left is
//! settled by exact similarities. (Keeping all candidates until then costs less than a heap: a new row is compared with
//! one number, and the list is thinned only when it is full.)

use std::cmp::Ordering;

use crate::{Error, Key, Neighbor, SearchOptions};

/// A row whose similarity lies within `lower..=upper`; exactly known when the two are equal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) key: Key,
    pub(crate) position: u32,
    pub(crate) lower: f32,
    pub(crate) upper: f32,
}

impl Candidate {
    fn is_settled(&self) -> bool {
        self.lower >= self.upper
    }

    fn neighbor(&self) -> Neighbor {
        Neighbor { key: self.key, similarity: self.lower }
    }
}

/// Computes exact similarities: one number appended for each candidate given.
pub(crate) trait Settle {
    fn settle(&mut self, candidates: &[Candidate], out: &mut Vec<f32>) -> Result<(), Error>;
}

impl<F: FnMut(&[Candidate], &mut Vec<f32>) -> Result<(), Error>> Settle for F {
    fn settle(&mut self, candidates: &[Candidate], out: &mut Vec<f32>) -> Result<(), Error> {
        self(candidates, out)
    }
}

/// Candidates of one query.
#[derive(Debug)]
pub(crate) struct Shortlist {
    k: usize,
    /// Whether k counts entries, each by its best row, rather than rows.
    grouped: bool,
    /// Whether all that are as near as the k-th are wanted.
    ties: bool,
    threshold: f32,
    /// When to thin out next.
    limit: usize,
    /// The most candidates to hold before paying for exact similarities early.
    most: usize,
    candidates: Vec<Candidate>,
    scratch: Vec<f32>,
    entries: Vec<i64>,
    /// How many candidates to have before looking for a first threshold.
    begin_at: usize,
}

/// Room beside the k best that makes thinning out rare.
const FIRST_LIMIT: usize = 64;
/// Memory is bounded by the larger of this and a few times k, however many rows are equally near.
const MOST: usize = 4096;

impl Shortlist {
    /// For what these options ask for.
    pub(crate) fn new(options: &SearchOptions<'_>) -> Self {
        Self::with(options.k, true, options.ties)
    }

    /// For the k best rows, whatever entries they belong to.
    pub(crate) fn of_rows(k: usize) -> Self {
        Self::with(k, false, false)
    }

    fn with(k: usize, grouped: bool, ties: bool) -> Self {
        let limit = k.saturating_mul(4).max(FIRST_LIMIT);
        Self {
            k,
            grouped,
            ties,
            threshold: f32::NEG_INFINITY,
            limit,
            most: limit.max(MOST),
            candidates: Vec::new(),
            scratch: Vec::new(),
            entries: Vec::new(),
            begin_at: k,
        }
    }

    /// A row whose upper bound is below this can't belong to the result. Only ever rises.
    pub(crate) fn threshold(&self) -> f32 {
        self.threshold
    }

    /// How many entries, or rows, are wanted.
    pub(crate) fn wanted(&self) -> usize {
        self.k
    }

    /// Takes a row in; the caller has seen to it that it passes the threshold and the filter.
    #[inline]
    pub(crate) fn push(&mut self, candidate: Candidate, settle: &mut impl Settle) -> Result<(), Error> {
        self.candidates.push(candidate);
        if self.candidates.len() >= self.limit { self.thin_out(settle) } else { Ok(()) }
    }

    /// Takes in what another thread found.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.threshold = self.threshold.max(other.threshold);
        self.candidates.append(&mut other.candidates);
    }

    #[cold]
    fn thin_out(&mut self, settle: &mut impl Settle) -> Result<(), Error> {
        self.raise_threshold();
        if self.candidates.len() > self.limit / 2 {
            if self.limit < self.most {
                self.limit = (self.limit * 2).min(self.most);
            } else {
                // Too many rows too close together for the bounds to part: part them exactly, now.
                self.settle_all(settle)?;
                // Ties stay, however many they are. The list doubles before it is looked through again, so that all looks
                // together cost as much as the last one.
                self.limit = self.most.max(self.candidates.len().saturating_mul(2));
            }
        }
        Ok(())
    }

    /// Sees to it that there is a threshold as soon as there can be one.
    pub(crate) fn begin_threshold(&mut self) {
        if self.threshold == f32::NEG_INFINITY && self.candidates.len() >= self.begin_at {
            // They may all belong to a few entries: as they double, all looks together cost as much as the last one.
            self.begin_at = self.candidates.len().saturating_mul(2);
            self.raise_threshold();
        }
    }

    /// Sets the threshold to the k-th best lower bound over distinct entries, and drops what does not pass.
    pub(crate) fn raise_threshold(&mut self) {
        if self.candidates.len() < self.k {
            return;
        }
        if let Some(kth) = self.kth_of_rows().or_else(|| self.kth_of_entries()) {
            self.threshold = self.threshold.max(kth);
        }
        let threshold = self.threshold;
        self.candidates.retain(|candidate| candidate.upper >= threshold);
    }

    /// The k-th best lower bound of all rows; `None` if the best k rows belong to fewer than k entries, and entries count.
    fn kth_of_rows(&mut self) -> Option<f32> {
        self.scratch.clear();
        self.scratch.extend(self.candidates.iter().map(|candidate| candidate.lower));
        let (_, &mut kth, _) = self.scratch.select_nth_unstable_by(self.k - 1, |a, b| descending(*a, *b));
        // Where thousands are equal, the first ones as a rule belong to entries enough.
        (!self.grouped
            || self.has_k_entries(kth, self.k.saturating_mul(4))
            || self.has_k_entries(kth, usize::MAX))
        .then_some(kth)
    }

    /// Whether the first `most` candidates whose lower bound reaches `kth` belong to k entries or more.
    fn has_k_entries(&mut self, kth: f32, most: usize) -> bool {
        let best = self.candidates.iter().filter(|candidate| candidate.lower >= kth);
        self.entries.clear();
        self.entries.extend(best.map(|candidate| candidate.key.entry).take(most));
        self.entries.sort_unstable();
        self.entries.dedup();
        self.entries.len() >= self.k
    }

    /// The k-th best of the entries' best lower bounds, if there are so many entries.
    fn kth_of_entries(&mut self) -> Option<f32> {
        let candidates = &mut self.candidates;
        candidates.sort_unstable_by(|a, b| a.key.entry.cmp(&b.key.entry).then(descending(a.lower, b.lower)));
        self.scratch.clear();
        let mut previous = None;
        for candidate in candidates.iter() {
            if previous.replace(candidate.key.entry) != Some(candidate.key.entry) {
                self.scratch.push(candidate.lower);
            }
        }
        if self.scratch.len() < self.k {
            return None;
        }
        let (_, &mut kth, _) = self.scratch.select_nth_unstable_by(self.k - 1, |a, b| descending(*a, *b));
        Some(kth)
    }

    /// Settles every candidate and keeps the best row of each of the k best entries.
    ///
    /// Works from the highest upper bound down, in growing pages: each page raises the threshold, so often most
    /// candidates need no exact similarity at all.
    fn settle_all(&mut self, settle: &mut impl Settle) -> Result<(), Error> {
        let mut page = self.k.max(16);
        loop {
            self.raise_threshold();
            let open = partition(&mut self.candidates, |c| !c.is_settled());
            if open == 0 {
                break;
            }
            let open = &mut self.candidates[..open];
            let page_length = page.min(open.len());
            if page_length < open.len() {
                open.select_nth_unstable_by(page_length, |a, b| descending(a.upper, b.upper));
            }
            let now = &mut open[..page_length];
            // Rows that a source keeps by key are read in its order.
            now.sort_unstable_by_key(|candidate| candidate.key);
            self.scratch.clear();
            settle.settle(now, &mut self.scratch)?;
            debug_assert_eq!(self.scratch.len(), now.len());
            for (candidate, &exact) in now.iter_mut().zip(&self.scratch) {
                candidate.lower = exact;
                candidate.upper = exact;
            }
            page = page.saturating_mul(2);
        }
        let candidates = &mut self.candidates;
        // An entry's best row first; then only that one.
        let by_rank = |a: &Candidate, b: &Candidate| a.neighbor().rank_cmp(&b.neighbor());
        if self.grouped {
            candidates.sort_unstable_by(|a, b| a.key.entry.cmp(&b.key.entry).then_with(|| by_rank(a, b)));
            candidates.dedup_by_key(|candidate| candidate.key.entry);
        }
        candidates.sort_unstable_by(by_rank);
        if let Some(kth) = candidates.get(self.k - 1).map(|last| last.lower) {
            let length = match self.ties {
                true => candidates.partition_point(|candidate| candidate.lower >= kth),
                false => self.k,
            };
            candidates.truncate(length);
            self.threshold = self.threshold.max(kth);
        }
        Ok(())
    }

    /// The rows that may be in the result, and whether that is still to be settled.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Key, bool)> {
        self.candidates.iter().map(|candidate| (candidate.key, !candidate.is_settled()))
    }

    /// The result, best first.
    pub(crate) fn finish(mut self, settle: &mut impl Settle) -> Result<Vec<Neighbor>, Error> {
        self.settle_all(settle)?;
        Ok(self.candidates.iter().map(Candidate::neighbor).collect())
    }
}

/// Greater first. Bounds are never NaN.
fn descending(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

/// Moves the items that fulfil `first` to the front, and says how many they are.
fn partition<T>(items: &mut [T], mut first: impl FnMut(&T) -> bool) -> usize {
    let mut end = 0;
    for i in 0..items.len() {
        if first(&items[i]) {
            items.swap(i, end);
            end += 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans rows of known similarity with bounds `error` wide, and counts the settled.
    fn scan(rows: &[(Key, f32)], options: &SearchOptions<'_>, error: f32) -> (Vec<Neighbor>, usize, usize) {
        let (mut settled, mut held) = (0, 0);
        let mut settle = |candidates: &[Candidate], out: &mut Vec<f32>| {
            settled += candidates.len();
            out.extend(candidates.iter().map(|c| rows[c.position as usize].1));
            Ok(())
        };
        let mut list = Shortlist::new(options);
        for (position, &(key, similarity)) in rows.iter().enumerate() {
            // Bounds off center, to and fro.
            let shift = if position % 2 == 0 { error * 0.9 } else { -error * 0.9 };
            let (lower, upper) = (similarity + shift - error, similarity + shift + error);
            if upper >= list.threshold() {
                let position = position as u32;
                list.push(Candidate { key, position, lower, upper }, &mut settle).unwrap();
                held = held.max(list.candidates.capacity());
            }
        }
        let found = list.finish(&mut settle).unwrap();
        (found, settled, held)
    }

    fn naive(rows: &[(Key, f32)], options: &SearchOptions<'_>) -> Vec<Neighbor> {
        let mut all: Vec<Neighbor> =
            rows.iter().map(|&(key, similarity)| Neighbor { key, similarity }).collect();
        all.sort_by(Neighbor::rank_cmp);
        let mut seen = std::collections::HashSet::new();
        all.retain(|hit| seen.insert(hit.key.entry));
        options.truncate(&mut all);
        all
    }

    fn rows(n: u32, entries: u32, levels: u32) -> Vec<(Key, f32)> {
        let mut state = 12345u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        (0..n)
            .map(|i| {
                let key = Key::new(i64::from(next() % entries), (i % 3) as u8, (i / 3 % 60_000) as u16);
                (key, (next() % levels) as f32 / levels as f32)
            })
            .collect()
    }

    #[test]
    fn equals_the_naive_choice() {
        for (n, entries, levels) in
            [(0, 1, 1), (1, 1, 1), (50, 7, 10), (5000, 5000, 1 << 20), (20_000, 3000, 50)]
        {
            let rows = rows(n, entries, levels);
            for k in [1, 2, 10, 100, 4097, 100_000] {
                for error in [0.0, 1e-6, 0.01, 3.0] {
                    for options in [SearchOptions::new(k), SearchOptions::new(k).with_ties()] {
                        assert_eq!(
                            scan(&rows, &options, error).0,
                            naive(&rows, &options),
                            "{n} {entries} {levels} {options:?} {error}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn good_bounds_leave_little_to_settle() {
        let rows = rows(100_000, 1 << 30, 1 << 24);
        let (_, settled, held) = scan(&rows, &SearchOptions::new(10), 1e-5);
        assert!(settled <= 32, "{settled}");
        assert!(held <= 128, "{held}");
    }

    #[test]
    fn ties_stay_in_bounded_memory() {
        let rows: Vec<(Key, f32)> = (0..100_000).rev().map(|i| (Key::new(i, 0, 0), 0.5)).collect();
        let (hits, settled, held) = scan(&rows, &SearchOptions::new(10), 1e-6);
        assert_eq!(hits.iter().map(|h| h.key.entry).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert!(settled <= 100_000 && held <= 2 * MOST, "{settled} {held}");
    }

    #[test]
    fn each_of_many_ties_is_settled_once() {
        let rows: Vec<(Key, f32)> = (0..100_000).rev().map(|i| (Key::new(i, 0, 0), 0.5)).collect();
        let (hits, settled, _) = scan(&rows, &SearchOptions::new(10).with_ties(), 1e-6);
        assert!(hits.iter().map(|hit| hit.key.entry).eq(0..100_000));
        assert_eq!(settled, 100_000);
    }
}
