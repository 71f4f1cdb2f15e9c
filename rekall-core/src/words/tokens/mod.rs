//! One text cut into tokens in one way, for the index, for queries and for snippets.
//!
//! What a word is, script by script, is described in `docs/words.md`.

mod language;

use std::ops::{ControlFlow, Range};

pub(crate) use language::Language;

/// Changes whenever the same text gives other tokens than before: an index made by another version has to be made anew.
pub(crate) const VERSION: u32 = 1;

/// No term is longer, in bytes.
pub(crate) const MAX_TERM_BYTES: usize = 64;

/// A term at a position of a text.
///
/// Several tokens can share a position: the stems of two languages, or an identifier as a whole beside its first part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'t> {
    /// What is searched for, at most [`MAX_TERM_BYTES`] long, never empty.
    pub(crate) term: &'t str,
    /// Counts the words of the text from 0 and never decreases from one token to the next.
    pub(crate) position: u32,
    /// Whether no white space stands between this word and the one before.
    pub(crate) joined: bool,
    /// Where it stands, in bytes of the text as it was given.
    pub(crate) place: Range<usize>,
    /// True for exactly one token of each position, the first.
    pub(crate) main: bool,
}

/// Cuts texts into tokens. One is made for many texts: it keeps its buffers.
#[derive(Debug, Default)]
pub(crate) struct Tokenizer {
    term: String,
}

impl Tokenizer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Gives each token of a text, in the order of positions. A text in an unknown language (`None`) is stemmed as English
    /// and as French, each word giving both stems where they differ.
    pub(crate) fn tokenize(
        &mut self,
        text: &str,
        language: Option<Language>,
        each: &mut dyn FnMut(Token<'_>),
    ) {
        let _ = self.tokenize_while(text, language, &mut |token| {
            each(token);
            ControlFlow::Continue(())
        });
    }

    /// The same, until `each` breaks; whether it did.
    pub(crate) fn tokenize_while(
        &mut self,
        text: &str,
        _language: Option<Language>,
        each: &mut dyn FnMut(Token<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (mut position, mut joined, mut at) = (0, false, 0);
        while at < text.len() {
            let rest = &text[at..];
            let length = rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len());
            if length == 0 {
                let separator = rest.chars().next().unwrap_or(' ');
                joined &= !separator.is_whitespace();
                at += separator.len_utf8();
                continue;
            }
            self.term.clear();
            self.term.extend(rest[..length].chars().flat_map(char::to_lowercase));
            self.term.truncate(self.term.floor_char_boundary(MAX_TERM_BYTES));
            let place = at..at + length;
            each(Token { term: &self.term, position, joined, place, main: true })?;
            position += 1;
            joined = true;
            at += length;
        }
        ControlFlow::Continue(())
    }
}
