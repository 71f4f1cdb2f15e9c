//! What a query looks for: words with their forms, and phrases.

use std::ops::ControlFlow;

use super::tokens::Tokenizer;

/// One term that a word is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// 1 for most; 0 for one that counts only within phrases.
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
}

/// Words at positions that follow each other. It has one word at least: `.NET` as a phrase is a single term.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phrase {
    /// Indices of [`WordQuery::words`], in order.
    pub(crate) words: Vec<usize>,
    /// Whether each word but the first must be joined to the one before.
    pub(crate) joined: bool,
    pub(crate) kind: PhraseKind,
    /// Whether what does not hold it is no hit.
    pub(crate) required: bool,
    /// Beside the weight of its words.
    pub(crate) weight: f32,
}

/// A search by words. Any text is a valid query.
#[derive(Debug, Clone, PartialEq)]
pub struct WordQuery {
    words: Vec<Word>,
    phrases: Vec<Phrase>,
}

#[allow(dead_code)]
impl WordQuery {
    /// The most words that are searched: of a longer text the first ones that differ.
    pub const MAX_WORDS: usize = 256;

    /// Takes the words and phrases out of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let _ = Tokenizer::new().tokenize_while(text, None, &mut |token| {
            if words.iter().any(|word| word.forms[0].term == token.term) {
                return ControlFlow::Continue(());
            }
            if words.len() == Self::MAX_WORDS {
                return ControlFlow::Break(());
            }
            let forms = vec![Form { term: token.term.to_owned(), prefix: false }];
            words.push(Word { text: text[token.place].to_owned(), forms, weight: 1.0 });
            ControlFlow::Continue(())
        });
        Self { words, phrases: Vec::new() }
    }

    /// Lets the last word be the beginning of one, for a search while the user is typing.
    #[must_use]
    pub fn prefix(mut self) -> Self {
        if let Some(word) = self.words.last_mut() {
            word.forms.iter_mut().for_each(|form| form.prefix = true);
        }
        self
    }

    /// Leaves out entries that do not hold the text's quotes.
    #[must_use]
    pub fn require_quotes(mut self) -> Self {
        for phrase in &mut self.phrases {
            phrase.required = phrase.kind == PhraseKind::Quoted;
        }
        self
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
}
