//! A text read character by character, folded.

use std::collections::VecDeque;

use unicode_normalization::UnicodeNormalization;

use super::fold;

/// A folded character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Char {
    /// Small and without accents.
    pub(super) folded: char,
    /// Small, with the accents of French.
    pub(super) accented: char,
    /// Whether it was a capital.
    pub(super) is_capital: bool,
    /// Whether it is one letter with the character before: the e of œ.
    pub(super) continues: bool,
    /// The bytes of the text that it comes from; characters that come from one share them.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Char {
    pub(super) fn new(folded: char, is_capital: bool, start: usize, end: usize) -> Self {
        Self { folded, accented: folded, is_capital, continues: false, start, end }
    }
}

/// What a reader keeps from text to text.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    queue: VecDeque<Char>,
    /// A character without its marks, and the first of them.
    letters: Vec<(char, Option<char>)>,
    /// What the first letters beyond ASCII become, as far as it is known.
    known: Vec<Option<Char>>,
}

/// The characters from here on are remembered up to `KNOWN_TO`: Latin, Greek, Cyrillic.
const KNOWN_FROM: u32 = 0x80;
const KNOWN_TO: u32 = 0x530;

pub(super) struct Reader<'t, 'b> {
    pub(super) text: &'t str,
    /// Where the next character is read that is not in the queue.
    pub(super) at: usize,
    buffers: &'b mut Buffers,
}

impl<'t, 'b> Reader<'t, 'b> {
    pub(super) fn new(text: &'t str, buffers: &'b mut Buffers) -> Self {
        buffers.queue.clear();
        Self { text, at: 0, buffers }
    }

    /// Whether nothing is read ahead: the text goes on at `at`.
    pub(super) fn is_level(&self) -> bool {
        self.buffers.queue.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Char> {
        while self.buffers.queue.is_empty() {
            self.read()?;
        }
        self.buffers.queue.pop_front()
    }

    /// The character that stands after `ahead` others.
    pub(super) fn peek(&mut self, ahead: usize) -> Option<Char> {
        while self.buffers.queue.len() <= ahead {
            self.read()?;
        }
        self.buffers.queue.get(ahead).copied()
    }

    /// Reads a character with all that belongs to it, of which nothing may remain.
    fn read(&mut self) -> Option<()> {
        let start = self.at;
        let rest = &self.text[start..];
        let mut characters = rest.char_indices();
        let (_, character) = characters.next()?;
        let mut length = character.len_utf8();
        for (at, next) in characters {
            length = at;
            if !fold::is_extender(next) {
                break;
            }
            length = at + next.len_utf8();
        }
        let end = start + length;
        self.at = end;
        if length > character.len_utf8() {
            self.fold(start, end);
        } else if character.is_ascii() || fold::is_as_it_is(character) {
            let folded = character.to_ascii_lowercase();
            let is_capital = character.is_ascii_uppercase();
            self.buffers.queue.push_back(Char::new(folded, is_capital, start, end));
        } else {
            self.fold_known(character, start, end);
        }
        Some(())
    }

    /// One character alone, by what it was before.
    fn fold_known(&mut self, character: char, start: usize, end: usize) {
        let code = u32::from(character);
        if !(KNOWN_FROM..KNOWN_TO).contains(&code) {
            return self.fold(start, end);
        }
        let index = (code - KNOWN_FROM) as usize;
        if self.buffers.known.is_empty() {
            self.buffers.known.resize((KNOWN_TO - KNOWN_FROM) as usize, None);
        }
        if let Some(Some(known)) = self.buffers.known.get(index) {
            self.buffers.queue.push_back(Char { start, end, ..*known });
            return;
        }
        let before = self.buffers.queue.len();
        self.fold(start, end);
        if self.buffers.queue.len() == before + 1 {
            self.buffers.known[index] = self.buffers.queue.back().copied();
        }
    }

    /// A character with all that belongs to it.
    fn fold(&mut self, start: usize, end: usize) {
        let Buffers { queue, letters, .. } = &mut *self.buffers;
        letters.clear();
        for character in self.text[start..end].nfkd() {
            if fold::is_dropped_mark(character) {
                if let Some((_, mark)) = letters.last_mut() {
                    mark.get_or_insert(character);
                }
            } else if !fold::is_unseen(character) {
                letters.push((character, None));
            }
        }
        let mut rest = letters.as_slice();
        while let Some(((first, mark), after)) = rest.split_first() {
            if first.is_ascii() {
                push(queue, *first, *mark, start, end);
                rest = after;
            } else {
                let length = rest.iter().position(|(letter, _)| letter.is_ascii()).unwrap_or(rest.len());
                for composed in rest[..length].iter().map(|(letter, _)| *letter).nfc() {
                    push(queue, composed, None, start, end);
                }
                rest = &rest[length..];
            }
        }
    }
}

fn push(queue: &mut VecDeque<Char>, character: char, mark: Option<char>, start: usize, end: usize) {
    let is_capital = character.is_uppercase();
    for small in character.to_lowercase() {
        let plain = fold::plain_letters(small);
        if !plain.is_empty() {
            let letters = plain.chars().map(|folded| Char::new(folded, is_capital, start, end));
            queue.extend(letters.enumerate().map(|(at, letter)| Char { continues: at > 0, ..letter }));
            continue;
        }
        // A capital may fall apart as it becomes small.
        if fold::is_dropped_mark(small) {
            continue;
        }
        let folded = fold::ascii_digit(small).unwrap_or(small);
        let accented = mark.map_or(folded, |mark| fold::french_letter(folded, mark));
        queue.push_back(Char { accented, ..Char::new(folded, is_capital, start, end) });
    }
}
