//! The number by which it shows whether a passage in the index is still the passage of the entry.

use super::hash::{hash, mix};
use super::posting::Place;

/// A term's share in the checks of passages.
#[derive(Debug, Clone, Copy)]
pub(super) struct TermCheck(u64);

impl TermCheck {
    pub(super) fn of(term: &[u8]) -> Self {
        Self(hash(term))
    }

    /// What the term's standing at `place` adds to a passage's check.
    pub(super) fn place(self, place: Place) -> u32 {
        let code = u64::from(place.position) << 1 | u64::from(place.joined);
        mix(self.0 ^ mix(code + 1)) as u32
    }

    /// What the weights of the term's places add to a passage's check.
    pub(super) fn frequency(self, frequency: u32) -> u32 {
        ((self.0 >> 32) as u32 | 1).wrapping_mul(frequency)
    }
}
