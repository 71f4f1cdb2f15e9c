//! Terms in order with their postings, many to a page.

use std::sync::Arc;

use super::IndexError;
use super::docs::checked_body;
use super::hash::checksum;
use super::posting::{Bytes, DocReader, Posting};
use super::varint::{self, Reader};

/// A page ends before it grows over this many bytes, unless its first term alone is larger. A row of a table fits into one
/// of SQLite's own pages of 4096 bytes if it has at most 4061, its header and the checksums included.
const PAGE_BYTES: usize = 4000;

/// From this many passages on, a term's lists say how long they are; shorter ones are read to their end.
const LONG: u32 = 8;

/// Terms and postings of a segment, from `first_term` to the term before the next page's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The first term in it, by which it is found.
    pub first_term: Arc<[u8]>,
    /// The terms, and the passages of each.
    pub docs: Arc<[u8]>,
    /// The places of each term in each passage.
    pub places: Arc<[u8]>,
}

/// Where the pages of a segment are kept. Terms are compared as bytes.
pub(crate) trait Pages {
    /// The last page whose first term is `term` or lies before it.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    fn page_at(&self, term: &[u8]) -> Result<Option<Page>, IndexError>;

    /// The first page whose first term lies after `term`; after the empty term, the first of all.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    fn page_after(&self, term: &[u8]) -> Result<Option<Page>, IndexError>;
}

impl Page {
    /// The last term in the page: a merge goes on after it.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`].
    pub(crate) fn last_term(&self) -> Result<Vec<u8>, IndexError> {
        let mut terms = Terms::new(self)?;
        while terms.next()?.is_some() {}
        Ok(terms.term)
    }
}

/// Fills pages.
#[derive(Debug, Default)]
pub(super) struct PageWriter {
    first_term: Vec<u8>,
    last_term: Vec<u8>,
    docs: Vec<u8>,
    places: Vec<u8>,
}

impl PageWriter {
    /// Adds a term, which must lie after the one before. Gives back the page before it, if that is full.
    pub(super) fn push(&mut self, term: &[u8], count: u32, docs: &[u8], places: &[u8]) -> Option<Page> {
        // A term's own bytes: at most itself and five lengths.
        let grown = self.first_term.len()
            + self.docs.len()
            + self.places.len()
            + term.len()
            + docs.len()
            + places.len();
        let full = if self.docs.is_empty() || grown + 16 <= PAGE_BYTES { None } else { self.finish() };
        if self.docs.is_empty() {
            self.first_term.extend(term);
        }
        let shared = self.last_term.iter().zip(term).take_while(|(a, b)| a == b).count();
        let rest = &term[shared..];
        self.docs.push((shared.min(15) << 4 | rest.len().min(15)) as u8);
        for length in [shared, rest.len()] {
            if let Some(over) = length.checked_sub(15) {
                varint::push(&mut self.docs, over as u64);
            }
        }
        self.docs.extend(rest);
        varint::push(&mut self.docs, u64::from(count));
        if count >= LONG {
            varint::push(&mut self.docs, docs.len() as u64);
            varint::push(&mut self.docs, places.len() as u64);
        }
        self.docs.extend(docs);
        self.places.extend(places);
        self.last_term.truncate(shared);
        self.last_term.extend(rest);
        full
    }

    /// The page begun, if there is one.
    pub(super) fn finish(&mut self) -> Option<Page> {
        if self.docs.is_empty() {
            return None;
        }
        let sealed = |bytes: &mut Vec<u8>| {
            bytes.extend(checksum(bytes).to_le_bytes());
            Arc::from(bytes.as_slice())
        };
        let page = Page {
            first_term: Arc::from(self.first_term.as_slice()),
            docs: sealed(&mut self.docs),
            places: sealed(&mut self.places),
        };
        self.first_term.clear();
        self.last_term.clear();
        self.docs.clear();
        self.places.clear();
        Some(page)
    }
}

/// Reads the terms of a page in order.
#[derive(Debug)]
pub(super) struct Terms {
    page: Page,
    /// The term read last.
    pub(super) term: Vec<u8>,
    docs_at: usize,
    docs_end: usize,
    places_at: usize,
    places_end: usize,
}

impl Terms {
    /// # Errors
    ///
    /// [`IndexError::Damaged`] if a checksum does not fit.
    pub(super) fn new(page: &Page) -> Result<Self, IndexError> {
        let docs_end = checked_body(&page.docs, "a page of terms")?.len();
        let places_end = checked_body(&page.places, "a page of places")?.len();
        Ok(Self { page: page.clone(), term: Vec::new(), docs_at: 0, docs_end, places_at: 0, places_end })
    }

    /// Moves to the next term; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] if no term follows where one must, or it is not larger than the one before.
    pub(super) fn next(&mut self) -> Result<Option<Posting>, IndexError> {
        if self.docs_at == self.docs_end {
            return Ok(None);
        }
        let got = self.docs_at;
        self.read().map(Some).ok_or_else(|| {
            IndexError::damaged(
                "a page of terms",
                "a term with its lists",
                format!("other bytes from {got} on"),
            )
        })
    }

    fn read(&mut self) -> Option<Posting> {
        let docs = &self.page.docs[..self.docs_end];
        let mut reader = Reader::new(&docs[self.docs_at..]);
        let lengths = usize::from(*reader.bytes(1)?.first()?);
        let mut length = |low: usize| match low {
            15 => usize::try_from(reader.u64()?).ok()?.checked_add(15),
            low => Some(low),
        };
        let (shared, rest) = (length(lengths >> 4)?, length(lengths & 15)?);
        let rest = reader.bytes(rest)?;
        let ascends = match self.term.get(shared..) {
            Some(before) => before < rest,
            None => false,
        };
        if !ascends {
            return None;
        }
        self.term.truncate(shared);
        self.term.extend(rest);
        if self.docs_at == 0 && *self.term != *self.page.first_term {
            return None;
        }
        let count = reader.u32().filter(|&count| count > 0)?;
        let lengths = match count {
            LONG.. => Some((usize::try_from(reader.u64()?).ok()?, usize::try_from(reader.u64()?).ok()?)),
            _ => None,
        };
        let start = self.docs_end - reader.remaining();
        let (docs_length, places_length) = match lengths {
            Some(lengths) => lengths,
            None => self.measure(start, count)?,
        };
        let docs_at = start.checked_add(docs_length).filter(|&end| end <= self.docs_end)?;
        let places_at = self.places_at.checked_add(places_length).filter(|&end| end <= self.places_end)?;
        let posting = Posting {
            count,
            docs: Bytes::new(Arc::clone(&self.page.docs), start..docs_at),
            places: Bytes::new(Arc::clone(&self.page.places), self.places_at..places_at),
        };
        self.docs_at = docs_at;
        self.places_at = places_at;
        Some(posting)
    }

    /// How many bytes `count` passages and their places take.
    fn measure(&self, start: usize, count: u32) -> Option<(usize, usize)> {
        let bytes = &self.page.docs[start..self.docs_end];
        let mut docs = DocReader::new(bytes);
        let places_bytes = &self.page.places[self.places_at..self.places_end];
        let mut places = Reader::new(places_bytes);
        for _ in 0..count {
            places.skip(docs.next()?.occurrences as usize)?;
        }
        Some((bytes.len() - docs.remaining(), places_bytes.len() - places.remaining()))
    }
}
