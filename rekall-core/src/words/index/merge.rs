//! Several segments made into one.

use super::docs::Docs;
use super::page::PageWriter;
use super::posting::push_doc;
use super::source::TermRange;
use super::varint::Reader;
use super::{Dead, IndexError, Page, Pages, Passages, Posting};

/// The table of the segment that these become, oldest first; each with its passages that are dead, of which also those
/// count that a newer one of them speaks for.
///
/// Rows that are gone must be kept as such while an older segment may know them: until `is_oldest`, which says that there
/// is none before the first of these.
pub(crate) fn merged_docs(segments: &[(&Docs, &Dead)], is_oldest: bool) -> Docs {
    // Each row comes from the newest that speaks for it.
    let mut rows: Vec<(i64, usize)> = segments
        .iter()
        .zip(0..)
        .flat_map(|((docs, _), number)| docs.rows().iter().map(move |&row| (row, number)))
        .collect();
    rows.sort_unstable();
    let newest = rows.chunk_by(|a, b| a.0 == b.0).filter_map(|same| same.last().copied());
    let (mut kept, mut passages) = (Vec::new(), Passages::default());
    for (row, number) in newest {
        let (docs, dead) = segments[number];
        let before = passages.len();
        for ordinal in docs.passages_of(row).filter(|&ordinal| !dead.contains(ordinal)) {
            let from = docs.passages();
            passages.push(from.key(ordinal), from.length(ordinal), from.check(ordinal));
        }
        if !is_oldest || passages.len() > before {
            kept.push(row);
        }
    }
    Docs::new(kept, passages)
}

/// Writes the pages of a merged segment, a page at a time. It can be broken off after any page and taken up again.
pub(crate) struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    writer: PageWriter,
    list: MergedList,
}

struct Input<'a> {
    docs: &'a Docs,
    /// For each passage its ordinal in the merged segment, or [`GONE`].
    renumbered: Vec<u32>,
    terms: TermRange<'a>,
    posting: Option<Posting>,
}

const GONE: u32 = u32::MAX;

impl<'a> Merge<'a> {
    /// Goes on with the merge of these segments, oldest first, into the one with the table `into`, which [`merged_docs`]
    /// made of the same segments when the merge began. `after` is the last term written so far
    /// ([`Page::last_term`] of the last page), empty at the beginning.
    ///
    /// Passages that have died since the beginning stay in the merged segment, dead there too.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    pub(crate) fn new(
        segments: &[(&'a Docs, &'a dyn Pages)],
        into: &Docs,
        after: &[u8],
    ) -> Result<Self, IndexError> {
        let mut inputs = Vec::with_capacity(segments.len());
        for (number, &(docs, pages)) in segments.iter().enumerate() {
            let newer = &segments[number + 1..];
            let mut renumbered = renumber(docs.passages(), into.passages());
            for row in newer.iter().flat_map(|(docs, _)| docs.rows()) {
                docs.passages_of(*row).for_each(|ordinal| renumbered[ordinal as usize] = GONE);
            }
            let mut terms = TermRange::after(pages, after)?;
            let posting = terms.next()?;
            inputs.push(Input { docs, renumbered, terms, posting });
        }
        Ok(Self { inputs, writer: PageWriter::default(), list: MergedList::default() })
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`], or what reading failed with.
    pub(crate) fn next_page(&mut self) -> Result<Option<Page>, IndexError> {
        let mut term = Vec::new();
        loop {
            let ahead =
                self.inputs.iter().filter(|input| input.posting.is_some()).map(|input| input.terms.term());
            let Some(next) = ahead.min() else { return Ok(self.writer.finish()) };
            term.clear();
            term.extend_from_slice(next);
            self.list.clear();
            for input in &mut self.inputs {
                if input.terms.term() == term
                    && let Some(posting) = input.posting.take()
                {
                    self.list.take(&posting, input.docs.passages().len(), &input.renumbered)?;
                    input.posting = input.terms.next()?;
                }
            }
            self.list.encode();
            if self.list.count() > 0
                && let Some(page) =
                    self.writer.push(&term, self.list.count(), &self.list.docs, &self.list.places)
            {
                return Ok(Some(page));
            }
        }
    }
}

/// Where each of `from` is in `into`; both are in the order of their keys.
fn renumber(from: &Passages, into: &Passages) -> Vec<u32> {
    let mut at = 0;
    let find = |ordinal| {
        let key = from.key(ordinal);
        while at < into.len() as u32 && into.key(at) < key {
            at += 1;
        }
        if at < into.len() as u32 && into.key(at) == key { at } else { GONE }
    };
    (0..from.len() as u32).map(find).collect()
}

/// One term's passages out of all segments.
#[derive(Debug, Default)]
struct MergedList {
    found: Vec<Found>,
    /// The places of all passages found, in the order of `found` before it was sorted.
    unsorted: Vec<u8>,
    docs: Vec<u8>,
    places: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    ordinal: u32,
    occurrences: u32,
    frequency: u32,
    start: usize,
    end: usize,
}

impl MergedList {
    fn clear(&mut self) {
        self.found.clear();
        self.unsorted.clear();
        self.docs.clear();
        self.places.clear();
    }

    fn count(&self) -> u32 {
        self.found.len() as u32
    }

    /// Takes what is not gone of a posting.
    fn take(&mut self, posting: &Posting, passages: usize, renumbered: &[u32]) -> Result<(), IndexError> {
        let damaged = || posting.damaged(passages);
        let bytes = posting.places.as_slice();
        let mut places = Reader::new(bytes);
        let base = self.unsorted.len();
        self.unsorted.extend(bytes);
        let mut whole = true;
        posting.for_each(passages, |doc| {
            let start = base + bytes.len() - places.remaining();
            whole &= places.skip(doc.occurrences as usize).is_some();
            let end = base + bytes.len() - places.remaining();
            let ordinal = renumbered[doc.ordinal as usize];
            if ordinal != GONE {
                self.found.push(Found {
                    ordinal,
                    occurrences: doc.occurrences,
                    frequency: doc.frequency,
                    start,
                    end,
                });
            }
        })?;
        if whole && places.remaining() == 0 { Ok(()) } else { Err(damaged()) }
    }

    fn encode(&mut self) {
        // Stable, because this sort takes the runs of the segments as they are.
        self.found.sort_by_key(|found| found.ordinal);
        let mut next = 0;
        for found in &self.found {
            push_doc(&mut self.docs, found.ordinal - next, found.occurrences, found.frequency);
            self.places.extend(&self.unsorted[found.start..found.end]);
            next = found.ordinal + 1;
        }
    }
}
