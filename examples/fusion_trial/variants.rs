//! The ways of fusing that are compared.

use crate::pool::{Candidate, Pool};

/// The weights of meaning that are tried; words weigh 1.
pub(crate) const WEIGHTS: [f64; 13] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 0.95, 1.0, 1.5, 2.0, 4.0];

/// How the similarity is brought to a scale before it is weighed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// As it is.
    Raw,
    /// 0 at the least similarity of the candidates, 1 at the greatest.
    Range,
    /// 0 at the last of what meaning found, and below it; 1 at the greatest.
    Floor,
    /// The mean of the candidates at 0, their standard deviation at 1.
    Deviation,
    /// One over 60 and the rank, for words as well.
    Rank,
}

impl Scale {
    pub(crate) const ALL: [Self; 5] = [Self::Raw, Self::Range, Self::Floor, Self::Deviation, Self::Rank];
}

/// What is known of a query's candidates as a whole.
pub(crate) struct Measures {
    pub(crate) best_text: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
    pub(crate) last_found: f64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

impl Measures {
    pub(crate) fn of(pool: &Pool) -> Self {
        let similarities: Vec<f64> = pool.candidates.iter().filter_map(|found| found.similarity).collect();
        let count = similarities.len().max(1) as f64;
        let mean = similarities.iter().sum::<f64>() / count;
        let variance = similarities.iter().map(|found| (found - mean).powi(2)).sum::<f64>() / count;
        Self {
            best_text: pool
                .candidates
                .iter()
                .filter_map(|found| found.text)
                .fold(0.0, |best, (score, _)| score.max(best)),
            least: similarities.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: similarities.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            last_found: pool
                .candidates
                .iter()
                .filter(|found| found.semantic_rank.is_some())
                .filter_map(|found| found.similarity)
                .fold(f64::INFINITY, f64::min),
            mean,
            deviation: variance.sqrt(),
        }
    }

    /// The part of meaning in a score, unweighted.
    pub(crate) fn semantic(&self, scale: Scale, candidate: &Candidate) -> f64 {
        let Some(similarity) = candidate.similarity else { return 0.0 };
        let share = |least: f64| {
            let range = self.greatest - least;
            if range > 0.0 { ((similarity - least) / range).max(0.0) } else { 1.0 }
        };
        match scale {
            Scale::Raw => similarity,
            Scale::Range => share(self.least),
            Scale::Floor => share(self.last_found),
            // Weighed alike, it is to spread about as far as the others.
            Scale::Deviation if self.deviation > 0.0 => (similarity - self.mean) / self.deviation / 4.0,
            Scale::Deviation => 0.0,
            Scale::Rank => candidate.semantic_rank.map_or(0.0, by_rank),
        }
    }

    /// The part of words in a score, unweighted.
    pub(crate) fn text(&self, scale: Scale, candidate: &Candidate) -> f64 {
        match (scale, candidate.text) {
            (_, None) => 0.0,
            (Scale::Rank, Some((_, rank))) => by_rank(rank),
            (_, Some((score, _))) => score / self.best_text.max(1e-9),
        }
    }
}

fn by_rank(rank: usize) -> f64 {
    1.0 / (60.0 + rank as f64)
}
