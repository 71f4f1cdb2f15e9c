//! Segments, without what is in them.

/// A segment of the word index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordSegment {
    /// Its number, which no other has.
    pub id: i64,
    /// The first of the numbers that it stands for: of itself, or of the oldest of those that were merged into it.
    pub oldest: i64,
    /// The last of them. The greater, the newer: of two segments that name an entry the newer one is right.
    pub newest: i64,
    /// Passages in it.
    pub passages: u64,
    /// Pages that it has to have.
    pub pages: u64,
}

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// It is searched.
    Ready,
    /// It is being merged.
    Building,
    /// It has been replaced, and is deleted piece by piece.
    Leaving,
}

impl SegmentState {
    /// The name that a store has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Building => "building",
            Self::Leaving => "leaving",
        }
    }
}

/// A segment that is to be added.
#[derive(Debug, Clone, Copy)]
pub struct NewWordSegment<'a> {
    /// What it is for.
    pub state: SegmentState,
    /// The numbers that it stands for, `oldest` and `newest`; `None`: the number after the newest of all.
    pub range: Option<(i64, i64)>,
    /// Passages in it.
    pub passages: usize,
    /// Pages that it has, or will have.
    pub pages: usize,
    /// The table of its passages.
    pub table: &'a [u8],
}
