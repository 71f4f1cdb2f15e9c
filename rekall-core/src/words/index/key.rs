//! What a passage is called.

/// Names one passage: the entry's row number, the role of the text and the number of the passage in it.
///
/// It is the same triple as that of the passage's vector ([`crate::VectorKey`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageKey {
    /// Row number of the entry.
    pub row: i64,
    /// Role number, see [`crate::Role::number`].
    pub role: u8,
    /// Number of the passage in the role's text, from 0.
    pub number: u16,
}

impl PassageKey {
    /// Role and number as one number that sorts as they do.
    pub(super) fn part(self) -> u32 {
        u32::from(self.role) << 16 | u32::from(self.number)
    }

    /// The key with this row, role and number as [`Self::part`] puts them together.
    pub(super) fn from_part(row: i64, part: u32) -> Self {
        let [_, role, high, low] = part.to_be_bytes();
        Self { row, role, number: u16::from_be_bytes([high, low]) }
    }
}
