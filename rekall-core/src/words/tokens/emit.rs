//! Hands out tokens: counts positions, knows what stands before a word, and adds its stems.

use std::ops::{ControlFlow, Range};

use super::beginnings::Beginnings;
use super::character::{Class, class};
use super::language::Language;
use super::reader::Char;
use super::stem::{self, StemPair, Stems};
use super::{Token, TokenKind, term};

pub(super) type Each<'e> = &'e mut dyn FnMut(Token<'_>) -> ControlFlow<()>;

pub(super) struct Emitter<'e> {
    stems: &'e mut Stems,
    language: Option<Language>,
    pub(super) for_query: bool,
    pub(super) sought: Option<&'e Beginnings>,
    each: Each<'e>,
    /// Of the next word.
    position: u32,
    joined: bool,
    /// Whether the current word, at the position before, is joined.
    current_joined: bool,
    pub(super) before: Before,
    folded: String,
    accented: String,
    bounded: String,
}

/// The last characters before a word, the latest first, up to another word; spaces where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) characters: [char; 3],
    pub(super) starts: [usize; 3],
}

impl Before {
    const NOTHING: Self = Self { characters: [' '; 3], starts: [0; 3] };
    /// Right after a word.
    pub(super) const WORD: Self = Self { characters: ['w', ' ', ' '], starts: [0; 3] };
}

impl<'e> Emitter<'e> {
    pub(super) fn new(stems: &'e mut Stems, language: Option<Language>, each: Each<'e>) -> Self {
        Self {
            stems,
            language,
            for_query: false,
            sought: None,
            each,
            position: 0,
            joined: false,
            current_joined: false,
            before: Before::NOTHING,
            folded: String::new(),
            accented: String::new(),
            bounded: String::new(),
        }
    }

    /// A character between words.
    pub(super) fn separator(&mut self, character: char, start: usize) {
        let is_space = class(character) == Class::Space;
        self.joined &= !is_space;
        let Before { characters: [first, second, _], starts: [at, earlier, _] } = self.before;
        let character = if is_space { ' ' } else { character };
        self.before = Before { characters: [character, first, second], starts: [start, at, earlier] };
    }

    /// Begins a word.
    pub(super) fn next_position(&mut self) {
        self.position = self.position.saturating_add(1);
        self.current_joined = self.joined;
        self.joined = self.position > 0;
        self.before = Before::WORD;
    }

    /// A term of the current word with its stems.
    pub(super) fn word(&mut self, characters: &[Char], kind: TokenKind) -> ControlFlow<()> {
        let Some(place) = place(characters) else { return ControlFlow::Continue(()) };
        self.accented.clear();
        self.accented.extend(characters.iter().map(|character| character.accented));
        self.folded.clear();
        self.folded.extend(characters.iter().map(|character| character.folded));
        let (folded, accented) = (std::mem::take(&mut self.folded), std::mem::take(&mut self.accented));
        let flow = self.text(&folded, &accented, place, kind);
        (self.folded, self.accented) = (folded, accented);
        flow
    }

    /// The same of a word's text, without and with its accents.
    pub(super) fn text(
        &mut self,
        folded: &str,
        accented: &str,
        place: Range<usize>,
        kind: TokenKind,
    ) -> ControlFlow<()> {
        let is_sought = self.sought.is_none_or(|sought| sought.contain(folded));
        if !is_sought || !stem::is_inflected(folded) {
            return self.emit(folded, place, kind);
        }
        if self.for_query {
            return self.every_form(folded, accented, place, kind);
        }
        let StemPair { english, french } = self.stems.of(folded, accented);
        let (first, second) = match self.language {
            Some(Language::English) => (english, english),
            Some(Language::French) => (french, french),
            None => (english, french),
        };
        let mut token = Token {
            term: first,
            position: self.position - 1,
            joined: self.current_joined,
            place,
            main: kind == TokenKind::Word,
            kind,
        };
        if first == second {
            return (self.each)(token);
        }
        (self.each)(token.clone())?;
        (token.term, token.main, token.kind) = (second, false, TokenKind::Stem);
        (self.each)(token)
    }

    /// All that a text may have the word as.
    fn every_form(
        &mut self,
        folded: &str,
        accented: &str,
        place: Range<usize>,
        kind: TokenKind,
    ) -> ControlFlow<()> {
        let StemPair { english, french } = self.stems.of(folded, accented);
        let (english, french) = (english.to_owned(), french.to_owned());
        self.emit(&english, place.clone(), kind)?;
        self.emit(&french, place.clone(), TokenKind::Stem)?;
        for stem in self.stems.with_other_accents(folded, accented) {
            self.emit(&stem, place.clone(), TokenKind::Stem)?;
        }
        self.emit(folded, place, TokenKind::Unstemmed)
    }

    /// A term of the current word as it is.
    pub(super) fn unstemmed(&mut self, characters: &[Char], kind: TokenKind) -> ControlFlow<()> {
        let Some(place) = place(characters) else { return ControlFlow::Continue(()) };
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        folded.extend(characters.iter().map(|character| character.folded));
        let flow = self.emit(&folded, place, kind);
        self.folded = folded;
        flow
    }

    pub(super) fn emit(&mut self, word: &str, place: Range<usize>, kind: TokenKind) -> ControlFlow<()> {
        (self.each)(Token {
            term: term::bounded(word, &mut self.bounded),
            position: self.position - 1,
            joined: self.current_joined,
            place,
            main: kind == TokenKind::Word,
            kind,
        })
    }
}

fn place(characters: &[Char]) -> Option<Range<usize>> {
    Some(characters.first()?.start..characters.last()?.end)
}
