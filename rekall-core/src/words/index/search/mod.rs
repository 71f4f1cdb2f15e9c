//! A search: which entries hold the words of a query best.
//!
//! Passages are scored by BM25 (k1 1.2, b 0.75; S. Robertson and H. Zaragoza, *The Probabilistic Relevance Framework: BM25
//! and Beyond*, 2009), all words of the query, all passages that hold one of them, exactly. Number of passages, their mean length
//! and each word's passages count what lives only, so what was forgotten changes no score. An entry scores as its
//! best passage.
//!
//! A phrase that was written joined or quoted is a term of its own (its passages, its occurrences) and adds besides what
//! its words and the pairs of them can add at most: so one occurrence outranks the scattered parts, however often
//! they stand there. Words that merely stand side by side in the query are another term, too, of the rarity of their rarest
//! word (D. Metzler and W. B. Croft, *A Markov Random Field Model for Term Dependencies*, 2005). They are looked for in
//! the [`PAIRED_ENTRIES`] best entries only, by words and written phrases, or four times the limit if that is more.
//! Those that score the same as the last of these belong to them, all or, if they are more than [`PAIRED_TIES`], none: which
//! entries are looked at depends on what they hold, never on when they were written. Everything else is exact.

mod adjacent;
mod best;
mod corpus;
mod exact_share;
mod matches;
mod phrase;

use std::sync::atomic::{AtomicBool, Ordering};

use self::best::{Best, Candidate};
use self::corpus::Corpus;
use self::exact_share::ExactShare;
use self::matches::{Match, WordPostings};
use self::phrase::FoundPhrase;
use super::{IndexError, PassageKey, Source};
use crate::words::query::{Phrase, Word};

/// In how many entries words that stand side by side in the query are looked for, at least.
pub(crate) const PAIRED_ENTRIES: usize = 512;

/// How many entries more, if they score the same as the last of these.
pub(crate) const PAIRED_TIES: usize = 4096;

/// An entry that holds words of the query.
#[derive(Debug, Clone, PartialEq)]
pub struct WordHit {
    /// Its best passage.
    pub key: PassageKey,
    /// Score of that passage, above 0; larger is better. Scores of different queries cannot be compared.
    pub score: f64,
    /// The share of the query's weight, from 0 to 1, that stands in the passage as it was written: joined or in quotes. All
    /// of it where the passage holds a whole query of four words or more; half of it where other entries write it as the
    /// query does, character for character, and this one does not.
    pub exact: f32,
    /// The entry's other passages that hold words of the query, with their scores, best first.
    pub also: Vec<(PassageKey, f32)>,
}

/// What to search, and in which entries.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Words, each counted by itself.
    pub(crate) words: &'a [Word],
    /// Sequences of these words; one with an index out of range is ignored, as is one without words.
    pub(crate) phrases: &'a [Phrase],
    /// Whether an entry may be a hit, by its row. Asked only about entries that would be among the best.
    pub(crate) admitted: &'a dyn Fn(i64) -> bool,
    /// The most hits, apart from those that score the same as the last of them.
    pub(crate) limit: usize,
    /// Stops the search once it is set.
    pub(crate) cancel: Option<&'a AtomicBool>,
}

impl Request<'_> {
    fn go_on(&self) -> Result<(), IndexError> {
        match self.cancel {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(crate::Error::Interrupted.into()),
            _ => Ok(()),
        }
    }

    /// The phrases that can be searched, of which `chosen` holds.
    fn phrases(&self, chosen: impl Fn(&Phrase) -> bool) -> impl Iterator<Item = &Phrase> {
        let is_whole = |phrase: &Phrase| {
            !phrase.words.is_empty() && phrase.words.iter().all(|&word| word < self.words.len())
        };
        self.phrases.iter().filter(move |phrase| is_whole(phrase) && chosen(phrase))
    }
}

/// Memory that searches use again: eight bytes for each passage of the sources.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The score of each passage, by source.
    scores: Vec<Vec<f64>>,
    matches: Vec<Match>,
}

impl Scratch {
    fn clear(&mut self, sources: &[&dyn Source]) {
        self.scores.resize_with(sources.len(), Vec::new);
        for (scores, source) in self.scores.iter_mut().zip(sources) {
            scores.clear();
            scores.resize(source.passages().len(), 0.0);
        }
    }
}

