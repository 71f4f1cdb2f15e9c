//! What the passages of all sources have in common, and the formula that needs it.

use super::matches::Match;
use crate::words::index::{Passages, Source};

/// How fast further occurrences of a word count less.
const K1: f64 = 1.2;

/// How much the length of a passage counts.
const B: f64 = 0.75;

/// For lengths below this, the formula's part that depends on the length alone is computed once a search.
const TABLE: usize = 512;

/// The living passages of all sources.
#[derive(Debug)]
pub(super) struct Corpus {
    /// How many there are.
    pub(super) passages: usize,
    mean_length: f64,
    norms: Vec<f64>,
}

impl Corpus {
    pub(super) fn of(sources: &[&dyn Source]) -> Self {
        let living = |source: &&dyn Source| source.passages().len().saturating_sub(source.dead().count());
        let length =
            |source: &&dyn Source| source.passages().total_length().saturating_sub(source.dead().length());
        let passages: usize = sources.iter().map(living).sum();
        let total: u64 = sources.iter().map(length).sum();
        // Passages without a word have length 0; at least 1 keeps the formula defined.
        let mean_length = (total as f64 / passages.max(1) as f64).max(1.0);
        let mut corpus = Self { passages, mean_length, norms: Vec::new() };
        corpus.norms = (0..TABLE as u32).map(|length| corpus.norm(length)).collect();
        corpus
    }

    /// How rare a term is that stands in this many living passages.
    pub(super) fn idf(&self, found: usize) -> f64 {
        let (all, found) = (self.passages as f64, found as f64);
        (1.0 + (all - found + 0.5) / (found + 0.5)).ln()
    }

    /// What a term adds to a score at most.
    pub(super) fn gain(&self, weight: f64, idf: f64) -> f64 {
        weight.max(0.0) * idf * (K1 + 1.0)
    }

    fn norm(&self, length: u32) -> f64 {
        match self.norms.get(length as usize) {
            Some(&norm) => norm,
            None => K1 * (1.0 - B + B * f64::from(length) / self.mean_length),
        }
    }

    /// The share of a term's gain that this frequency in a passage of this length is worth.
    pub(super) fn share(&self, frequency: u32, length: u32) -> f64 {
        let frequency = f64::from(frequency);
        frequency / (frequency + self.norm(length))
    }

    /// Adds what a term is worth to the scores of the passages that hold it.
    pub(super) fn add(&self, gain: f64, matches: &[Match], passages: &Passages, scores: &mut [f64]) {
        for found in matches {
            let share = self.share(found.frequency, passages.length(found.ordinal));
            scores[found.ordinal as usize] += gain * share;
        }
    }
}
