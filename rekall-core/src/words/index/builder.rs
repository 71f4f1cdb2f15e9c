//! Passages on their way into a segment.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::occurrence_check::TermCheck;
use super::page::PageWriter;
use super::posting::{Bytes, Place, push_doc, push_places};
use super::{Dead, Docs, IndexError, Page, PassageKey, Passages, Posting, Source};

/// Positions are cut off here; no entry is that long.
const LAST_POSITION: u32 = (1 << 29) - 1;

/// Dead passages are dropped once there are this many more of them than living ones.
const MANY_DEAD: usize = 1024;

const NONE: u32 = u32::MAX;

/// A term at its place in a passage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    /// The term; not empty, and at most 64 bytes by convention.
    pub(crate) term: &'a str,
    /// Position in the passage, ascending from token to token; several tokens may share one.
    pub(crate) position: u32,
    /// Whether no white space stands before it.
    pub(crate) joined: bool,
    /// What an occurrence counts: 1 to 3.
    pub(crate) weight: u8,
    /// Whether it counts for the passage's length: true for one of the tokens that share a position.
    pub(crate) main: bool,
}

/// Collects passages in memory: to become a segment, or to be searched as they are.
///
/// Cost: about 0.2 µs a token; 16 bytes a token, and 50 bytes a different term; 8 more a token while it becomes a segment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Builder {
    interner: Interner,
    occurrences: Vec<Occurrence>,
    /// In the order in which they came.
    passages: Passages,
    dead: Dead,
    /// The rows it speaks for, with their passages.
    rows: BTreeMap<i64, Range<u32>>,
    current_row: Option<i64>,
    last_position: u32,
}

/// One place of a term, and where the term's next one is kept.
#[derive(Debug, Clone, Copy)]
struct Occurrence {
    found: Found,
    term: u32,
    next: u32,
}

/// A passage, and a place in it.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    ordinal: u32,
    /// Position, weight in two bits, and `joined` in the lowest.
    packed: u32,
}

impl Found {
    fn place(self) -> Place {
        Place { position: self.packed >> 3, joined: self.packed & 1 == 1 }
    }

    fn weight(self) -> u32 {
        self.packed >> 1 & 3
    }
}

