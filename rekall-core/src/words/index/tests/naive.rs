//! What a search should find, computed from the passages themselves, one by one.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

#[derive(Debug, Clone)]
pub(super) struct OwnedToken {
    pub(super) term: String,
    pub(super) position: u32,
    pub(super) joined: bool,
    pub(super) weight: u8,
    pub(super) main: bool,
}

/// The passages of each entry that is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Naive(pub(super) BTreeMap<i64, Vec<(PassageKey, Vec<OwnedToken>)>>);

impl Naive {
    fn passages(&self) -> impl Iterator<Item = &(PassageKey, Vec<OwnedToken>)> {
        self.0.values().flatten()
    }

    /// An index of nothing but these passages.
    pub(super) fn builder(&self) -> Builder {
        let mut builder = Builder::default();
        self.passages().for_each(|(key, tokens)| add_tokens(&mut builder, *key, tokens));
        builder
    }

    pub(super) fn search(&self, request: &Request<'_>) -> Vec<WordHit> {
        let all: Vec<_> = self.passages().collect();
        let total: u64 = all.iter().map(|(_, tokens)| length(tokens)).sum();
        let corpus =
            Corpus { count: all.len() as f64, mean: (total as f64 / all.len().max(1) as f64).max(1.0) };
        let idf_of = |frequency: &dyn Fn(&[OwnedToken]) -> u32| {
            corpus.idf(all.iter().filter(|(_, tokens)| frequency(tokens) > 0).count() as f64)
        };
        let idfs: Vec<f64> =
            request.words.iter().map(|word| idf_of(&|tokens| word_frequency(word, tokens))).collect();
        let gains: Vec<f64> =
            request.words.iter().zip(&idfs).map(|(word, idf)| gain(word.weight, *idf)).collect();
        let pair_gain =
            |pair: &Phrase| gain(pair.weight, pair.words.iter().map(|&word| idfs[word]).fold(0.0, f64::max));
        let (pairs, exact): (Vec<_>, Vec<_>) =
            request.phrases.iter().partition(|phrase| !phrase.kind.is_meant());
        let occurrences = |phrase: &Phrase, tokens: &[OwnedToken]| occurrences(request.words, phrase, tokens);

        let score = |tokens: &[OwnedToken]| {
            let mut score = 0.0;
            let share = |frequency| corpus.share(frequency, length(tokens));
            for (word, gain) in request.words.iter().zip(&gains) {
                match word_frequency(word, tokens) {
                    0 => {}
                    frequency => score += gain * share(frequency),
                }
            }
            for phrase in &exact {
                let frequency = occurrences(phrase, tokens);
                if frequency > 0 {
                    let parts: BTreeSet<usize> = phrase.words.iter().copied().collect();
                    let within =
                        pairs.iter().filter(|pair| pair.words.iter().all(|word| parts.contains(word)));
                    let singly: f64 = parts.iter().map(|&word| gains[word]).sum();
                    let most = singly + within.map(|pair| pair_gain(pair)).sum::<f64>();
                    score +=
                        gain(phrase.weight, idf_of(&|tokens| occurrences(phrase, tokens))) * share(frequency);
                    score += f64::from(phrase.weight) * most;
                }
            }
            // Pairs are looked for where something else was found.
            if score > 0.0 {
                for pair in &pairs {
                    match occurrences(pair, tokens) {
                        0 => {}
                        frequency => score += pair_gain(pair) * share(frequency),
                    }
                }
            }
            score
        };
        let is_copied = |phrase: &&Phrase| phrase.kind == PhraseKind::Copied && phrase.weight > 0.0;
        let exact_share = |tokens: &[OwnedToken]| {
            if pairs.iter().any(|phrase| is_copied(phrase) && occurrences(phrase, tokens) > 0) {
                return 1.0;
            }
            let found: Vec<_> = exact.iter().filter(|phrase| occurrences(phrase, tokens) > 0).collect();
            let stands: BTreeSet<usize> =
                found.iter().flat_map(|phrase| phrase.words.iter().copied()).collect();
            let whole: f64 = gains.iter().sum();
            if whole == 0.0 {
                return f32::from(u8::from(!found.is_empty()));
            }
            (stands.iter().map(|&word| gains[word]).sum::<f64>() / whole) as f32
        };

        let mut hits = Vec::new();
        for (&row, passages) in &self.0 {
            let holds = |phrase: &&Phrase| passages.iter().any(|(_, tokens)| occurrences(phrase, tokens) > 0);
            if !(request.admitted)(row)
                || !request.phrases.iter().filter(|phrase| phrase.required).all(|p| holds(&p))
            {
                continue;
            }
            let mut scored: Vec<_> =
                passages.iter().map(|(key, tokens)| (score(tokens), *key, tokens)).collect();
            scored.retain(|(score, ..)| *score > 0.0);
            scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            if let Some(((score, key, tokens), others)) = scored.split_first() {
                let also = others.iter().map(|(score, key, _)| (*key, *score as f32)).collect();
                hits.push(WordHit { key: *key, score: *score, exact: exact_share(tokens), also });
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.row.cmp(&b.key.row)));
        let least = request.limit.checked_sub(1).and_then(|last| hits.get(last)).map_or(0.0, |hit| hit.score);
        hits.retain(|hit| hit.score >= least);
        hits
    }
}

