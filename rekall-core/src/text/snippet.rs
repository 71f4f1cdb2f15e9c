//! The piece of a text around the words that a search found.
//!
//! FTS5's own `snippet()` is quadratic in the number of words found. This is linear in the text, and looks at a flag on its
//! way.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::query::TextQuery;
use super::tokens::Tokens;
use crate::{Entry, Error};

/// Words between two looks at the flag: about a millisecond.
const STRIDE: usize = 4_096;

/// The most words of a snippet.
const MOST_WORDS: usize = 64;

/// Makes snippets for one search: made once, used for each hit.
///
/// ```
/// # use rekall_core::{Snippets, TextQuery};
/// let snippets = Snippets::new(&TextQuery::new("memory"), 4);
/// let text = "The pipeline ran out of memories late last night.";
/// let passage = snippets.passage(text, None)?.unwrap();
/// assert_eq!(&text[passage.range.clone()], "of memories late last");
/// assert_eq!(passage.marked(text, "[", "]"), "…of [memories] late last…");
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snippets {
    words: usize,
    /// How many words the query has.
    sought: usize,
    phrases: Vec<Phrase>,
    /// Phrases by their first term, where that has to be the whole word.
    first: HashMap<Vec<u8>, Vec<usize>>,
    /// Those whose only term is the beginning of a word.
    prefixes: Vec<usize>,
}

/// A word of the query as the index has it: most are one term, `l'été` without its apostrophe would be two.
#[derive(Debug, Clone)]
struct Phrase {
    terms: Vec<Vec<u8>>,
    /// Whether the last term may be the beginning of a word.
    prefix: bool,
    /// Which word of the query it matches.
    word: usize,
}

impl Phrase {
    fn fits(&self, at: usize, term: &[u8]) -> bool {
        let wanted = self.terms[at].as_slice();
        if self.prefix && at + 1 == self.terms.len() { term.starts_with(wanted) } else { term == wanted }
    }
}

/// A piece of a text, in bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The piece.
    pub range: Range<usize>,
    /// The words found in it, in order, none over another.
    pub found: Vec<Range<usize>>,
    /// How many different words of the query are in it.
    pub words: usize,
}

impl Passage {
    /// The piece with `before` and `after` around each word found, and an ellipsis where the text goes on.
    ///
    /// ```
    /// # use rekall_core::{Snippets, TextQuery};
    /// let snippets = Snippets::new(&TextQuery::new("safari"), 3);
    /// let text = "CORS fails on Safari";
    /// let passage = snippets.passage(text, None)?.expect("the word is there");
    /// assert!(passage.marked(text, "[", "]").contains("[Safari]"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn marked(&self, text: &str, before: &str, after: &str) -> String {
        let mut marked =
            String::with_capacity(self.range.len() + self.found.len() * (before.len() + after.len()) + 6);
        if self.range.start > 0 {
            marked.push('…');
        }
        let mut at = self.range.start;
        for found in &self.found {
            marked.push_str(&text[at..found.start]);
            marked.push_str(before);
            marked.push_str(&text[found.clone()]);
            marked.push_str(after);
            at = found.end;
        }
        marked.push_str(&text[at..self.range.end]);
        if self.range.end < text.len() {
            marked.push('…');
        }
        marked
    }
}

/// Words found, as numbers of the text's words.
#[derive(Debug, Clone)]
struct Match {
    first: usize,
    last: usize,
    place: Range<usize>,
    word: usize,
}

impl Snippets {
    /// Snippets of at most `words` words (1 to 64) for what `query` finds.
    #[must_use]
    pub fn new(query: &TextQuery, words: usize) -> Self {
        let mut snippets = Self {
            words: words.clamp(1, MOST_WORDS),
            sought: query.words().len(),
            phrases: Vec::new(),
            first: HashMap::new(),
            prefixes: Vec::new(),
        };
        for word in 0..snippets.sought {
            for (text, prefix) in query.forms(word) {
                let mut tokens = Tokens::of(&text);
                let mut terms = Vec::new();
                while let Some(place) = tokens.next() {
                    terms.push(tokens.term(&place).to_vec());
                }
                let Some(first) = terms.first().cloned() else { continue };
                let number = snippets.phrases.len();
                if prefix && terms.len() == 1 {
                    snippets.prefixes.push(number);
                } else {
                    snippets.first.entry(first).or_default().push(number);
                }
                snippets.phrases.push(Phrase { terms, prefix, word });
            }
        }
        snippets
    }