impl Builder {
    /// About how many bytes of heap it takes; a row of the map some 32.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.interner.memory_bytes()
            + self.occurrences.capacity() * size_of::<Occurrence>()
            + self.passages.memory_bytes()
            + self.dead.memory_bytes()
            + self.rows.len() * 32
    }

    /// Says that a row holds nothing: what was known of it is forgotten, and older sources are outdated about it.
    pub(crate) fn remove(&mut self, row: i64) {
        let before = self.rows.insert(row, 0..0).unwrap_or_default();
        before.for_each(|ordinal| self.dead.mark(&self.passages, ordinal));
        self.current_row = None;
        if self.dead.count() > MANY_DEAD + self.passages.len() / 2 {
            self.drop_dead();
        }
    }

    /// Begins a passage, to which the tokens that follow belong.
    ///
    /// The passages of a row are added one after the other, in the order of their keys. One of a row that is not the
    /// row of the passage before replaces all that was known of the row, as after [`Self::remove`].
    pub(crate) fn start_passage(&mut self, key: PassageKey) {
        if self.current_row != Some(key.row) {
            self.remove(key.row);
            self.current_row = Some(key.row);
        }
        let ordinal = self.passages.len() as u32;
        self.passages.push(key, 0, 0);
        let range = self.rows.entry(key.row).or_default();
        *range = if range.start == range.end { ordinal..ordinal + 1 } else { range.start..ordinal + 1 };
        self.last_position = 0;
    }

    /// Adds a token to the passage begun last; before the first, it is ignored, as is an empty term.
    pub(crate) fn add(&mut self, token: Token<'_>) {
        let Some(last) = self.passages.len().checked_sub(1) else { return };
        if token.term.is_empty() || self.current_row.is_none() {
            return;
        }
        let ordinal = last as u32;
        let weight = u32::from(token.weight.clamp(1, 3));
        if token.main {
            self.passages.lengths[last] = self.passages.lengths[last].saturating_add(weight);
        }
        // Ascending whatever is given, because the lists of places rely on it.
        self.last_position = token.position.clamp(self.last_position, LAST_POSITION);
        let place = Place { position: self.last_position, joined: token.joined };
        let index = self.occurrences.len() as u32;
        let number = self.interner.number(token.term.as_bytes());
        let term = &mut self.interner.terms[number as usize];
        if let Some(Occurrence { found: before, .. }) = self.occurrences.get(term.last as usize)
            && before.ordinal == ordinal
            && before.place().position == place.position
        {
            return;
        }
        let check = &mut self.passages.checks[last];
        *check = check.wrapping_add(term.check.place(place)).wrapping_add(term.check.frequency(weight));
        match self.occurrences.get_mut(term.last as usize) {
            Some(before) => before.next = index,
            None => term.first = index,
        }
        term.last = index;
        let packed = place.position << 3 | weight << 1 | u32::from(place.joined);
        self.occurrences.push(Occurrence { found: Found { ordinal, packed }, term: number, next: NONE });
    }

    /// The rows that it speaks for, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = i64> {
        self.rows.keys().copied()
    }

    /// Makes a segment of what was added: its table and its pages, in order.
    pub(crate) fn build(&self) -> (Docs, Vec<Page>) {
        let mut order: Vec<u32> = self.living().collect();
        order.sort_unstable_by_key(|&ordinal| self.passages.key(ordinal));
        let mut passages = Passages::default();
        let mut renumbered = vec![NONE; self.passages.len()];
        for (&old, new) in order.iter().zip(0..) {
            renumbered[old as usize] = new;
            passages.push(self.passages.key(old), self.passages.length(old), self.passages.check(old));
        }
        let mut pages = Vec::new();
        let mut writer = PageWriter::default();
        let mut list = TermList::default();
        let terms = self.interner.in_order();
        let (sorted, ends) = self.sorted(&terms, &renumbered);
        let mut start = 0;
        for number in terms {
            let term = &self.interner.terms[number as usize];
            let end = ends[number as usize];
            list.fill(sorted[start..end].iter().copied());
            start = end;
            if list.count > 0 {
                pages.extend(writer.push(self.interner.text(term), list.count, &list.docs, &list.places));
            }
        }
        pages.extend(writer.finish());
        (Docs::new(self.rows.keys().copied().collect(), passages), pages)
    }

    /// Places in living passages, renumbered, term by term in this order, and where those of each term end. Sorted by counting: going from
    /// each place of a term to its next one waits for memory at every step.
    fn sorted(&self, terms: &[u32], renumbered: &[u32]) -> (Vec<Found>, Vec<usize>) {
        let living =
            |found: Found| Some(renumbered[found.ordinal as usize]).filter(|&ordinal| ordinal != NONE);
        let mut counts = vec![0; terms.len()];
        for &Occurrence { found, term, .. } in &self.occurrences {
            counts[term as usize] += usize::from(living(found).is_some());
        }
        let mut next = 0;
        for &term in terms {
            let count = std::mem::replace(&mut counts[term as usize], next);
            next += count;
        }
        let (mut sorted, mut ends) = (vec![Found::default(); next], counts);
        for &Occurrence { found, term, .. } in &self.occurrences {
            if let Some(ordinal) = living(found) {
                let end = &mut ends[term as usize];
                sorted[*end] = Found { ordinal, ..found };
                *end += 1;
            }
        }
        (sorted, ends)
    }

    fn living(&self) -> impl Iterator<Item = u32> {
        (0..self.passages.len() as u32).filter(|&ordinal| !self.dead.contains(ordinal))
    }

    /// The places of a term, in the order in which they came.
    fn walk(&self, term: &Term) -> impl Iterator<Item = Found> {
        let at = |index: u32| self.occurrences.get(index as usize).copied();
        std::iter::successors(at(term.first), move |found| at(found.next)).map(|occurrence| occurrence.found)
    }

    fn posting_of(&self, term: &Term) -> Posting {
        let mut list = TermList::default();
        list.fill(self.walk(term));
        let bytes = |bytes: Vec<u8>| Bytes::new(Arc::from(bytes.as_slice()), 0..bytes.len());
        Posting { count: list.count, docs: bytes(list.docs), places: bytes(list.places) }
    }

    /// Gives the memory of dead passages back.
    fn drop_dead(&mut self) {
        let mut kept = Self { rows: std::mem::take(&mut self.rows), ..Self::default() };
        let mut renumbered = vec![NONE; self.passages.len()];
        for (old, new) in self.living().zip(0..) {
            renumbered[old as usize] = new;
            kept.passages.push(self.passages.key(old), self.passages.length(old), self.passages.check(old));
        }
        for range in kept.rows.values_mut().filter(|range| range.start < range.end) {
            let start = renumbered[range.start as usize];
            *range = start..start + range.len() as u32;
        }
        for term in &self.interner.terms {
            let mut places =
                self.walk(term).filter(|found| renumbered[found.ordinal as usize] != NONE).peekable();
            if places.peek().is_none() {
                continue;
            }
            let number = kept.interner.number(self.interner.text(term));
            let first = kept.occurrences.len() as u32;
            for (found, next) in places.zip(first + 1..) {
                let found = Found { ordinal: renumbered[found.ordinal as usize], ..found };
                kept.occurrences.push(Occurrence { found, term: number, next });
            }
            let last = kept.occurrences.len() as u32 - 1;
            if let Some(found) = kept.occurrences.last_mut() {
                found.next = NONE;
            }
            let term = &mut kept.interner.terms[number as usize];
            (term.first, term.last) = (first, last);
        }
        *self = kept;
    }
}

