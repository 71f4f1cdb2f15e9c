//! The passages that hold a word in any of its forms.

use super::Request;
use crate::words::index::posting::{Place, PlaceReader};
use crate::words::index::{IndexError, Posting, Source};
use crate::words::query::Word;

/// A passage that holds a word or phrase, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) ordinal: u32,
    pub(super) frequency: u32,
}

/// The postings of a word's forms in one source.
#[derive(Debug)]
pub(super) struct WordPostings(Vec<Posting>);

impl WordPostings {
    pub(super) fn read(source: &dyn Source, word: &Word, request: &Request<'_>) -> Result<Self, IndexError> {
        let mut postings = Vec::new();
        for form in &word.forms {
            if form.prefix {
                source.with_prefix(form.term.as_bytes(), &mut |posting| {
                    postings.push(posting);
                    request.go_on()
                })?;
            } else {
                postings.extend(source.posting(form.term.as_bytes())?);
            }
        }
        Ok(Self(postings))
    }

    /// How many passages hold it at most.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|posting| posting.count as usize).sum()
    }

    /// Appends the living passages that hold it, by their ordinals, each with the frequency of its most frequent form: forms can be
    /// alternatives for one place of the text, whose sum would count the place twice.
    pub(super) fn matches(&self, source: &dyn Source, out: &mut Vec<Match>) -> Result<(), IndexError> {
        let start = out.len();
        let (passages, dead) = (source.passages().len(), source.dead());
        for posting in &self.0 {
            out.reserve(posting.most());
            if dead.count() == 0 {
                posting.for_each(passages, |doc| {
                    out.push(Match { ordinal: doc.ordinal, frequency: doc.frequency })
                })?;
            } else {
                posting.for_each(passages, |doc| {
                    if !dead.contains(doc.ordinal) {
                        out.push(Match { ordinal: doc.ordinal, frequency: doc.frequency });
                    }
                })?;
            }
        }
        if self.0.len() > 1 {
            let mut found = out.split_off(start);
            // Stable, because this sort takes the runs of the single postings as they are.
            found.sort_by_key(|found| found.ordinal);
            found.dedup_by(|next, kept| {
                let same = next.ordinal == kept.ordinal;
                if same {
                    kept.frequency = kept.frequency.max(next.frequency);
                }
                same
            });
            out.append(&mut found);
        }
        Ok(())
    }

    /// Reads its places, in the order of the passages.
    pub(super) fn places(&self, passages: usize) -> Result<WordPlaces<'_>, IndexError> {
        let mut holders = Vec::new();
        if self.0.len() > 1 {
            for (posting, number) in self.0.iter().zip(0..) {
                posting.for_each(passages, |doc| holders.push((doc.ordinal, number)))?;
            }
            holders.sort();
        }
        let readers = self.0.iter().map(Posting::places).collect();
        Ok(WordPlaces { postings: &self.0, readers, holders, passed: 0, passages })
    }
}

/// The places of a word in chosen passages.
pub(super) struct WordPlaces<'a> {
    postings: &'a [Posting],
    readers: Vec<PlaceReader<'a>>,
    /// Which posting has which passage, if there are several: the others need not be asked.
    holders: Vec<(u32, u32)>,
    passed: usize,
    passages: usize,
}

impl WordPlaces<'_> {
    /// Appends the places of the word in a passage, ascending. Ordinals must ascend from call to call.
    pub(super) fn read(&mut self, ordinal: u32, out: &mut Vec<Place>) -> Result<(), IndexError> {
        let damaged = |posting: &Posting| posting.damaged(self.passages);
        if let [reader] = self.readers.as_mut_slice() {
            return reader.read(ordinal, out).ok_or_else(|| damaged(&self.postings[0]));
        }
        let start = out.len();
        let rest = &self.holders[self.passed..];
        let before = rest.partition_point(|&(holder, _)| holder < ordinal);
        let holders = &rest[before..];
        let count = holders.iter().take_while(|&&(holder, _)| holder == ordinal).count();
        for &(_, number) in &holders[..count] {
            let number = number as usize;
            self.readers[number].read(ordinal, out).ok_or_else(|| damaged(&self.postings[number]))?;
        }
        self.passed += before + count;
        out[start..].sort_unstable();
        Ok(())
    }
}