/// The best entries for the request, in the order of their scores, then of their rows; and all that score the same as the last of
/// them, so that the caller can break that tie by another rule.
///
/// Cost: some 5 ns for each passage that holds a word, for each word; 10 ns for each passage that holds the rarest word of a
/// written phrase, for each word of it; and 1 ns for each passage there is.
///
/// # Errors
///
/// [`IndexError::Damaged`], what a source failed with, [`crate::Error::Interrupted`] once the flag is set.
pub(crate) fn search(
    sources: &[&dyn Source],
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Vec<WordHit>, IndexError> {
    let corpus = Corpus::of(sources);
    if corpus.passages == 0 || request.limit == 0 || request.words.is_empty() {
        return Ok(Vec::new());
    }
    scratch.clear(sources);
    let words = score_words(sources, request, &corpus, scratch)?;
    let phrases = score_phrases(sources, request, &corpus, &words, scratch)?;
    let required: Vec<&FoundPhrase<'_>> = phrases.iter().filter(|found| found.phrase.required).collect();
    let required: Vec<Vec<i64>> = required.iter().map(|found| found.rows(sources)).collect();
    let admitted =
        |row| required.iter().all(|rows| rows.binary_search(&row).is_ok()) && (request.admitted)(row);

    let paired = request.phrases(adjacent::is_sought).next().is_some();
    let wanted = if paired { PAIRED_ENTRIES.max(request.limit.saturating_mul(4)) } else { request.limit };
    let mut best = Best::new(wanted);
    for (number, source) in sources.iter().enumerate() {
        request.go_on()?;
        best.offer(number, source.passages(), &scratch.scores[number], &admitted);
    }
    let mut best = best.finish();
    let mut copies = Vec::new();
    if paired {
        let looked_at = without_many_ties(&best, wanted);
        copies = adjacent::score(sources, request, &corpus, &words, &best[..looked_at], &mut scratch.scores)?;
        best[..looked_at]
            .iter_mut()
            .for_each(|candidate| candidate.update(&scratch.scores[candidate.source]));
        best::drop_worse(&mut best, request.limit);
        best.sort_by(Candidate::order);
    }
    let mut exact = ExactShare::of(&words, &phrases, &copies);
    let hit = |candidate: &Candidate| {
        let passages = sources[candidate.source].passages();
        let scores = &scratch.scores[candidate.source];
        let others = candidate
            .ordinals
            .clone()
            .filter(|&other| other != candidate.best && scores[other as usize] > 0.0);
        let mut also: Vec<(PassageKey, f32)> =
            others.map(|other| (passages.key(other), scores[other as usize] as f32)).collect();
        also.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let exact = exact.of_passage(candidate.source, candidate.best);
        WordHit { key: passages.key(candidate.best), score: candidate.score, exact, also }
    };
    Ok(best.iter().map(hit).collect())
}

/// How many of the candidates, which are in order, are looked at for pairs, if `wanted` are to be.
fn without_many_ties(candidates: &[Candidate], wanted: usize) -> usize {
    match candidates.last() {
        Some(last) if candidates.len() > wanted.saturating_add(PAIRED_TIES) => {
            candidates.partition_point(|candidate| candidate.score > last.score)
        }
        _ => candidates.len(),
    }
}

/// A word as it was found.
struct FoundWord {
    /// Its postings in each source.
    postings: Vec<WordPostings>,
    idf: f64,
    /// What a passage gets for it at most.
    gain: f64,
}

fn score_words(
    sources: &[&dyn Source],
    request: &Request<'_>,
    corpus: &Corpus,
    scratch: &mut Scratch,
) -> Result<Vec<FoundWord>, IndexError> {
    let mut words = Vec::with_capacity(request.words.len());
    for word in request.words {
        let mut postings = Vec::with_capacity(sources.len());
        scratch.matches.clear();
        let mut ends = Vec::with_capacity(sources.len());
        for &source in sources {
            request.go_on()?;
            let found = WordPostings::read(source, word, request)?;
            found.matches(source, &mut scratch.matches)?;
            postings.push(found);
            ends.push(scratch.matches.len());
        }
        let idf = corpus.idf(scratch.matches.len());
        let gain = corpus.gain(f64::from(word.weight), idf);
        if gain > 0.0 {
            let mut start = 0;
            for ((source, scores), end) in sources.iter().zip(&mut scratch.scores).zip(ends) {
                corpus.add(gain, &scratch.matches[start..end], source.passages(), scores);
                start = end;
            }
        }
        words.push(FoundWord { postings, idf, gain });
    }
    Ok(words)
}

/// Finds and scores the phrases that were meant as such, and finds all that are required.
fn score_phrases<'a>(
    sources: &[&dyn Source],
    request: &'a Request<'_>,
    corpus: &Corpus,
    words: &[FoundWord],
    scratch: &mut Scratch,
) -> Result<Vec<FoundPhrase<'a>>, IndexError> {
    let is_exact = |phrase: &Phrase| phrase.kind.is_meant();
    let mut phrases = Vec::new();
    for phrase in request.phrases(|phrase| is_exact(phrase) || phrase.required) {
        let found = FoundPhrase::find(sources, request, words, phrase)?;
        if is_exact(phrase) {
            let idf = corpus.idf(found.passages());
            let weight = f64::from(phrase.weight);
            let (gain, parts) =
                (corpus.gain(weight, idf), weight * most_of_parts(request, corpus, words, phrase));
            for ((source, scores), matches) in sources.iter().zip(&mut scratch.scores).zip(&found.matches) {
                corpus.add(gain, matches, source.passages(), scores);
                matches.iter().for_each(|found| scores[found.ordinal as usize] += parts);
            }
        }
        phrases.push(found);
    }
    Ok(phrases)
}

/// What a passage can get for the words of a phrase, and for their standing side by side, at most.
fn most_of_parts(request: &Request<'_>, corpus: &Corpus, words: &[FoundWord], phrase: &Phrase) -> f64 {
    let mut parts = phrase.words.clone();
    parts.sort_unstable();
    parts.dedup();
    let singly: f64 = parts.iter().map(|&word| words[word].gain).sum();
    let is_part = |pair: &Phrase| {
        !pair.kind.is_meant() && pair.words.iter().all(|word| parts.binary_search(word).is_ok())
    };
    singly + request.phrases(is_part).map(|pair| adjacent::gain(corpus, words, pair)).sum::<f64>()
}
