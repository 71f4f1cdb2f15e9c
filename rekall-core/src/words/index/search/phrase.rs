//! Phrases that were meant as such: where their words stand side by side.

use super::matches::{Match, WordPlaces};
use super::{FoundWord, Request};
use crate::words::index::posting::Place;
use crate::words::index::{IndexError, Source};
use crate::words::query::Phrase;

/// Passages looked at between two looks at the cancel flag.
const STRIDE: usize = 4096;

/// A phrase with the passages that hold it.
pub(super) struct FoundPhrase<'a> {
    pub(super) phrase: &'a Phrase,
    /// By source; only living passages.
    pub(super) matches: Vec<Vec<Match>>,
    /// The same, a bit a passage.
    holders: Vec<Vec<u64>>,
}

impl<'a> FoundPhrase<'a> {
    pub(super) fn find(
        sources: &[&dyn Source],
        request: &Request<'_>,
        words: &[FoundWord],
        phrase: &'a Phrase,
    ) -> Result<Self, IndexError> {
        let in_source = |(number, &source)| find_in_source(number, source, request, words, phrase);
        let matches: Vec<Vec<Match>> = sources.iter().enumerate().map(in_source).collect::<Result<_, _>>()?;
        let bits = |matches: &Vec<Match>| {
            let mut bits = vec![0u64; matches.last().map_or(0, |last| last.ordinal as usize / 64 + 1)];
            matches.iter().for_each(|found| bits[found.ordinal as usize / 64] |= 1 << (found.ordinal % 64));
            bits
        };
        let holders = matches.iter().map(bits).collect();
        Ok(Self { phrase, matches, holders })
    }

    /// Whether this passage holds it.
    pub(super) fn is_in(&self, source: usize, ordinal: u32) -> bool {
        self.holders[source].get(ordinal as usize / 64).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
    }

    /// How many passages hold it.
    pub(super) fn passages(&self) -> usize {
        self.matches.iter().map(Vec::len).sum()
    }

    /// The rows of entries that hold it, ascending.
    pub(super) fn rows(&self, sources: &[&dyn Source]) -> Vec<i64> {
        let rows_of = |(source, matches): (&&dyn Source, &Vec<Match>)| {
            let passages = source.passages();
            matches.iter().map(|found| passages.row(found.ordinal)).collect::<Vec<i64>>()
        };
        let mut rows: Vec<i64> = sources.iter().zip(&self.matches).flat_map(rows_of).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

fn find_in_source(
    number: usize,
    source: &dyn Source,
    request: &Request<'_>,
    words: &[FoundWord],
    phrase: &Phrase,
) -> Result<Vec<Match>, IndexError> {
    // The rarest word first: what does not hold it need not be looked at.
    let count = |slot: &usize| words[phrase.words[*slot]].postings[number].count();
    let mut order: Vec<usize> = (0..phrase.words.len()).collect();
    order.sort_by_key(count);
    if count(&order[0]) == 0 {
        return Ok(Vec::new());
    }
    let mut candidates = Vec::new();
    words[phrase.words[order[0]]].postings[number].matches(source, &mut candidates)?;
    let passages = source.passages().len();
    let mut readers: Vec<WordPlaces<'_>> = phrase
        .words
        .iter()
        .map(|&word| words[word].postings[number].places(passages))
        .collect::<Result<_, _>>()?;
    let mut places: Vec<Vec<Place>> = vec![Vec::new(); phrase.words.len()];
    let mut found = Vec::new();
    for (looked_at, candidate) in candidates.iter().enumerate() {
        if looked_at % STRIDE == 0 {
            request.go_on()?;
        }
        let mut all = true;
        for &slot in &order {
            places[slot].clear();
            readers[slot].read(candidate.ordinal, &mut places[slot])?;
            all = !places[slot].is_empty();
            if !all {
                break;
            }
        }
        let frequency = if all { occurrences(&places, phrase.joined) } else { 0 };
        if frequency > 0 {
            found.push(Match { ordinal: candidate.ordinal, frequency });
        }
    }
    Ok(found)
}

/// How often places of the first list are followed by places of the others, one after the other.
pub(super) fn occurrences<L: AsRef<[Place]>>(lists: &[L], joined: bool) -> u32 {
    let Some((first, others)) = lists.split_first() else { return 0 };
    let mut count = 0;
    let mut last = None;
    for start in first.as_ref() {
        // Two forms of a word can stand at one position.
        if last == Some(start.position) {
            continue;
        }
        last = Some(start.position);
        let follows = |(list, step): (&L, u32)| {
            let list = list.as_ref();
            let Some(position) = start.position.checked_add(step) else { return false };
            let at = list.partition_point(|place| place.position < position);
            let here = list[at..].iter().take_while(|place| place.position == position);
            here.into_iter().any(|place| place.joined || !joined)
        };
        count += u32::from(others.iter().zip(1..).all(follows));
    }
    count
}
