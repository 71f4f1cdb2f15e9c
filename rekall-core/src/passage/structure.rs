//! Headings and code blocks of a text, in Markdown and reStructuredText.

use std::ops::Range;

/// Longest line that is taken for a heading, in bytes; a longer one is a paragraph with a rule below it.
const HEADING_BYTES: usize = 200;

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// The lines that make it, with the one that underlines it.
    pub(super) lines: Range<usize>,
    /// Its own text.
    pub(super) text: Range<usize>,
    /// 1 is the highest.
    pub(super) level: usize,
}

/// What a text is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Structure {
    /// In the order of the text.
    pub(super) headings: Vec<Heading>,
    /// Fenced code with its fences, in the order of the text.
    pub(super) code: Vec<Range<usize>>,
}

/// How a heading is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// So many `#` before it.
    Hashes(usize),
    /// A line of this character below it, and perhaps one above it.
    Underline { character: char, is_overlined: bool },
}

/// Finds headings and code blocks. Headings are `# Markdown`, and lines that a row of one punctuation character underlines
/// (Markdown's `===` and `---`, and any of reStructuredText's as long as the heading). Lines that merely look
/// like headings, such as `Note:`, are not: most of them are sentences.
pub(super) fn structure(text: &str) -> Structure {
    let lines: Vec<Range<usize>> = lines(text).collect();
    let line = |number: usize| lines.get(number).map_or("", |range| text[range.clone()].trim_end());
    let mut marks = Vec::new();
    let mut found = Structure::default();
    let mut number = 0;
    while number < lines.len() {
        let start = lines[number].start;
        let is_after_text = number > 0 && !line(number - 1).is_empty() && !ends_block(&found, start);
        let mut take = |found: &mut Structure, mark, text: Range<usize>, last: usize| {
            marks.push(mark);
            found.headings.push(Heading { lines: start..lines[last].end, text, level: 0 });
            last + 1
        };
        if let Some((hashes, within)) = hashed(line(number)) {
            number = take(&mut found, Mark::Hashes(hashes), within.start + start..within.end + start, number);
        } else if let Some(character) = overlined(line(number), line(number + 1), line(number + 2)) {
            let text = trimmed(text, &lines[number + 1]);
            number = take(&mut found, Mark::Underline { character, is_overlined: true }, text, number + 2);
        } else if let Some(character) = underlined(line(number), line(number + 1)).filter(|_| !is_after_text)
        {
            let text = trimmed(text, &lines[number]);
            number = take(&mut found, Mark::Underline { character, is_overlined: false }, text, number + 1);
        } else if let Some(fence) = opening_fence(line(number)) {
            let closes = |number: &usize| closes_fence(line(*number), fence);
            let last = (number + 1..lines.len()).find(closes).unwrap_or(lines.len() - 1);
            found.code.push(start..lines[last].end);
            number = last + 1;
        } else {
            number += 1;
        }
    }
    for (heading, level) in found.headings.iter_mut().zip(levels(&marks)) {
        heading.level = level;
    }
    found
}

/// Whether a heading or a code block ends where this line begins.
fn ends_block(found: &Structure, start: usize) -> bool {
    found.headings.last().is_some_and(|heading| heading.lines.end == start)
        || found.code.last().is_some_and(|code| code.end == start)
}

/// The lines of a text with their ends.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some(start..*at)
    })
}

fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    super::span::trimmed(text, range.clone())
}

/// The number of `#` before a Markdown heading, and where its text stands in the line.
fn hashed(line: &str) -> Option<(usize, Range<usize>)> {
    let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
    let rest = line.get(hashes..)?;
    if !(1..=6).contains(&hashes) || !rest.starts_with([' ', '\t']) || line.len() > HEADING_BYTES {
        return None;
    }
    let text = rest.trim();
    // `## Heading ##`: those behind it belong to the mark when a space stands before them.
    let without = text.trim_end_matches('#');
    let text = if without.ends_with([' ', '\t']) { without.trim_end() } else { text };
    let start = line.len() - rest.trim_start().len();
    text.contains(char::is_alphanumeric).then(|| (hashes, start..start + text.len()))
}

/// The character of a line that holds nothing but repetitions of one.
fn adornment(line: &str) -> Option<char> {
    let first = line.chars().next().filter(|first| first.is_ascii_punctuation() && *first != '`')?;
    ((3..=HEADING_BYTES).contains(&line.len()) && line.chars().all(|character| character == first))
        .then_some(first)
}