pub(super) fn add_tokens(builder: &mut Builder, key: PassageKey, tokens: &[OwnedToken]) {
    builder.start_passage(key);
    for token in tokens {
        let &OwnedToken { position, joined, weight, main, .. } = token;
        builder.add(Token { term: &token.term, position, joined, weight, main });
    }
}

struct Corpus {
    count: f64,
    mean: f64,
}

impl Corpus {
    fn idf(&self, found: f64) -> f64 {
        (1.0 + (self.count - found + 0.5) / (found + 0.5)).ln()
    }

    fn share(&self, frequency: u32, length: u64) -> f64 {
        let frequency = f64::from(frequency);
        frequency / (frequency + 1.2 * (1.0 - 0.75 + 0.75 * length as f64 / self.mean))
    }
}

fn gain(weight: f32, idf: f64) -> f64 {
    f64::from(weight) * idf * 2.2
}

fn length(tokens: &[OwnedToken]) -> u64 {
    tokens.iter().filter(|token| token.main).map(|token| u64::from(token.weight)).sum()
}

fn word_frequency(word: &Word, tokens: &[OwnedToken]) -> u32 {
    let matching = |token: &&OwnedToken| word.forms.iter().any(|form| fits(form, &token.term));
    let mut by_term: BTreeMap<&str, BTreeMap<u32, u32>> = BTreeMap::new();
    for token in tokens.iter().filter(matching) {
        // What is given twice at one place counts as it was given first.
        by_term.entry(&token.term).or_default().entry(token.position).or_insert(u32::from(token.weight));
    }
    by_term.values().map(|places| places.values().sum()).max().unwrap_or(0)
}

fn fits(form: &Form, term: &str) -> bool {
    if form.prefix { term.starts_with(&form.term) } else { term == form.term }
}

fn occurrences(words: &[Word], phrase: &Phrase, tokens: &[OwnedToken]) -> u32 {
    let stands = |word: usize, position: u32, must_join: bool| {
        let mut seen = BTreeSet::new();
        let first = tokens.iter().filter(|token| seen.insert((&token.term, token.position)));
        let mut here = first.filter(|token| token.position == position);
        here.any(|token| {
            (token.joined || !must_join) && words[word].forms.iter().any(|form| fits(form, &token.term))
        })
    };
    let positions: BTreeSet<u32> = tokens.iter().map(|token| token.position).collect();
    let starts = |start: &&u32| {
        phrase
            .words
            .iter()
            .zip(0..)
            .all(|(&word, step)| stands(word, *start + step, phrase.joined && step > 0))
    };
    positions.iter().filter(starts).count() as u32
}
