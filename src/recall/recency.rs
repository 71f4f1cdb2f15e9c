//! Age as a factor of the score: of two entries that are as good, the newer one comes first.

use std::time::Duration;

use rekall_core::EntryTime;

use super::hit::RecencyFactor;
use super::rank::{Ranked, sort};
use crate::Error;
use crate::vector_index::Snapshot;

/// How much age counts in a search; see [`Recall::recency`](crate::Recall::recency).
///
/// A score is multiplied by `floor + (1 - floor) * 0.5^(age / half_life)`: 1 for what is new, halfway between that and the
/// floor after one half-life, and never less than the floor. A score below 0, which a similarity can be, is lowered by the same
/// share of its amount.
///
/// ```
/// # use std::time::Duration;
/// # use rekall::{EntryTime, Recency};
/// const DAY: Duration = Duration::from_secs(86_400);
/// // Notes lose up to a quarter of their score as they grow old, half of that in their first month.
/// let recency = Recency::new(30 * DAY).floor(0.75).by(EntryTime::Created);
/// assert_eq!(recency.factor(Duration::ZERO), 1.0);
/// assert_eq!(recency.factor(30 * DAY), 0.875);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recency {
    half_life: Duration,
    floor: f64,
    by: EntryTime,
}

impl Recency {
    /// Recency with this half-life, which is more than zero; by the time of the last change, and with a floor of 0.5: age
    /// takes at most half of a score.
    #[must_use]
    pub const fn new(half_life: Duration) -> Self {
        Self { half_life, floor: 0.5, by: EntryTime::Updated }
    }

    /// The factor that age comes near to and does not reach, 0 to 1. With 0 what is old enough comes after everything that is
    /// not, however well it matches; with 1 age does not count. Default 0.5.
    #[must_use]
    pub const fn floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    /// The time that age is counted from. Default [`EntryTime::Updated`].
    #[must_use]
    pub const fn by(mut self, time: EntryTime) -> Self {
        self.by = time;
        self
    }

    /// What a score is multiplied by at this age.
    #[must_use]
    pub fn factor(&self, age: Duration) -> f64 {
        let half_lives = age.as_secs_f64() / self.half_life.as_secs_f64();
        self.floor + (1.0 - self.floor) * (-half_lives).exp2()
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        if self.half_life.is_zero() || !(0.0..=1.0).contains(&self.floor) {
            return Err(Error::InvalidRecency { half_life: self.half_life, floor: self.floor });
        }
        Ok(())
    }

    /// The factor of an entry of that time. What lies in the future is new.
    fn factor_at(&self, at_ms: i64, now_ms: i64) -> f64 {
        let age = u64::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(0);
        self.factor(Duration::from_millis(age))
    }
}

/// A score by a factor of at most 1: never more than it was, whatever its sign.
fn lowered(score: f64, factor: f64) -> f64 {
    if score < 0.0 { score * (2.0 - factor) } else { score * factor }
}

/// Lowers the scores of what is ranked by age, and puts it in order again.
pub(super) fn adjust(
    snapshot: &Snapshot<'_>,
    recency: Recency,
    now_ms: i64,
    ranked: &mut [Ranked],
) -> Result<(), Error> {
    let rows: Vec<i64> = ranked.iter().map(|ranked| ranked.candidate.row).collect();
    let times = snapshot.tx.times(recency.by, &rows)?;
    for ranked in &mut *ranked {
        // An entry that is gone is found out when it is read.
        let at_ms = times.get(&ranked.candidate.row).copied().unwrap_or(now_ms);
        let factor = recency.factor_at(at_ms, now_ms);
        ranked.recency = Some(RecencyFactor { at_ms, factor, score: ranked.score });
        ranked.score = lowered(ranked.score, factor);
    }
    sort(ranked);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn age_halves_what_is_above_the_floor() {
        let recency = Recency::new(Duration::from_secs(86_400)).floor(0.2);
        let factors = [0, 1, 2, 100_000].map(|days| recency.factor_at(0, days * DAY_MS));
        assert_eq!(factors, [1.0, 0.2 + 0.4, 0.2 + 0.2, 0.2]);
        assert_eq!(recency.factor_at(DAY_MS, 0), 1.0, "the future is new");
        assert_eq!(recency.factor_at(i64::MIN, i64::MAX), 0.2);
    }

    #[test]
    fn no_score_gains() {
        for score in [-1.0, -0.25, 0.0, 0.5, 7.0] {
            assert_eq!(lowered(score, 1.0), score);
            let lower = [0.9, 0.5, 0.0].map(|factor| lowered(score, factor));
            assert!(lower.is_sorted_by(|a, b| a >= b) && lower[0] <= score, "{lower:?}");
        }
    }
}
