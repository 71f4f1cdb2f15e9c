//! AsciiDoc (<https://docs.asciidoctor.org/asciidoc/latest/>): titles begin with `=`, from one of the document to six;
//! inside delimited blocks they do not. Attributes of the document follow its title.

use super::front_matter::{milliseconds, names_in};
use super::lines::lines;
use super::markdown::one_line;
use super::outline::{About, Heading, Outline};

/// The characters of which four or more on a line begin and end a block in which nothing is a title.
const BLOCKS: &str = "-.=*_+/";

pub(super) fn outline(text: &str) -> Outline<'_> {
    let mut outline = Outline::of(text);
    let mut block: Option<&str> = None;
    let mut in_header = true;
    for (start, line) in lines(text) {
        let trimmed = line.trim_end();
        if let Some(delimiter) = block {
            if trimmed == delimiter {
                block = None;
            }
        } else if is_delimiter(trimmed) {
            // A fence is closed without the language that may follow it.
            block = Some(if trimmed.starts_with("```") { "```" } else { trimmed });
            in_header = false;
        } else if let Some((level, title)) = title(trimmed) {
            let title = one_line(&plain(title));
            outline.headings.push(Heading { level, title, tags: Vec::new(), start, end: start + line.len() });
            in_header &= level == 1;
        } else if in_header {
            attribute(trimmed, &mut outline.about);
            // The header ends with the first blank line below its title.
            in_header = !trimmed.is_empty() || outline.headings.is_empty();
        }
    }
    outline
}

fn is_delimiter(line: &str) -> bool {
    let mark = line.chars().next().unwrap_or_default();
    let only = |mark| line.chars().all(|character| character == mark);
    (line.len() >= 4 && BLOCKS.contains(mark) && only(mark))
        || line == "--"
        || line.starts_with("```")
        || (line.starts_with("|===") && only_after(line, '='))
}

fn only_after(line: &str, mark: char) -> bool {
    line.chars().skip(1).all(|character| character == mark)
}

/// `== Title` or, as in Markdown, `## Title`.
fn title(line: &str) -> Option<(u8, &str)> {
    let mark = line.chars().next().filter(|mark| "=#".contains(*mark))?;
    let rest = line.trim_start_matches(mark);
    let level = u8::try_from(line.len() - rest.len()).ok().filter(|level| *level <= 6)?;
    let title = rest.strip_prefix([' ', '\t'])?.trim();
    (!title.is_empty()).then_some((level, title))
}

/// Text without anchors (`[[id]]`, `[#id]`) and the marks of code; a link is its text.
fn plain(title: &str) -> String {
    let mut plain = String::new();
    let mut rest = title;
    while let Some(place) = rest.find(['[', '`']) {
        let (before, marked) = rest.split_at(place);
        plain.push_str(before);
        let anchor = marked.strip_prefix("[[").and_then(|anchor| anchor.split_once("]]"));
        let short = marked.strip_prefix("[#").and_then(|anchor| anchor.split_once(']'));
        if let Some((_, after)) = anchor.or(short) {
            rest = after;
        } else if let Some((text, after)) = marked.strip_prefix('[').and_then(|text| text.split_once(']'))
            && before.contains("://")
        {
            let target = plain.rfind(char::is_whitespace).map_or(0, |space| space + 1);
            plain.truncate(target);
            plain.push_str(text);
            rest = after;
        } else {
            if marked.starts_with('[') {
                plain.push('[');
            }
            rest = &marked[1..];
        }
    }
    plain + rest
}

/// `:keywords: a, b`.
fn attribute(line: &str, about: &mut About) {
    let Some((key, value)) = line.strip_prefix(':').and_then(|line| line.split_once(": ")) else { return };
    match key.to_ascii_lowercase().as_str() {
        "keywords" | "tags" | "page-tags" => about.tags.extend(names_in(value)),
        "date" | "revdate" => about.date_ms = milliseconds(value).or(about.date_ms),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileKind, parse};

    #[test]
    fn titles_outside_of_blocks() {
        let text = "= Guide\nAnn Author\n:keywords: a, b\n:revdate: 2024-05-01\n\nIntro.\n\n[[use]]\n== Use `it` [[anchor]]\n\n\
                    ----\n== no title\n----\n\n```\n= none\n```\n\n|===\n|== a\n|===\n\n## Short https://example.org[link]\n\nx\n";
        let document = parse(FileKind::AsciiDoc, "g.adoc", text).unwrap();
        assert_eq!((document.title.as_str(), document.tags.join(",")), ("Guide", "a,b".to_owned()));
        assert_eq!(document.date_ms, Some(1_714_521_600_000));
        let sections: Vec<_> =
            document.sections.iter().map(|section| (section.title.as_str(), section.line)).collect();
        assert_eq!(sections, [("Guide", 1), ("Guide > Use it", 9), ("Guide > Short link", 23)]);
        assert!(document.sections[1].text.contains("== no title"));
    }

    #[test]
    fn a_block_without_an_end_goes_to_the_end() {
        let document = parse(FileKind::AsciiDoc, "g.adoc", "== A\n----\n== B\n").unwrap();
        assert_eq!(document.sections.len(), 1);
    }
}
