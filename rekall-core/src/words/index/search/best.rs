//! The entries that score best.

use std::cmp::Ordering;
use std::ops::Range;

use crate::words::index::Passages;

/// An entry that holds a word.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Of the best passage.
    pub(super) score: f64,
    pub(super) row: i64,
    pub(super) source: usize,
    /// All passages of the row.
    pub(super) ordinals: Range<u32>,
    /// The best passage.
    pub(super) best: u32,
}

impl Candidate {
    /// Best first; equal ones by row.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.row.cmp(&other.row))
    }

    /// Looks up the best passage again, after scores have changed.
    pub(super) fn update(&mut self, scores: &[f64]) {
        (self.best, self.score) = best_of(self.ordinals.clone(), scores);
    }
}

/// The passage with the best score, the first of several.
fn best_of(ordinals: Range<u32>, scores: &[f64]) -> (u32, f64) {
    let better = |best: (u32, f64), ordinal: u32| {
        let score = scores[ordinal as usize];
        if score > best.1 { (ordinal, score) } else { best }
    };
    ordinals.clone().fold((ordinals.start, 0.0), better)
}

/// Collects the best `wanted` entries, and all that score the same as the last of them.
pub(super) struct Best {
    wanted: usize,
    /// In the order of sources and rows.
    kept: Vec<Candidate>,
    /// How many are kept before the worse ones are dropped.
    room: usize,
    /// The score below which none is among the best any more.
    least: f64,
}

impl Best {
    /// `wanted` must be above 0.
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, kept: Vec::new(), room: wanted.saturating_mul(2).max(64), least: 0.0 }
    }

    /// Looks at all entries of a source that have a score above 0.
    pub(super) fn offer(
        &mut self,
        source: usize,
        passages: &Passages,
        scores: &[f64],
        admitted: &dyn Fn(i64) -> bool,
    ) {
        let mut at = 0;
        while let Some(ahead) = scores[at..].iter().position(|&score| score > 0.0 && score >= self.least) {
            at += ahead;
            let row = passages.rows[at];
            let before = passages.rows[..at].iter().rev().take_while(|&&other| other == row).count();
            let after = passages.rows[at..].iter().take_while(|&&other| other == row).count();
            let ordinals = (at - before) as u32..(at + after) as u32;
            at += after;
            if admitted(row) {
                let (best, score) = best_of(ordinals.clone(), scores);
                self.keep(Candidate { score, row, source, ordinals, best });
            }
        }
    }

    fn keep(&mut self, candidate: Candidate) {
        self.kept.push(candidate);
        if self.kept.len() >= self.room {
            drop_worse(&mut self.kept, self.wanted);
            self.room = self.kept.len().saturating_mul(2).max(self.room);
            self.least = self.kept.iter().map(|candidate| candidate.score).fold(f64::INFINITY, f64::min);
        }
    }

    /// The best, in order.
    pub(super) fn finish(mut self) -> Vec<Candidate> {
        drop_worse(&mut self.kept, self.wanted);
        // Stable, because this sort takes what is in order already as it is.
        self.kept.sort_by(Candidate::order);
        self.kept
    }
}

/// Drops what scores less than the last of the best `wanted`, and keeps the order of the others.
pub(super) fn drop_worse(candidates: &mut Vec<Candidate>, wanted: usize) {
    if candidates.len() > wanted {
        let mut scores: Vec<f64> = candidates.iter().map(|candidate| candidate.score).collect();
        let (_, &mut least, _) = scores.select_nth_unstable_by(wanted - 1, |a, b| b.total_cmp(a));
        candidates.retain(|candidate| candidate.score >= least);
    }
}
