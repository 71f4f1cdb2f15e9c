//! Words that stand side by side in the query, and perhaps in the passages near the top.

use super::best::Candidate;
use super::corpus::Corpus;
use super::matches::Match;
use super::phrase::occurrences;
use super::{FoundWord, Request};
use crate::words::index::posting::Place;
use crate::words::index::{IndexError, Source};
use crate::words::query::{Phrase, PhraseKind};

/// What such a pair adds at most. It is as rare as its rarest word, at least; how rare exactly would cost a look at all
/// passages that hold both.
pub(super) fn gain(corpus: &Corpus, words: &[FoundWord], pair: &Phrase) -> f64 {
    let idf = pair.words.iter().map(|&word| words[word].idf).fold(0.0, f64::max);
    corpus.gain(f64::from(pair.weight), idf)
}

/// Adds to the scores of the candidates' passages what the pairs in them are worth. Gives the passages that hold the whole
/// query, each as its source and ordinal, in order.
pub(super) fn score(
    sources: &[&dyn Source],
    request: &Request<'_>,
    corpus: &Corpus,
    words: &[FoundWord],
    candidates: &[Candidate],
    scores: &mut [Vec<f64>],
) -> Result<Vec<(usize, u32)>, IndexError> {
    let pairs: Vec<&Phrase> = request.phrases(is_sought).collect();
    let mut copies = Vec::new();
    for ((number, source), scores) in sources.iter().enumerate().zip(scores) {
        request.go_on()?;
        let of_source = candidates.iter().filter(|candidate| candidate.source == number);
        let mut ordinals: Vec<u32> = of_source.flat_map(|candidate| candidate.ordinals.clone()).collect();
        ordinals.retain(|&ordinal| scores[ordinal as usize] > 0.0);
        ordinals.sort_unstable();
        if ordinals.is_empty() {
            continue;
        }
        let passages = source.passages();
        // Each word's places are read once, whatever the number of pairs it stands in.
        let mut places: Vec<Option<PlacesOf>> = words.iter().map(|_| None).collect();
        for &word in pairs.iter().flat_map(|pair| &pair.words) {
            if places[word].is_none() {
                places[word] = Some(PlacesOf::read(&words[word], number, passages.len(), &ordinals)?);
            }
        }
        for pair in &pairs {
            let lists: Vec<&PlacesOf> = pair.words.iter().filter_map(|&word| places[word].as_ref()).collect();
            let found = |(index, &ordinal): (usize, &u32)| {
                let lists: Vec<&[Place]> = lists.iter().map(|list| list.of(index)).collect();
                match occurrences(&lists, pair.joined) {
                    0 => None,
                    frequency => Some(Match { ordinal, frequency }),
                }
            };
            let found: Vec<Match> = ordinals.iter().enumerate().filter_map(found).collect();
            corpus.add(gain(corpus, words, pair), &found, passages, scores);
            if pair.kind == PhraseKind::Copied {
                copies.extend(found.iter().map(|found| (number, found.ordinal)));
            }
        }
    }
    copies.sort_unstable();
    Ok(copies)
}

/// Whether a phrase is one that is looked for near the top.
pub(super) fn is_sought(phrase: &Phrase) -> bool {
    !phrase.kind.is_meant() && phrase.weight > 0.0
}

/// A word's places in some passages.
struct PlacesOf {
    places: Vec<Place>,
    /// Where the places of each passage end.
    ends: Vec<usize>,
}

impl PlacesOf {
    fn read(word: &FoundWord, source: usize, passages: usize, ordinals: &[u32]) -> Result<Self, IndexError> {
        let mut reader = word.postings[source].places(passages)?;
        let (mut places, mut ends) = (Vec::new(), Vec::with_capacity(ordinals.len()));
        for &ordinal in ordinals {
            reader.read(ordinal, &mut places)?;
            ends.push(places.len());
        }
        Ok(Self { places, ends })
    }

    fn of(&self, index: usize) -> &[Place] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.places[start..self.ends[index]]
    }
}
