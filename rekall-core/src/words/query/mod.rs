//! What a query looks for: words with their forms, and phrases.

mod completions;
mod literal;
mod pieces;
mod quotes;
mod stop_words;
#[cfg(test)]
mod tests;
mod weights;

use std::collections::HashMap;

pub(crate) use literal::{Literal, comparable};
use pieces::{Piece, Pieces};

/// One term that a word is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) term: String,
    /// Whether it is also the beginning of the terms to be found.
    pub(crate) prefix: bool,
}

/// A word of a query. Any of its forms counts as the word; where several of them stand at one position, they count once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    /// As the query has it.
    pub(crate) text: String,
    pub(crate) forms: Vec<Form>,
    /// 1 for most words, less for a part of an identifier and for a word that says little.
    pub(crate) weight: f32,
}

/// Why words are looked for side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhraseKind {
    /// The query writes them joined: `7.1.3`, `be_between`, a run of Chinese.
    Written,
    /// They stand in quotes.
    Quoted,
    /// They stand side by side in the query.
    Adjacent,
    /// They are the whole query, which may have been copied from somewhere.
    Copied,
}

impl PhraseKind {
    /// Whether the query says that the words belong together; else they are only looked for near the top.
    pub(crate) fn is_meant(self) -> bool {
        matches!(self, Self::Written | Self::Quoted)
    }
}

/// Words at positions that follow each other. It has one word at least: `.NET` as a phrase is a single term.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phrase {
    /// Indices of [`TextQuery::words`], in order.
    pub(crate) words: Vec<usize>,
    /// Whether each word but the first must be joined to the one before.
    pub(crate) joined: bool,
    pub(crate) kind: PhraseKind,
    /// Whether what does not hold it is no hit.
    pub(crate) required: bool,
    /// Beside the weight of its words.
    pub(crate) weight: f32,
}

/// A search by words. Any text is a valid query: no character of it is an operator.
///
/// Each word is searched, whatever its inflection, its accents and its case. What the text writes joined (`7.1.3`,
/// `be_between`, `src/main.rs`) or puts in quotes is also searched as it is written, and an entry that holds it comes before
/// those that hold its parts only.
#[derive(Debug, Clone, PartialEq)]
pub struct TextQuery {
    words: Vec<Word>,
    phrases: Vec<Phrase>,
    literals: Vec<Literal>,
    /// Words that end the text, with what they begin with unstemmed. Empty if the text has more words than are searched.
    last: Vec<(usize, String)>,
}

impl TextQuery {
    /// The most words that are searched: of a longer text the first ones that differ.
    pub const MAX_WORDS: usize = 256;

    /// Takes the words and phrases out of a text: its first [`MAX_WORDS`](Self::MAX_WORDS) words that differ, and of a text
    /// that repeats itself no more than 4,096 words. Costs time by the length of the text up to there.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let Pieces { pieces, cut } = pieces::read(text);
        let mut words = WordList::default();
        let weights = weights::of(text, &pieces);
        let numbers: Vec<Numbers> =
            pieces.iter().zip(&weights).map(|(piece, weight)| words.add(piece, *weight)).collect();
        let last = match (pieces.last(), numbers.last()) {
            (Some(piece), Some(numbers)) if !cut => words.last(piece, numbers),
            _ => Vec::new(),
        };
        let mut phrases = Vec::new();
        let quotes = quotes::places(text);
        add_written(&pieces, &numbers, &mut phrases);
        add_quoted(&quotes, &pieces, &numbers, &mut phrases);
        let literals = literals(text, &pieces, &quotes);
        add_adjacent(&pieces, &numbers, &weights, &mut phrases);
        Self { words: words.words, phrases, literals, last }
    }

    /// Lets the last word be the beginning of one, for a search while the user is typing. Without effect on a text of
    /// more words than are searched: its last word is not among them.
    #[must_use]
    pub fn prefix(mut self) -> Self {
        for (word, begun) in &self.last {
            let forms = &mut self.words[*word].forms;
            for form in completions::of(begun) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
        self
    }

    /// Leaves out entries in which something is missing that the text puts in quotes.
    #[must_use]
    pub fn require_quotes(mut self) -> Self {
        for phrase in &mut self.phrases {
            phrase.required = phrase.kind == PhraseKind::Quoted;
        }
        self
    }

    /// Whether something must be in an entry: [`require_quotes`](Self::require_quotes) was asked for, and there are quotes.
    ///
    /// ```
    /// # use rekall_core::TextQuery;
    /// assert!(TextQuery::new("backup \"disk full\"").require_quotes().requires_quotes());
    /// assert!(!TextQuery::new("backup disk").require_quotes().requires_quotes());
    /// ```
    #[must_use]
    pub fn requires_quotes(&self) -> bool {
        self.phrases.iter().any(|phrase| phrase.required)
    }

    /// Whether there is no word to search, so that nothing can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    pub(crate) fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// What the text writes joined by signs, or quotes.
    pub(crate) fn literals(&self) -> &[Literal] {
        &self.literals
    }
}

