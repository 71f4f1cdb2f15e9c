//! Where a text holds the words and phrases of a query.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;
use crate::words::query::{Phrase, TextQuery};
use crate::words::tokens::{Tokenizer, is_unspaced};

/// Words between two looks at the flag: about a millisecond.
const STRIDE: u32 = 4_096;

/// A word that weighs less than this is not worth a mark of its own where others are found.
const TELLING: f32 = 0.25;

/// What a query looks for: its *items*, the words, then the phrases that are marked as one.
#[derive(Debug)]
pub(super) struct Sought {
    weights: Vec<f32>,
    words: usize,
    /// Words by their terms.
    terms: HashMap<Box<str>, Vec<usize>>,
    /// Beginnings of terms, with the words.
    prefixes: Vec<(String, usize)>,
    phrases: Vec<Phrase>,
}

/// A word or phrase found, as numbers of the text's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) place: Range<usize>,
    pub(super) item: usize,
}

/// The words of a text, and those of them that are sought.
#[derive(Debug, Default)]
pub(super) struct Matches {
    words: Vec<TextWord>,
    /// In the order of the text.
    found: Vec<Found>,
}

#[derive(Debug)]
struct TextWord {
    place: Range<usize>,
    joined: bool,
    /// Half words up to its end.
    columns: usize,
}

impl Sought {
    pub(super) fn of(query: &TextQuery) -> Self {
        let mut sought = Self {
            weights: query.words().iter().map(|word| word.weight).collect(),
            words: query.words().len(),
            terms: HashMap::new(),
            prefixes: Vec::new(),
            phrases: query.phrases().iter().filter(|phrase| phrase.kind.is_meant()).cloned().collect(),
        };
        sought.weights.extend(sought.phrases.iter().map(|phrase| phrase.weight));
        for (number, word) in query.words().iter().enumerate() {
            for form in &word.forms {
                if form.prefix {
                    sought.prefixes.push((form.term.clone(), number));
                } else {
                    sought.terms.entry(form.term.as_str().into()).or_default().push(number);
                }
            }
        }
        sought
    }

    pub(super) fn items(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn weight(&self, item: usize) -> f32 {
        self.weights[item]
    }

    pub(super) fn is_word(&self, item: usize) -> bool {
        item < self.words
    }

    fn words_of(&self, term: &str) -> impl Iterator<Item = usize> {
        let begun = self.prefixes.iter().filter(move |(begun, _)| term.starts_with(begun.as_str()));
        let begun: Vec<usize> = begun.map(|(_, word)| *word).collect();
        self.terms.get(term).into_iter().flatten().copied().chain(begun)
    }
}

impl Matches {
    /// Reads a text once.
    pub(super) fn read(
        sought: &Sought,
        text: &str,
        tokenizer: &mut Tokenizer,
        cancel: Option<&AtomicBool>,
    ) -> Result<Self, Error> {
        let mut matches = Self::default();
        let flow = tokenizer.tokenize_while(text, None, &mut |token| {
            if token.main {
                let width = if token.term.chars().next().is_some_and(is_unspaced) { 1 } else { 2 };
                let columns = matches.words.last().map_or(0, |word| word.columns) + width;
                matches.words.push(TextWord { place: token.place.clone(), joined: token.joined, columns });
                if token.position % STRIDE == 0 && cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                    return ControlFlow::Break(());
                }
            }
            let position = token.position as usize;
            for item in sought.words_of(token.term) {
                let found = Found { first: position, last: position, place: token.place.clone(), item };
                // Two forms of a word can stand at one position.
                let known = matches.found.iter().rev().take_while(|known| known.first == position);
                if !known.into_iter().any(|known| known.item == item) {
                    matches.found.push(found);
                }
            }
            ControlFlow::Continue(())
        });
        if flow.is_break() { Err(Error::Interrupted) } else { Ok(matches) }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn place(&self, word: usize) -> &Range<usize> {
        &self.words[word].place
    }

    /// Half words of all words from one to another.
    pub(super) fn columns(&self, first: usize, last: usize) -> usize {
        self.words[last].columns - first.checked_sub(1).map_or(0, |before| self.words[before].columns)
    }

    /// What was found, by where it begins: words that tell something, or all, and phrases.
    pub(super) fn found(&self, sought: &Sought, only_telling: bool) -> Vec<Found> {
        let is_shown = |found: &&Found| !only_telling || sought.weight(found.item) >= TELLING;
        let mut all: Vec<Found> = self.found.iter().filter(is_shown).cloned().collect();
        for (number, phrase) in sought.phrases.iter().enumerate() {
            self.find_phrase(phrase, sought.words + number, &mut all);
        }
        all.sort_by_key(|found| (found.last, found.first));
        all
    }

    fn find_phrase(&self, phrase: &Phrase, item: usize, all: &mut Vec<Found>) {
        let holds = |word: usize, position: usize| {
            let start = self.found.partition_point(|found| found.first < position);
            let here = self.found[start..].iter().take_while(|found| found.first == position);
            here.into_iter().any(|found| found.item == word)
        };
        let Some((first, others)) = phrase.words.split_first() else { return };
        for start in self.found.iter().filter(|found| found.item == *first) {
            let follows = |(word, step): (&usize, usize)| {
                let position = start.first + step;
                let is_joined = self.words.get(position).is_some_and(|word| word.joined);
                (is_joined || !phrase.joined) && holds(*word, position)
            };
            if others.iter().zip(1..).all(follows) {
                let last = start.first + others.len();
                let end = self.words[last].place.end.max(start.place.end);
                all.push(Found { first: start.first, last, place: start.place.start..end, item });
            }
        }
    }
}
