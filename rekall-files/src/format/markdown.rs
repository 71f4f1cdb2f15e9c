//! Markdown: the block structure of CommonMark (<https://spec.commonmark.org/0.31.2/>), tables, and front matter.
//!
//! Headings inside a list item or a quotation are part of its text and begin no section.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::front_matter::{self, FrontMatter};
use super::outline::{Heading, Outline};

pub(super) fn outline(text: &str) -> Outline<'_> {
    let FrontMatter { about, length, body, problems } = front_matter::split(text);
    let headings = headings(&text[body..]).into_iter().map(|mut heading| {
        heading.start += body;
        heading.end += body;
        heading
    });
    Outline { headings: headings.collect(), start: length, about, problems, ..Outline::of(text) }
}

/// The headings that stand in no list and no quotation.
pub(super) fn headings(text: &str) -> Vec<Heading> {
    // Of the extensions only those that change what a heading is, or what of it readers see.
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_WIKILINKS;
    let mut headings = Vec::new();
    let mut containers = 0_usize;
    let mut current: Option<Heading> = None;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if containers == 0 => {
                current = Some(Heading {
                    level: level as u8,
                    title: String::new(),
                    tags: Vec::new(),
                    start: line_start(text, range.start),
                    end: line_end(text, range.end),
                });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(heading) = current.take() {
                    headings.push(Heading { title: one_line(&heading.title), ..heading });
                }
            }
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => containers += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => containers -= 1,
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut current {
                    heading.title.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut current {
                    heading.title.push(' ');
                }
            }
            _ => {}
        }
    }
    headings
}

/// A title on one line, with single spaces.
pub(super) fn one_line(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line_start(text: &str, place: usize) -> usize {
    text[..place].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that a range ends on or just after.
fn line_end(text: &str, place: usize) -> usize {
    if text[..place].ends_with('\n') {
        return place;
    }
    text[place..].find('\n').map_or(text.len(), |newline| place + newline + 1)
}
