//! Where two texts differ, word by word.

use serde::Serialize;
use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};

/// Words, of both texts together and without what they begin and end with alike, up to which every difference is named: comparing
/// more would take more than some ten milliseconds.
const MOST_WORDS: usize = 4096;

/// A place where two texts differ. One of the spans is empty where the other text has something more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In the first text.
    pub first: Span,
    /// In the second one.
    pub second: Span,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First character (not byte).
    pub start: u32,
    /// One past its last character.
    pub end: u32,
}

/// A word, and where it stands.
struct Word<'a> {
    text: &'a str,
    span: Span,
}

/// The differences of two texts, from first to last. Words are what white space separates; how much of it there is makes no
/// difference.
pub(super) fn differences(first: &str, second: &str) -> Vec<Difference> {
    let (first, second) = (words(first), words(second));
    let (these, those) = (texts(&first), texts(&second));
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = these.iter().zip(&those).take_while(same).count();
    let tail = these[head..].iter().rev().zip(those[head..].iter().rev()).take_while(same).count();
    let (these, those) = (&these[head..these.len() - tail], &those[head..those.len() - tail]);
    if these.is_empty() && those.is_empty() {
        return Vec::new();
    }
    let operations = match these.len() + those.len() {
        0..=MOST_WORDS => capture_diff_slices(Algorithm::Myers, these, those),
        _ => vec![DiffOp::Replace { old_index: 0, old_len: these.len(), new_index: 0, new_len: those.len() }],
    };
    let changes = operations.iter().map(DiffOp::as_tag_tuple).filter(|(tag, ..)| *tag != DiffTag::Equal);
    changes
        .map(|(_, of_first, of_second)| Difference {
            first: span(&first, head + of_first.start, head + of_first.end),
            second: span(&second, head + of_second.start, head + of_second.end),
        })
        .collect()
}

fn texts<'a>(words: &[Word<'a>]) -> Vec<&'a str> {
    words.iter().map(|word| word.text).collect()
}

/// From the first to the last of some words; without one, the place before the next.
fn span(words: &[Word<'_>], from: usize, to: usize) -> Span {
    let end_of_text = words.last().map_or(0, |word| word.span.end);
    let start = words.get(from).map_or(end_of_text, |word| word.span.start);
    let end = if to > from { words[to - 1].span.end } else { start };
    Span { start, end }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut chars = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let (length, whole) = (count(word), count(piece));
        if !word.is_empty() {
            words.push(Word { text: word, span: Span { start: chars, end: chars + length } });
        }
        chars += whole;
    }
    words
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The differing pieces of both texts.
    fn pieces(first: &str, second: &str) -> Vec<(String, String)> {
        let cut = |text: &str, span: Span| {
            let (start, end) = (span.start as usize, span.end as usize);
            text.chars().skip(start).take(end - start).collect::<String>()
        };
        let found = differences(first, second);
        found.iter().map(|at| (cut(first, at.first), cut(second, at.second))).collect()
    }

    fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    #[test]
    fn the_words_that_differ_are_named() {
        let (first, second) = ("Libérer le port 8080 à Évian", "Libérer le  port 9090 à Évian !");
        assert_eq!(pieces(first, second), named(&[("8080", "9090"), ("", "!")]));
        assert_eq!(pieces("one two three", "two three"), named(&[("one", "")]));
        assert_eq!(pieces("a b c d", "a x c y"), named(&[("b", "x"), ("d", "y")]));
        assert_eq!(pieces("", "new text"), named(&[("", "new text")]));
        assert_eq!(pieces("the same", "the\n same "), []);
        assert_eq!(pieces("", " "), []);
    }

    #[test]
    fn what_differs_in_too_many_places_is_one_difference() {
        let text =
            |from: usize| (from..from + MOST_WORDS).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let (first, second) = (format!("same {} end", text(0)), format!("same {} end", text(7)));
        assert_eq!(pieces(&first, &second), [(text(0), text(7))]);
    }
}
