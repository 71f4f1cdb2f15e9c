//! One text cut into tokens in one way, for the index, for queries and for snippets.
//!
//! Characters are folded ([`fold`], [`reader`]): compatibility forms, case and accents go. Letters and digits in a row are
//! a word, which is stemmed ([`stem`]); scripts that put no space between words give pairs of characters instead. Words
//! joined to an identifier ([`identifier`]) are found by part and as a whole. `docs/words.md` says it script by script.

mod beginnings;
mod character;
mod emit;
mod fold;
mod identifier;
mod language;
mod plain;
mod reader;
mod stem;
mod term;

#[cfg(test)]
mod tests;

use std::ops::{ControlFlow, Range};

use beginnings::Beginnings;
pub(crate) use character::is_unspaced;
use character::{Class, class};
use emit::Emitter;
use identifier::Identifier;
pub(crate) use language::Language;
use reader::{Char, Reader};
use stem::Stems;
#[cfg(test)]
pub(crate) use term::MAX_TERM_BYTES;

/// A term at a position of a text.
///
/// Several tokens can share a position: the stems of two languages, or an identifier as a whole beside its first part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'t> {
    /// What is searched for, at most 64 bytes long, never empty.
    pub(crate) term: &'t str,
    /// Counts the words of the text from 0, and never decreases from one token to the next.
    pub(crate) position: u32,
    /// Whether no white space stands between this word and the one before.
    pub(crate) joined: bool,
    /// Where it stands, in bytes of the text as it was given.
    pub(crate) place: Range<usize>,
    /// True for exactly one token of each position, the first.
    pub(crate) main: bool,
    /// What the term is of the word.
    pub(crate) kind: TokenKind,
}

/// What a term is of the word at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// The word itself, stemmed: the only kind that is `main`.
    Word,
    /// The last character of a run of pairs, so that each character begins a term.
    LastCharacter,
    /// The number of a version that is written with a `v`: 7 in `v7`.
    Number,
    /// An identifier without its hyphens, underscores and humps: `bebetween` for `be_between`.
    Whole,
    /// A name with a sign that belongs to it: `c++`, `.net`, `--force`.
    Signed,
    /// Another stem of the token before that is none.
    Stem,
    /// The token before that is none, not stemmed: only for queries.
    Unstemmed,
}

/// Cuts texts into tokens. One is made for many texts: it keeps its buffers, and the stems of frequent words.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    stems: Stems,
    identifier: Identifier,
    chars: reader::Buffers,
    /// Whether all terms are given under which a word may be found, rather than those under which it is kept.
    for_query: bool,
    /// What the terms begin with that alone are of interest.
    sought: Option<Beginnings>,
    #[cfg(test)]
    without_fast_path: bool,
}

impl Tokenizer {
    pub(crate) fn new() -> Self {
        Self {
            stems: Stems::new(),
            identifier: Identifier::default(),
            chars: reader::Buffers::default(),
            for_query: false,
            sought: None,
            #[cfg(test)]
            without_fast_path: false,
        }
    }

    /// Gives each word of a query with every term that it may be kept under, whatever the language of the text that holds
    /// it, and unstemmed.
    pub(crate) fn for_queries() -> Self {
        Self { for_query: true, stems: Stems::without_memory(), ..Self::new() }
    }

    /// Gives words that begin as none of the terms does without stemming them: they are none of the terms.
    pub(crate) fn looking_for<'t>(terms: impl Iterator<Item = &'t str>) -> Self {
        Self { sought: Some(Beginnings::of(terms)), ..Self::new() }
    }

    /// Gives each token of a text, in the order of positions. A text in an unknown language (`None`) is stemmed as English
    /// and as French; a word gives both stems where they differ. Linear in the text.
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

    /// The same, until `each` breaks.
    pub(crate) fn tokenize_while(
        &mut self,
        text: &str,
        language: Option<Language>,
        each: &mut dyn FnMut(Token<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut reader = Reader::new(text, &mut self.chars);
        let mut out = Emitter::new(&mut self.stems, language, each);
        (out.for_query, out.sought) = (self.for_query, self.sought.as_ref());
        loop {
            #[cfg(test)]
            let is_fast = !self.without_fast_path;
            #[cfg(not(test))]
            let is_fast = true;
            if is_fast {
                out.plain_words(&mut reader)?;
            }
            let Some(first) = reader.next() else { return ControlFlow::Continue(()) };
            match class(first.folded) {
                Class::Word => self.identifier.read(first, &mut reader, &mut out)?,
                Class::Unspaced => pairs(first, &mut reader, &mut out)?,
                Class::Mark | Class::Space | Class::Other => out.separator(first.folded, first.start),
            }
        }
    }
}

/// A run of characters of scripts without spaces, as overlapping pairs.
fn pairs(first: Char, reader: &mut Reader<'_, '_>, out: &mut Emitter<'_>) -> ControlFlow<()> {
    let mut last = first;
    let mut is_alone = true;
    while let Some(next) = reader.peek(0)
        && matches!(class(next.folded), Class::Unspaced | Class::Mark)
    {
        reader.next();
        out.next_position();
        out.unstemmed(&[last, next], TokenKind::Word)?;
        last = next;
        is_alone = false;
    }
    if is_alone {
        out.next_position();
        out.unstemmed(&[last], TokenKind::Word)
    } else {
        out.unstemmed(&[last], TokenKind::LastCharacter)
    }
}