impl Source for Builder {
    fn passages(&self) -> &Passages {
        &self.passages
    }

    fn dead(&self) -> &Dead {
        &self.dead
    }

    fn posting(&self, term: &[u8]) -> Result<Option<Posting>, IndexError> {
        Ok(self.interner.find(term).map(|term| self.posting_of(term)))
    }

    fn with_prefix(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(Posting) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let mut matching =
            self.interner.terms.iter().filter(|term| self.interner.text(term).starts_with(prefix));
        matching.try_for_each(|term| each(self.posting_of(term)))
    }
}

/// A term's passages and places, encoded.
#[derive(Debug, Default)]
struct TermList {
    found: Vec<Found>,
    count: u32,
    docs: Vec<u8>,
    places: Vec<u8>,
}

impl TermList {
    /// Encodes these places.
    fn fill(&mut self, places: impl Iterator<Item = Found>) {
        self.found.clear();
        self.found.extend(places);
        // Stable: places of a passage are in order already.
        if !self.found.is_sorted_by_key(|found| found.ordinal) {
            self.found.sort_by_key(|found| found.ordinal);
        }
        self.count = 0;
        self.docs.clear();
        self.places.clear();
        let mut next = 0;
        for passage in self.found.chunk_by(|a, b| a.ordinal == b.ordinal) {
            let ordinal = passage[0].ordinal;
            let frequency = passage.iter().map(|found| found.weight()).sum();
            push_doc(&mut self.docs, ordinal - next, passage.len() as u32, frequency);
            push_places(&mut self.places, passage.iter().map(|found| found.place()));
            next = ordinal + 1;
            self.count += 1;
        }
    }
}

#[derive(Debug, Clone)]
struct Term {
    start: u32,
    length: u32,
    check: TermCheck,
    /// Its first and its last occurrence.
    first: u32,
    last: u32,
}

/// The different terms, one after the other in one text.
#[derive(Debug, Clone, Default)]
struct Interner {
    text: Vec<u8>,
    terms: Vec<Term>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    fn memory_bytes(&self) -> usize {
        self.text.capacity()
            + self.terms.capacity() * size_of::<Term>()
            + self.table.capacity() * (size_of::<u32>() + 1)
    }

    fn text(&self, term: &Term) -> &[u8] {
        bytes_of(&self.text, term)
    }

    fn find(&self, term: &[u8]) -> Option<&Term> {
        let hash = self.hasher.hash_one(term);
        let index = self.table.find(hash, |&index| self.text(&self.terms[index as usize]) == term)?;
        Some(&self.terms[*index as usize])
    }

    /// The number of the term with this text; a new one has no occurrence.
    fn number(&mut self, term: &[u8]) -> u32 {
        let Self { text, terms, table, hasher } = self;
        let hash = hasher.hash_one(term);
        let entry = table.entry(
            hash,
            |&index| bytes_of(text, &terms[index as usize]) == term,
            |&index| hasher.hash_one(bytes_of(text, &terms[index as usize])),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(entry) => *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let index = terms.len() as u32;
                entry.insert(index);
                let (start, length) = (text.len() as u32, term.len() as u32);
                text.extend(term);
                terms.push(Term { start, length, check: TermCheck::of(term), first: NONE, last: NONE });
                index
            }
        }
    }

    /// The numbers of the terms, in the order of their texts.
    fn in_order(&self) -> Vec<u32> {
        let mut terms: Vec<u32> = (0..self.terms.len() as u32).collect();
        terms.sort_unstable_by_key(|&number| self.text(&self.terms[number as usize]));
        terms
    }
}

fn bytes_of<'a>(text: &'a [u8], term: &Term) -> &'a [u8] {
    &text[term.start as usize..][..term.length as usize]
}
