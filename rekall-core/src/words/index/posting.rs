//! Where a term stands.

use std::ops::Range;
use std::sync::Arc;

use super::IndexError;
use super::varint::{self, Reader};

/// Bytes of a page, without a copy.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    data: Arc<[u8]>,
    range: Range<usize>,
}

impl Bytes {
    /// `range` must lie in `data`.
    pub(super) fn new(data: Arc<[u8]>, range: Range<usize>) -> Self {
        Self { data, range }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.data[self.range.clone()]
    }
}

/// One term's passages and places, encoded as a page holds them.
#[derive(Debug, Clone)]
pub(crate) struct Posting {
    pub(super) count: u32,
    pub(super) docs: Bytes,
    pub(super) places: Bytes,
}

/// A passage that holds the term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doc {
    pub(super) ordinal: u32,
    /// How many places follow in the term's places.
    pub(super) occurrences: u32,
    /// The weights of these places together.
    pub(super) frequency: u32,
}

/// A place in a passage: its position, and whether no white space stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) position: u32,
    pub(super) joined: bool,
}

/// The lowest two bits of a passage's number: what follows from them is not written.
const ONCE: u64 = 0;
const ONCE_HEAVY: u64 = 1;
const TWICE: u64 = 2;
const WRITTEN_OUT: u64 = 3;

/// Appends a passage; `gap` is how many ordinals lie between it and the one before.
pub(super) fn push_doc(out: &mut Vec<u8>, gap: u32, occurrences: u32, frequency: u32) {
    let extra = frequency - occurrences;
    let kind = match (occurrences, extra) {
        (1, 0) => ONCE,
        (1, 1) => ONCE_HEAVY,
        (2, 0) => TWICE,
        _ => WRITTEN_OUT,
    };
    varint::push(out, u64::from(gap) << 2 | kind);
    if kind == WRITTEN_OUT {
        varint::push(out, u64::from(occurrences));
        varint::push(out, u64::from(extra));
    }
}

/// Appends the places of one passage, which must ascend.
pub(super) fn push_places(out: &mut Vec<u8>, places: impl IntoIterator<Item = Place>) {
    let mut last = 0;
    for Place { position, joined } in places {
        varint::push(out, u64::from(position - last) << 1 | u64::from(joined));
        last = position;
    }
}

/// Reads the passages of a term one by one.
#[derive(Debug, Clone)]
pub(super) struct DocReader<'a> {
    reader: Reader<'a>,
    /// The smallest ordinal that the next passage may have.
    next: u32,
}

impl<'a> DocReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), next: 0 }
    }

    /// The next passage, or `None` at the end and at what is no passage.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Doc> {
        let code = self.reader.u64()?;
        let ordinal = self.next.checked_add(u32::try_from(code >> 2).ok()?)?;
        self.next = ordinal.checked_add(1)?;
        let (occurrences, frequency) = match code & 3 {
            ONCE => (1, 1),
            ONCE_HEAVY => (1, 2),
            TWICE => (2, 2),
            _ => {
                let occurrences = self.reader.u32().filter(|&occurrences| occurrences > 0)?;
                (occurrences, occurrences.checked_add(self.reader.u32()?)?)
            }
        };
        Some(Doc { ordinal, occurrences, frequency })
    }

    pub(super) fn remaining(&self) -> usize {
        self.reader.remaining()
    }
}

impl Posting {
    /// Calls `each` with every passage, in the order of their ordinals, all below `passages`.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] if the bytes are not `count` such passages.
    pub(super) fn for_each(&self, passages: usize, mut each: impl FnMut(Doc)) -> Result<(), IndexError> {
        let mut reader = DocReader::new(self.docs.as_slice());
        for _ in 0..self.count {
            match reader.next() {
                Some(doc) if (doc.ordinal as usize) < passages => each(doc),
                _ => return Err(self.damaged(passages)),
            }
        }
        if reader.remaining() == 0 { Ok(()) } else { Err(self.damaged(passages)) }
    }

    /// How many passages it has at most, whatever it says: each takes a byte at least.
    pub(super) fn most(&self) -> usize {
        (self.count as usize).min(self.docs.as_slice().len())
    }

    #[cold]
    pub(super) fn damaged(&self, passages: usize) -> IndexError {
        let got = format!("{} bytes for {} of {passages} passages", self.docs.as_slice().len(), self.count);
        IndexError::damaged("a term's list of passages", "passages of the segment with their places", got)
    }

    /// A reader of the places of passages.
    pub(super) fn places(&self) -> PlaceReader<'_> {
        PlaceReader {
            docs: DocReader::new(self.docs.as_slice()),
            left: self.count,
            places: Reader::new(self.places.as_slice()),
            ordinal: -1,
            ahead: 0,
        }
    }
}

/// Reads the places of chosen passages, in the order of their ordinals.
#[derive(Debug, Clone)]
pub(super) struct PlaceReader<'a> {
    docs: DocReader<'a>,
    left: u32,
    places: Reader<'a>,
    /// The passage reached: -1 before the first, the largest number after the last.
    ordinal: i64,
    /// How many of its places `places` still stands before.
    ahead: u32,
}

impl PlaceReader<'_> {
    /// Appends the places of the term in the passage `ordinal`, none if it does not hold the term. Ordinals must
    /// ascend from call to call. `None` if the bytes are damaged.
    pub(super) fn read(&mut self, ordinal: u32, out: &mut Vec<Place>) -> Option<()> {
        let mut skipped = 0;
        while self.ordinal < i64::from(ordinal) {
            skipped += self.ahead as usize;
            if self.left == 0 {
                (self.ordinal, self.ahead) = (i64::MAX, 0);
                return Some(());
            }
            self.left -= 1;
            let doc = self.docs.next()?;
            (self.ordinal, self.ahead) = (i64::from(doc.ordinal), doc.occurrences);
        }
        self.places.skip(skipped)?;
        if self.ordinal > i64::from(ordinal) {
            return Some(());
        }
        let mut position = 0u32;
        for _ in 0..std::mem::take(&mut self.ahead) {
            let code = self.places.u64()?;
            position = position.checked_add(u32::try_from(code >> 1).ok()?)?;
            out.push(Place { position, joined: code & 1 == 1 });
        }
        Some(())
    }
}
