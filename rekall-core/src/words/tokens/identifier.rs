//! Words that are written as one: `be_between`, `e-mail`, `getHTTPResponse`, `C++`, `.NET`, `l'été`.
//!
//! A word is letters and digits in a row. It falls into parts where small letters meet a capital (*humps*); hyphens and
//! underscores join words to an identifier. Each part has its position; a word of several parts is also found as a whole,
//! and so is the identifier without what joins it.

use std::ops::{ControlFlow, Range};

use super::TokenKind;
use super::character::{Class, class};
use super::emit::{Before, Emitter};
use super::reader::{Char, Reader};

/// A longer run of letters and digits is cut, so that one without an end takes no more memory.
const LONGEST_WORD: usize = 1_024;
/// What joins more words than this joins none.
const MOST_WORDS: usize = 16;
/// A word in more parts than three whose parts are shorter than this on average is a code, not a name.
const SHORTEST_PARTS: f32 = 2.5;

/// What is read of an identifier.
#[derive(Debug, Default)]
pub(super) struct Identifier {
    characters: Vec<Char>,
    /// The words that are joined, as places in `characters`.
    words: Vec<Range<usize>>,
    parts: Vec<Range<usize>>,
    whole: Vec<Char>,
}

impl Identifier {
    /// Reads the identifier that begins with a character, and hands it out.
    pub(super) fn read(
        &mut self,
        first: Char,
        reader: &mut Reader<'_, '_>,
        out: &mut Emitter<'_>,
    ) -> ControlFlow<()> {
        self.characters.clear();
        self.words.clear();
        let mut before = out.before;
        let mut next = Some(first);
        while let Some(first) = next.take() {
            self.word(first, reader);
            match joint(reader) {
                Some(Joint::Hyphen) if self.words.len() < MOST_WORDS => {
                    reader.next();
                    next = reader.next();
                }
                Some(Joint::Apostrophe) if self.words.len() == 1 && is_elided(&self.characters) => {
                    self.characters.clear();
                    self.words.clear();
                    reader.next();
                    next = reader.next();
                    before = Before::WORD;
                }
                Some(Joint::Possessive) => {
                    reader.next();
                    reader.next();
                }
                _ => {}
            }
        }
        let sign_after = sign_after(&self.characters, reader);
        self.emit(before, sign_after, out)
    }

    /// One word: letters and digits with their marks.
    fn word(&mut self, first: Char, reader: &mut Reader<'_, '_>) {
        let start = self.characters.len();
        self.characters.push(first);
        while self.characters.len() - start < LONGEST_WORD
            && let Some(next) = reader.peek(0)
            && matches!(class(next.folded), Class::Word | Class::Mark)
        {
            self.characters.push(next);
            reader.next();
        }
        self.words.push(start..self.characters.len());
    }