/// No phrase has more words: a longer one is searched in parts.
const LONGEST_PHRASE: usize = 64;

/// No more pairs of words are looked for side by side.
const MOST_PAIRS: usize = 64;

/// What words side by side weigh beside themselves (D. Metzler and W. B. Croft, *A Markov Random Field Model for Term
/// Dependencies*, 2005).
const PAIR_WEIGHT: f32 = 0.15;

/// A whole query of several words as it stands: it was copied from somewhere.
const COPY_WEIGHT: f32 = 1.0;

/// Shortest query that may be a copy, in words: fewer often stand side by side by chance.
const SHORTEST_COPY: usize = 4;

/// The longest one.
const LONGEST_COPY: usize = 32;

/// The words of a query, each once.
#[derive(Default)]
struct WordList {
    words: Vec<Word>,
    known: HashMap<Vec<Form>, usize>,
}

/// The words that a piece became.
struct Numbers {
    word: usize,
    wholes: Vec<usize>,
    signed: Vec<usize>,
}

impl WordList {
    fn add(&mut self, piece: &Piece, weight: f32) -> Numbers {
        let word = self.word(&piece.text, &piece.forms, weight);
        let mut others = |others: &[pieces::Other]| -> Vec<usize> {
            others.iter().map(|other| self.word(&other.text, &other.forms, 1.0)).collect()
        };
        Numbers { word, wholes: others(&piece.wholes), signed: others(&piece.signed) }
    }

    fn word(&mut self, text: &str, forms: &[Form], weight: f32) -> usize {
        let next = self.words.len();
        let number = *self.known.entry(forms.to_vec()).or_insert(next);
        match self.words.get_mut(number) {
            Some(word) => word.weight = word.weight.max(weight),
            None => self.words.push(Word { text: text.to_owned(), forms: forms.to_vec(), weight }),
        }
        number
    }

    /// What may go on of the last piece.
    fn last(&self, piece: &Piece, numbers: &Numbers) -> Vec<(usize, String)> {
        let others = piece.wholes.iter().zip(&numbers.wholes).chain(piece.signed.iter().zip(&numbers.signed));
        let others = others.map(|(other, number)| (*number, other.unstemmed.clone()));
        [(numbers.word, piece.unstemmed.clone())].into_iter().chain(others).collect()
    }
}

fn phrase(words: Vec<usize>, kind: PhraseKind, joined: bool, weight: f32) -> Phrase {
    Phrase { words, joined, kind, required: false, weight }
}

