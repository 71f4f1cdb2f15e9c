//! The smallest parts of a text that a border of passages does not cut.

use std::ops::Range;

use super::length::{weighed, weight};
use super::structure::{Structure, lines};

/// What stands between a unit and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Border {
    /// It begins with a heading.
    Heading,
    /// An empty line.
    Paragraph,
    /// The end of a line.
    Line,
    /// The end of a sentence.
    Sentence,
    /// The one before announces it: a heading, or a line that ends in a colon.
    Announced,
    /// White space within a sentence that is longer than a passage.
    Word,
    /// Nothing: a word is longer than a passage.
    Character,
}

/// Part of a text, up to the next unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) start: usize,
    /// Length in weighed characters.
    pub(super) weight: usize,
    pub(super) border: Border,
}

/// The units of a text as they are found.
pub(super) struct Units<'a> {
    text: &'a str,
    /// Longest passage.
    longest: usize,
    units: Vec<Unit>,
    /// What the next unit's border is.
    next: Border,
    /// The character before the next unit, for the weight of white space.
    before: char,
}

impl<'a> Units<'a> {
    /// Cuts a text whose first `announced` bytes announce the rest, as a title does.
    pub(super) fn of(text: &'a str, announced: usize, structure: &Structure, longest: usize) -> Vec<Unit> {
        let next = Border::Paragraph;
        let mut units = Self { text, longest, units: Vec::new(), next, before: ' ' };
        units.add_text(0..announced);
        units.next = Border::Announced;
        units.add_body(announced..text.len(), structure);
        units.units
    }

    fn add_body(&mut self, range: Range<usize>, structure: &Structure) {
        let (mut headings, mut code) =
            (structure.headings.iter().peekable(), structure.code.iter().peekable());
        let mut at = range.start;
        for line in lines(&self.text[range.clone()]) {
            let line = line.start + range.start..line.end + range.start;
            if line.start < at {
                // Of a block that is taken already.
                continue;
            }
            at = line.end;
            if let Some(heading) = headings.next_if(|heading| heading.lines.start == line.start) {
                if self.next != Border::Announced {
                    self.next = Border::Heading;
                }
                self.add(heading.lines.clone());
                self.next = Border::Announced;
                at = heading.lines.end;
            } else if let Some(code) = code.next_if(|code| code.start == line.start) {
                if weighed(&self.text[code.clone()]) <= self.longest {
                    self.add(code.clone());
                    self.next = Border::Line;
                    at = code.end;
                } else {
                    self.add_text(line);
                }
            } else {
                self.add_text(line);
            }
        }
    }

    /// Adds a line, sentence by sentence.
    fn add_text(&mut self, line: Range<usize>) {
        let text = &self.text[line.clone()];
        if text.trim().is_empty() {
            self.extend(line);
            if self.next == Border::Line {
                self.next = Border::Paragraph;
            }
            return;
        }
        for sentence in parts(text, ends_sentence) {
            self.add_sentence(sentence.start + line.start..sentence.end + line.start);
            self.next = Border::Sentence;
        }
        self.next = if text.trim_end().ends_with([':', '：']) { Border::Announced } else { Border::Line };
    }

    fn add_sentence(&mut self, sentence: Range<usize>) {
        let text = &self.text[sentence.clone()];
        if weighed(text) <= self.longest {
            self.add(sentence);
            return;
        }
        for word in parts(text, ends_word) {
            let word = word.start + sentence.start..word.end + sentence.start;
            if weighed(&self.text[word.clone()]) <= self.longest {
                self.add(word);
            } else {
                for (at, character) in self.text[word.clone()].char_indices() {
                    let start = word.start + at;
                    self.add(start..start + character.len_utf8());
                    self.next = Border::Character;
                }
            }
            self.next = Border::Word;
        }
    }

    /// Adds a unit, or to the last one where that is too short for a border to matter. That keeps the number
    /// of units in a passage small whatever a text looks like.
    fn add(&mut self, range: Range<usize>) {
        let shortest = (self.longest / 64).max(1);
        let begins_section = |unit: &Unit| unit.border == Border::Heading;
        match self.units.last() {
            Some(last)
                if last.weight < shortest && (self.next != Border::Heading || begins_section(last)) => {}
            _ => self.units.push(Unit { start: range.start, weight: 0, border: self.next }),
        }
        self.extend(range);
    }

    /// Adds to the last unit.
    fn extend(&mut self, range: Range<usize>) {
        let mut added = 0;
        for character in self.text[range].chars() {
            added += weight(self.before, character);
            self.before = character;
        }
        if let Some(last) = self.units.last_mut() {
            last.weight += added;
        }
    }
}

/// Cuts a text at each border: between two characters, of which the first may be white space that follows a
/// third one, the last that was neither that nor a closing quote or bracket.
fn parts(text: &str, is_border: impl Fn(char, char, char) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut characters = text.char_indices();
    let (mut start, mut last, mut before) = (0, ' ', ' ');
    std::iter::from_fn(move || {
        for (at, character) in characters.by_ref() {
            let is_border = at > start && is_border(last, before, character);
            before = character;
            if !character.is_whitespace() && !closes(character) {
                last = character;
            }
            if is_border {
                return Some(std::mem::replace(&mut start, at)..at);
            }
        }
        (start < text.len()).then(|| std::mem::replace(&mut start, text.len())..text.len())
    })
}

fn ends_sentence(last: char, before: char, character: char) -> bool {
    let is_closed = matches!(last, '。' | '！' | '？')
        || before.is_whitespace() && matches!(last, '.' | '!' | '?' | '…' | ';' | '।' | '؟' | '۔');
    is_closed && !character.is_whitespace() && !closes(character)
}

/// Whether a character closes what a sentence may end in.
fn closes(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | '”' | '’' | '»' | '」' | '』' | '）')
}

fn ends_word(last: char, before: char, character: char) -> bool {
    (before.is_whitespace() || matches!(last, '、' | '，' | '；')) && !character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, is_border: fn(char, char, char) -> bool) -> Vec<&str> {
        parts(text, is_border).map(|part| &text[part]).collect()
    }

    #[test]
    fn white_space_goes_with_what_stands_before_it() {
        assert_eq!(cut("One.  (Two 3.5!) Three\n", ends_sentence), ["One.  ", "(Two 3.5!) ", "Three\n"]);
        assert_eq!(cut("一。「二。」三！ 四", ends_sentence), ["一。", "「二。」", "三！ ", "四"]);
        assert_eq!(cut(" a  b\n", ends_word), [" ", "a  ", "b\n"]);
        assert_eq!(cut("一、二，三", ends_word), ["一、", "二，", "三"]);
        assert!(cut("", ends_word).is_empty());
    }

    #[test]
    fn each_unit_knows_its_border() {
        let text = "Title\n# One\nFirst sentence. Second sentence:\nitem\n\nParagraph here.\nLine here.";
        let structure = super::super::structure::structure(&text[6..]);
        // Its places are those of the body; here the body stands alone.
        let body = &text[6..];
        let units = Units::of(body, 0, &structure, 200);
        let found: Vec<(Border, &str)> = units
            .iter()
            .zip(units.iter().skip(1).map(|unit| unit.start).chain([body.len()]))
            .map(|(unit, end)| (unit.border, &body[unit.start..end]))
            .collect();
        assert_eq!(
            found,
            [
                (Border::Announced, "# One\n"),
                (Border::Announced, "First sentence. "),
                (Border::Sentence, "Second sentence:\n"),
                (Border::Announced, "item\n\n"),
                (Border::Paragraph, "Paragraph here.\n"),
                (Border::Line, "Line here."),
            ]
        );
    }
}