    fn emit(
        &mut self,
        before: Before,
        sign_after: Option<(&str, usize)>,
        out: &mut Emitter<'_>,
    ) -> ControlFlow<()> {
        let Self { characters, words, parts, whole } = self;
        for (number, word) in words.iter().enumerate() {
            find_parts(characters, word.clone(), parts);
            for (part_number, part) in parts.iter().enumerate() {
                out.next_position();
                out.word(&characters[part.clone()], TokenKind::Word)?;
                if let Some(digits) = version_number(&characters[part.clone()]) {
                    out.unstemmed(digits, TokenKind::Number)?;
                }
                if part_number == 0 && parts.len() > 1 {
                    out.word(&characters[word.clone()], TokenKind::Whole)?;
                }
                if part_number > 0 || number > 0 {
                    continue;
                }
                if words.len() > 1 {
                    out.word(characters, TokenKind::Whole)?;
                }
                if let Some((sign, start)) = sign_before(&before, characters) {
                    signed(whole, sign, characters, "");
                    let end = whole.len() - 1;
                    (whole[0].start, whole[end].end) = (start, characters[characters.len() - 1].end);
                    out.unstemmed(whole, TokenKind::Signed)?;
                }
            }
            if let Some((sign, end)) = sign_after.filter(|_| number + 1 == words.len()) {
                let last = parts.last().cloned().unwrap_or_default();
                signed(whole, "", &characters[last], sign);
                if let Some(last) = whole.last_mut() {
                    last.end = end;
                }
                out.unstemmed(whole, TokenKind::Signed)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// What joins a word to what follows.
enum Joint {
    Hyphen,
    Apostrophe,
    /// An apostrophe and the last s.
    Possessive,
}

fn joint(reader: &mut Reader<'_, '_>) -> Option<Joint> {
    let sign = reader.peek(0)?.folded;
    if !matches!(sign, '-' | '_' | '\'') {
        return None;
    }
    let next = reader.peek(1)?.folded;
    if class(next) != Class::Word {
        return None;
    }
    if sign != '\'' {
        return Some(Joint::Hyphen);
    }
    let is_last =
        reader.peek(2).is_none_or(|after| !matches!(class(after.folded), Class::Word | Class::Mark));
    Some(if next == 's' && is_last { Joint::Possessive } else { Joint::Apostrophe })
}

/// Whether the letters are an article or another little word of French before an apostrophe.
fn is_elided(characters: &[Char]) -> bool {
    const LONG: [&str; 5] = ["qu", "jusqu", "lorsqu", "puisqu", "quoiqu"];
    let is = |word: &str| characters.iter().map(|letter| letter.folded).eq(word.chars());
    match characters {
        [letter] => "cdjlmnst".contains(letter.folded),
        _ => LONG.into_iter().any(is),
    }
}

/// The sign that belongs to a name before it: `.net`, `--force`, `-rf`, `#tag`, `@name`, `$home`. It stands at the
/// beginning, after a space or after something that opens.
fn sign_before(before: &Before, name: &[Char]) -> Option<(&'static str, usize)> {
    let [first, second, third] = before.characters;
    let opens = |character: char| " \"'`([{<|=,:;/«“„".contains(character);
    let is_letter = name.first().is_some_and(|letter| letter.folded.is_alphabetic());
    let sign = match first {
        '-' if second == '-' && is_letter => return opens(third).then_some(("--", before.starts[1])),
        '-' if is_letter => "-",
        '.' if is_letter => ".",
        '$' if is_letter => "$",
        '#' => "#",
        '@' => "@",
        _ => return None,
    };
    opens(second).then_some((sign, before.starts[0]))
}

/// The sign that belongs to a name after it, `c++`, `c#`, and where it ends.
fn sign_after(name: &[Char], reader: &mut Reader<'_, '_>) -> Option<(&'static str, usize)> {
    if !name.last()?.folded.is_alphabetic() {
        return None;
    }
    let (sign, length) = match reader.peek(0)?.folded {
        '+' if reader.peek(1)?.folded == '+' => ("++", 2),
        '#' => ("#", 1),
        _ => return None,
    };
    let is_end =
        reader.peek(length).is_none_or(|next| !matches!(class(next.folded), Class::Word | Class::Unspaced));
    let end = reader.peek(length - 1)?.end;
    is_end.then_some((sign, end))
}

/// A name with the signs before and after it. Their places are not known here.
fn signed(whole: &mut Vec<Char>, before: &str, name: &[Char], after: &str) {
    let sign = |folded: char| Char::new(folded, false, 0, 0);
    whole.clear();
    whole.extend(before.chars().map(sign));
    whole.extend(name);
    whole.extend(after.chars().map(sign));
}

/// The digits of a version: 7 of `v7`.
fn version_number(word: &[Char]) -> Option<&[Char]> {
    let (letter, digits) = word.split_first()?;
    let is_version = letter.folded == 'v'
        && !digits.is_empty()
        && digits.iter().all(|digit| digit.folded.is_ascii_digit());
    is_version.then_some(digits)
}

/// Cuts a word where small letters meet a capital, and before the last of several capitals where a small letter follows.
fn find_parts(characters: &[Char], word: Range<usize>, parts: &mut Vec<Range<usize>>) {
    parts.clear();
    let is_small = |at: usize| !characters[at].is_capital && characters[at].folded.is_alphabetic();
    let mut start = word.start;
    for at in word.start + 1..word.end {
        if !characters[at].is_capital || characters[at].continues {
            continue;
        }
        let small_before = is_small(at - 1);
        let small_after = at + 1 < word.end && is_small(at + 1);
        // The plural of an abbreviation: URLs.
        let is_plural = at + 2 == word.end && characters[at + 1].folded == 's' && !small_before;
        if small_before || small_after && !is_plural {
            parts.push(start..at);
            start = at;
        }
    }
    parts.push(start..word.end);
    let average = word.len() as f32 / parts.len() as f32;
    if parts.len() > 3 && average < SHORTEST_PARTS {
        parts.clear();
        parts.push(word);
    }
}