/// The character that underlines a heading.
fn underlined(title: &str, below: &str) -> Option<char> {
    let character = adornment(below)?;
    // Markdown asks no length of its two.
    let is_long_enough = matches!(character, '=' | '-') || title.chars().count() <= below.len();
    let is_text = !title.starts_with(char::is_whitespace)
        && !["- ", "* ", "+ ", ">", "|"].iter().any(|mark| title.starts_with(mark))
        && title.contains(char::is_alphanumeric);
    (is_long_enough && is_text && title.len() <= HEADING_BYTES).then_some(character)
}

/// The character of the lines above and below a heading of reStructuredText.
fn overlined(above: &str, title: &str, below: &str) -> Option<char> {
    let character = adornment(above)?;
    let fits = above == below
        && title.chars().count() <= above.len()
        && title.len() <= HEADING_BYTES
        && title.contains(char::is_alphanumeric);
    fits.then_some(character)
}

/// The character and the number of those that open a code block.
fn opening_fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let character = line.chars().next().filter(|first| matches!(first, '`' | '~'))?;
    let count = line.bytes().take_while(|&byte| byte == character as u8).count();
    // ```code``` in one line is no block.
    (count >= 3 && !line[count..].contains('`')).then_some((character, count))
}

fn closes_fence(line: &str, (character, count): (char, usize)) -> bool {
    let line = line.trim();
    line.len() >= count && line.chars().all(|other| other == character)
}

/// The level of each heading. In a text with `#`, `=` and `-` have Markdown's levels; without it the
/// level of an underline follows from the order in which they appear, as in reStructuredText.
fn levels(marks: &[Mark]) -> impl Iterator<Item = usize> {
    let is_markdown = marks.iter().any(|mark| matches!(mark, Mark::Hashes(_)));
    let mut seen: Vec<Mark> = Vec::new();
    marks.iter().map(move |&mark| match mark {
        Mark::Hashes(level) => level,
        Mark::Underline { character: '=', .. } if is_markdown => 1,
        Mark::Underline { character: '-', .. } if is_markdown => 2,
        Mark::Underline { .. } => {
            let place = seen.iter().position(|&other| other == mark);
            place.unwrap_or_else(|| {
                seen.push(mark);
                seen.len() - 1
            }) + 1
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<(&str, usize)> {
        structure(text).headings.into_iter().map(|heading| (&text[heading.text], heading.level)).collect()
    }

    #[test]
    fn markdown() {
        assert_eq!(
            headings("# One\ntext\n## Two ##\n\n### C#\n####### no\n#no\n#  \n"),
            [("One", 1), ("Two", 2), ("C#", 3)]
        );
        assert_eq!(
            headings("Title\n===\ntext\n\nPart\n----\n# Top\n"),
            [("Title", 1), ("Part", 2), ("Top", 1)]
        );
    }

    #[test]
    fn restructured_text() {
        let text = "=====\nBook\n=====\n\nPart\n====\n\nSection\n~~~~~~~\ntext\n\nPart two\n========\n";
        assert_eq!(headings(text), [("Book", 1), ("Part", 2), ("Section", 3), ("Part two", 2)]);
        assert_eq!(headings("Above\n-----\nx\n\nBelow\n=====\n"), [("Above", 1), ("Below", 2)]);
    }

    #[test]
    fn what_merely_looks_like_a_heading_is_none() {
        for text in [
            "Note:\ntext",
            "a paragraph\nof two lines\n---\ntext",
            "- item\n---\n",
            "---\ntitle: x\n---\n",
            "| a | b |\n---------\n",
            "longer than it\n~~~~\n",
            "    Indented\n    ========\n",
            "text\n\n---\n\ntext",
            "#!/bin/sh\n#comment",
        ] {
            assert_eq!(headings(text), [], "{text}");
        }
    }

    #[test]
    fn code_holds_no_headings() {
        let text = "# One\n```sh\n# a comment\n```\n# Two\n~~~\nx\n```\n# no\n~~~~\n";
        assert_eq!(headings(text), [("One", 1), ("Two", 1)]);
        let code: Vec<&str> = structure(text).code.into_iter().map(|code| &text[code]).collect();
        assert_eq!(code, ["```sh\n# a comment\n```\n", "~~~\nx\n```\n# no\n~~~~\n"]);
        // Never closed: to the end.
        assert_eq!(headings("```\n# no"), []);
        assert_eq!(headings("```x``` is code\n# One"), [("One", 1)]);
    }
}