    /// The best piece of an entry: that with the most different words of the query in it. `None` when the entry holds none
    /// of them. Cost: some 100 ns a word of the entry.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the flag is set.
    pub fn of(
        &self,
        entry: &Entry,
        before: &str,
        after: &str,
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<String>, Error> {
        let tags = entry.tags.join(" ");
        let mut texts = vec![entry.title.as_str(), &entry.content, &tags];
        let context = entry.context.as_ref();
        texts.extend(context.iter().flat_map(|context| context.parts()).map(String::as_str));
        let mut best: Option<(&str, Passage)> = None;
        for text in texts {
            if let Some(passage) = self.passage(text, cancel)?
                && best.as_ref().is_none_or(|(_, best)| passage.words > best.words)
            {
                let all = passage.words == self.sought;
                best = Some((text, passage));
                if all {
                    break;
                }
            }
        }
        Ok(best.map(|(text, passage)| passage.marked(text, before, after)))
    }

    /// The best piece of a text.
    ///
    /// ```
    /// # use rekall_core::{Snippets, TextQuery};
    /// let snippets = Snippets::new(&TextQuery::new("safari"), 4);
    /// let text = "The header is missing, so CORS fails on Safari but not elsewhere.";
    /// let passage = snippets.passage(text, None)?.expect("the word is there");
    /// assert!(text[passage.range.clone()].contains("Safari"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the flag is set.
    pub fn passage(&self, text: &str, cancel: Option<&AtomicBool>) -> Result<Option<Passage>, Error> {
        let Some((first, last, words)) = self.best_window(text, cancel)? else { return Ok(None) };
        // What room is left goes to both sides.
        let room = self.words.saturating_sub(last - first + 1);
        let start = first.saturating_sub(room / 2);
        self.cut(text, start, words, cancel).map(Some)
    }

    /// Numbers of the first and the last word of the best stretch, and how many different words of the query are in it.
    fn best_window(
        &self,
        text: &str,
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<(usize, usize, usize)>, Error> {
        let mut window: VecDeque<Match> = VecDeque::new();
        let mut counts = vec![0_u32; self.sought];
        let mut different = 0;
        let mut best = None;
        let mut best_worth = (0, 0);
        self.walk(text, 0, cancel, |_, _, matches| {
            for found in matches.drain(..) {
                counts[found.word] += 1;
                different += usize::from(counts[found.word] == 1);
                window.push_back(found.clone());
                while let Some(oldest) = window.front()
                    && oldest.first + self.words <= found.last
                    && window.len() > 1
                {
                    counts[oldest.word] -= 1;
                    different -= usize::from(counts[oldest.word] == 0);
                    window.pop_front();
                }
                let worth = (different, window.len());
                if worth > best_worth {
                    best_worth = worth;
                    best = window.front().map(|oldest| (oldest.first, found.last, different));
                }
            }
            true
        })?;
        Ok(best)
    }

    /// The piece from one word on.
    fn cut(
        &self,
        text: &str,
        start: usize,
        words: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Passage, Error> {
        let end = start + self.words;
        let (mut from, mut to, mut goes_on) = (0, text.len(), false);
        let mut found: Vec<Range<usize>> = Vec::new();
        self.walk(text, start, cancel, |number, place, matches| {
            if number == end {
                goes_on = true;
                return false;
            }
            if number == start && number > 0 {
                from = place.start;
            }
            to = place.end;
            for next in matches.drain(..) {
                let mut place = next.place;
                while let Some(last) = found.pop_if(|last| place.start < last.end) {
                    place = last.start.min(place.start)..last.end.max(place.end);
                }
                found.push(place);
            }
            true
        })?;
        Ok(Passage { range: from..if goes_on { to } else { text.len() }, found, words })
    }

    /// Goes through a text, and tells from one word on each one's number and place with the matches that end there, until
    /// it gets false.
    fn walk(
        &self,
        text: &str,
        from: usize,
        cancel: Option<&AtomicBool>,
        mut word: impl FnMut(usize, &Range<usize>, &mut Vec<Match>) -> bool,
    ) -> Result<(), Error> {
        let mut tokens = Tokens::of(text);
        // Phrases of several words that have begun: which, how far, and where.
        let mut open: Vec<(usize, usize, Match)> = Vec::new();
        let (mut matches, mut number) = (Vec::new(), 0);
        while let Some(place) = tokens.next() {
            if number % STRIDE == 0 && cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                return Err(Error::Interrupted);
            }
            number += 1;
            if number <= from {
                continue;
            }
            let number = number - 1;
            let term = tokens.term(&place);
            let mut step = |phrase: usize, at: usize, begun: Match, open: &mut Vec<(usize, usize, Match)>| {
                let sought = &self.phrases[phrase];
                if !sought.fits(at, term) {
                    return;
                }
                let met = Match { last: number, place: begun.place.start..place.end, ..begun };
                if at + 1 == sought.terms.len() {
                    matches.push(met);
                } else {
                    open.push((phrase, at + 1, met));
                }
            };
            for (phrase, at, begun) in std::mem::take(&mut open) {
                step(phrase, at, begun, &mut open);
            }
            let beginning = self.first.get(term).into_iter().flatten().chain(&self.prefixes);
            for &phrase in beginning {
                let begun = Match {
                    first: number,
                    last: number,
                    place: place.clone(),
                    word: self.phrases[phrase].word,
                };
                step(phrase, 0, begun, &mut open);
            }
            if !word(number, &place, &mut matches) {
                return Ok(());
            }
        }
        Ok(())
    }
}
