//! The words of a query in their order, with all the terms that each may be found under.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use super::{Form, TextQuery};
use crate::words::tokens::{Token, TokenKind, Tokenizer, is_unspaced};

/// A word at its position in the query.
#[derive(Debug)]
pub(super) struct Piece {
    /// As the query has it, and where.
    pub(super) text: String,
    pub(super) place: Range<usize>,
    pub(super) forms: Vec<Form>,
    pub(super) unstemmed: String,
    /// Identifiers that begin with it, as a whole.
    pub(super) wholes: Vec<Other>,
    /// Names with a sign that begin or end with it.
    pub(super) signed: Vec<Other>,
    /// Whether it is written joined to the piece before.
    pub(super) is_glued: bool,
    /// Whether a hyphen stands between the two, and nothing else.
    pub(super) is_after_hyphen: bool,
    /// Whether it is of a script that is read by pairs of characters.
    pub(super) is_pair: bool,
    /// Whether letters and digits are mixed in it: `E0382`.
    pub(super) is_code: bool,
}

/// Another word that stands at the same place.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) text: String,
    pub(super) forms: Vec<Form>,
    pub(super) unstemmed: String,
}

#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    /// Whether the text goes on.
    pub(super) cut: bool,
}

/// No more positions are read, however often the text repeats itself.
const MOST_PIECES: usize = 4_096;

/// Reads as many pieces as there are different words to be searched.
pub(super) fn read(text: &str) -> Pieces {
    let mut found = Pieces::default();
    let mut different: HashSet<String> = HashSet::new();
    let flow = Tokenizer::for_queries().tokenize_while(text, None, &mut |token| {
        if token.main && found.pieces.len() == MOST_PIECES {
            return ControlFlow::Break(());
        }
        if matches!(token.kind, TokenKind::Word | TokenKind::Whole | TokenKind::Signed)
            && !different.contains(token.term)
        {
            if different.len() == TextQuery::MAX_WORDS {
                return ControlFlow::Break(());
            }
            different.insert(token.term.to_owned());
        }
        found.take(text, &token);
        ControlFlow::Continue(())
    });
    found.cut = flow.is_break();
    found.finish();
    found
}

/// Whether pieces that are glued together are but a word of a language: a compound with hyphens, a word of Korean.
pub(super) fn is_natural(group: &[Piece]) -> bool {
    let is_letters = |piece: &Piece| !piece.is_code && piece.signed.is_empty();
    let is_compound = || {
        let is_small = |piece: &Piece| piece.text.chars().skip(1).all(char::is_lowercase);
        let is_word = |piece: &Piece| piece.text.chars().all(char::is_alphabetic) && is_small(piece);
        group.iter().all(|piece| is_word(piece) && !piece.is_pair)
            && group.iter().skip(1).all(|piece| piece.is_after_hyphen)
    };
    let is_korean = || group.iter().all(|piece| piece.unstemmed.chars().all(is_hangul));
    group.iter().all(is_letters) && (is_compound() || is_korean())
}

fn is_hangul(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7fb}')
}

impl Pieces {
    fn take(&mut self, text: &str, token: &Token<'_>) {
        let form = Form { term: token.term.to_owned(), prefix: false };
        let piece_text = || text[token.place.clone()].to_owned();
        if token.kind == TokenKind::Word {
            let unstemmed = token.term.to_owned();
            let between = self
                .pieces
                .last()
                .map_or("", |before| text.get(before.place.end..token.place.start).unwrap_or_default());
            let first = token.term.chars().next();
            let has = |is: fn(char) -> bool| token.term.chars().any(is);
            self.pieces.push(Piece {
                text: piece_text(),
                place: token.place.clone(),
                forms: vec![form],
                unstemmed,
                wholes: Vec::new(),
                signed: Vec::new(),
                is_glued: token.joined && between.chars().all(is_glue),
                is_after_hyphen: between == "-",
                is_pair: first.is_some_and(is_unspaced),
                is_code: has(char::is_alphabetic) && has(|character| character.is_ascii_digit()),
            });
            return;
        }
        let Some(piece) = self.pieces.last_mut() else { return };
        let other = |form: Form| {
            let unstemmed = form.term.clone();
            Other { text: piece_text(), forms: vec![form], unstemmed }
        };
        match token.kind {
            TokenKind::Whole => piece.wholes.push(other(form)),
            TokenKind::Signed => piece.signed.push(other(form)),
            // The last character is found by the pair that it ends.
            TokenKind::LastCharacter | TokenKind::Word => {}
            TokenKind::Number => piece.forms.push(form),
            TokenKind::Stem | TokenKind::Unstemmed => {
                let (forms, unstemmed) = match piece.wholes.last_mut() {
                    Some(whole) => (&mut whole.forms, &mut whole.unstemmed),
                    None => (&mut piece.forms, &mut piece.unstemmed),
                };
                if token.kind == TokenKind::Unstemmed {
                    token.term.clone_into(unstemmed);
                } else if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
    }

    /// Lets single characters of scripts without spaces begin a pair, where the run may go on in a text.
    fn finish(&mut self) {
        let count = self.pieces.len();
        for at in 0..count {
            let goes_on = self.pieces.get(at + 1).is_some_and(|next| next.is_glued);
            let piece = &mut self.pieces[at];
            let is_single = piece.is_pair && piece.unstemmed.chars().nth(1).is_none();
            // Korean has words of one character.
            if is_single && !goes_on && (count == 1 || !piece.unstemmed.chars().all(is_hangul)) {
                piece.forms.push(Form { term: piece.unstemmed.clone(), prefix: true });
            }
        }
    }
}

/// Whether a character between words leaves them one thing that is written so.
fn is_glue(character: char) -> bool {
    match character {
        '"' | '\'' | '`' => false,
        '\u{2010}' | '\u{2011}' | '\u{2212}' | '\u{ad}' => true,
        _ => character.is_ascii(),
    }
}