/// What is written joined, as far as it is meant so: identifiers, numbers with points, names with signs, words of scripts
/// without spaces. A compound of plain words (`e-mail`) and a Korean word are, if the query says nothing else.
fn add_written(pieces: &[Piece], numbers: &[Numbers], phrases: &mut Vec<Phrase>) {
    let mut start = 0;
    for group in pieces.chunk_by(|_, next| next.is_glued) {
        let range = start..start + group.len();
        start = range.end;
        let numbers = &numbers[range.clone()];
        for &signed in numbers.iter().flat_map(|numbers| &numbers.signed) {
            phrases.push(phrase(vec![signed], PhraseKind::Written, true, 1.0));
        }
        if pieces::is_natural(group) && group.len() < pieces.len() {
            continue;
        }
        let words: Vec<usize> = numbers.iter().map(|numbers| numbers.word).collect();
        if let [word] = words.as_slice() {
            if group[0].is_code || group[0].is_pair {
                phrases.push(phrase(vec![*word], PhraseKind::Written, true, 1.0));
            }
            continue;
        }
        for &whole in numbers.iter().flat_map(|numbers| &numbers.wholes) {
            phrases.push(phrase(vec![whole], PhraseKind::Written, true, 1.0));
        }
        for part in words.chunks(LONGEST_PHRASE) {
            phrases.push(phrase(part.to_vec(), PhraseKind::Written, true, 1.0));
        }
    }
}

/// What is written joined, and what is quoted, each as it stands in the text. Few of them: more make no query clearer.
fn literals(text: &str, pieces: &[Piece], quotes: &[std::ops::Range<usize>]) -> Vec<Literal> {
    const MOST: usize = 8;
    let groups = pieces.chunk_by(|_, next| next.is_glued).filter(|group| {
        let is_one = group.len() == 1 || group.iter().all(|piece| piece.is_pair);
        let is_word = pieces::is_natural(group) && group.len() < pieces.len();
        !(is_one || is_word)
    });
    let written = groups.filter_map(|group| text.get(group.first()?.place.start..group.last()?.place.end));
    let signed = pieces.iter().flat_map(|piece| &piece.signed).map(|signed| signed.text.as_str());
    let quoted = quotes.iter().filter_map(|quote| text.get(quote.clone()));
    written.chain(signed).chain(quoted).filter_map(Literal::new).take(MOST).collect()
}

fn add_quoted(
    quotes: &[std::ops::Range<usize>],
    pieces: &[Piece],
    numbers: &[Numbers],
    phrases: &mut Vec<Phrase>,
) {
    for quote in quotes {
        let start = pieces.partition_point(|piece| piece.place.start < quote.start);
        let end = pieces.partition_point(|piece| piece.place.end <= quote.end).max(start);
        let words: Vec<usize> = numbers[start..end].iter().map(|numbers| numbers.word).collect();
        for part in words.chunks(LONGEST_PHRASE) {
            phrases.push(phrase(part.to_vec(), PhraseKind::Quoted, false, 1.0));
        }
    }
}

fn add_adjacent(pieces: &[Piece], numbers: &[Numbers], weights: &[f32], phrases: &mut Vec<Phrase>) {
    let pairs = (1..pieces.len()).filter(|&at| {
        let inside = pieces[at].is_glued && !pieces[at].is_pair;
        !inside && weights[at] >= 1.0 && weights[at - 1] >= 1.0
    });
    for at in pairs.take(MOST_PAIRS) {
        let words = vec![numbers[at - 1].word, numbers[at].word];
        phrases.push(phrase(words, PhraseKind::Adjacent, pieces[at].is_glued, PAIR_WEIGHT));
    }
    let is_written = pieces.iter().skip(1).all(|piece| piece.is_glued);
    if (3..=LONGEST_COPY).contains(&pieces.len()) && !is_written {
        let words = numbers.iter().map(|numbers| numbers.word).collect();
        let kind = if pieces.len() < SHORTEST_COPY { PhraseKind::Adjacent } else { PhraseKind::Copied };
        phrases.push(phrase(words, kind, false, COPY_WEIGHT));
    }
}
