//! Where the passages of one text stand.

use std::ops::Range;

use super::cut::cut;
use super::length::weighed;
use super::structure::{Structure, structure};
use super::units::Units;
use crate::Role;

/// A passage, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) role: Role,
    pub(super) number: u16,
    pub(super) bytes: Range<usize>,
    pub(super) chars: Range<usize>,
    /// Where the headings above it stand.
    pub(super) headings: Vec<Range<usize>>,
}

/// The passages of one text. Of a text whose first `body` bytes are one passage, that passage is the whole
/// text.
pub(super) fn spans_of(role: Role, text: &str, title: usize, body: usize, longest: usize) -> Vec<Span> {
    // A character weighs no more than its bytes.
    if body <= longest || weighed(&text[..body]) <= longest {
        return with_chars(role, text, [(trimmed(text, 0..text.len()), Vec::new())]);
    }
    let text = &text[..body];
    let structure = match role {
        Role::Summary => structure_after(text, title),
        Role::Context => Structure::default(),
    };
    // A number of a passage has 16 bits, which no content that a caller may write needs.
    let longest = longest.max(body / 25_000);
    let units = Units::of(text, title, &structure, longest);
    let starts: Vec<usize> = cut(&units, longest).into_iter().map(|unit| units[unit].start).collect();
    let ends = starts.iter().skip(1).copied().chain([body]);
    let passages = starts.iter().zip(ends).map(|(&start, end)| {
        let bytes = trimmed(text, start..end);
        let headings = headings_above(&structure, bytes.start);
        (bytes, headings)
    });
    with_chars(role, text, passages)
}

/// The structure of what follows a title.
fn structure_after(text: &str, title: usize) -> Structure {
    let start = (title + 1).min(text.len());
    let mut structure = structure(&text[start..]);
    let shift = |range: &mut Range<usize>| *range = range.start + start..range.end + start;
    for heading in &mut structure.headings {
        shift(&mut heading.lines);
        shift(&mut heading.text);
    }
    structure.code.iter_mut().for_each(shift);
    structure
}

/// The headings of the sections that are open where a passage starts, without one that starts there.
fn headings_above(structure: &Structure, start: usize) -> Vec<Range<usize>> {
    let mut open: Vec<(usize, Range<usize>)> = Vec::new();
    for heading in structure.headings.iter().take_while(|heading| heading.lines.start <= start) {
        open.retain(|(level, _)| *level < heading.level);
        if heading.lines.start < start {
            open.push((heading.level, heading.text.clone()));
        }
    }
    open.into_iter().map(|(_, text)| text).collect()
}

fn with_chars(
    role: Role,
    text: &str,
    passages: impl IntoIterator<Item = (Range<usize>, Vec<Range<usize>>)>,
) -> Vec<Span> {
    let (mut at, mut chars) = (0, 0);
    let passages = passages.into_iter().filter(|(bytes, _)| !bytes.is_empty());
    (0..=u16::MAX)
        .zip(passages)
        .map(|(number, (bytes, headings))| {
            chars += text[at..bytes.start].chars().count();
            let first = chars;
            chars += text[bytes.clone()].chars().count();
            at = bytes.end;
            Span { role, number, bytes, chars: first..chars, headings }
        })
        .collect()
}

pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}
