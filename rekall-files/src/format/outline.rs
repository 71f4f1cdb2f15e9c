//! What the kinds of text have in common: headings, and the text between them.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Map, Value};

use crate::{Document, FileKind, Problem, Section};

/// A text, its headings in order, and what it says about itself.
#[derive(Debug, Default)]
pub(super) struct Outline<'t> {
    pub(super) text: Cow<'t, str>,
    /// Where the first section begins; what is above it is not text.
    pub(super) start: usize,
    pub(super) headings: Vec<Heading>,
    /// The line of the file on which each line of `text` stands, if it is not its own number.
    pub(super) lines: Option<Vec<usize>>,
    /// Whether the file's name, and no heading, is the title.
    pub(super) named_after_file: bool,
    pub(super) about: About,
    pub(super) problems: Vec<Problem>,
}

/// A heading, as bytes of the text from the start of its first line to the end of its last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// From 1, which is the outermost.
    pub(super) level: u8,
    pub(super) title: String,
    pub(super) tags: Vec<String>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a document says about itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct About {
    pub(super) title: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) aliases: Vec<String>,
    pub(super) date_ms: Option<i64>,
    pub(super) metadata: Map<String, Value>,
}

impl<'t> Outline<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text: Cow::Borrowed(text), ..Self::default() }
    }

    pub(super) fn into_document(self, kind: FileKind, name: &str) -> Document {
        let title = self.title(name);
        let mut sections = self.sections(&title);
        let says_something = self.about != About::default();
        if sections.is_empty() && says_something {
            sections.push(Section { title: title.clone(), line: 1, text_line: 1, ..Section::default() });
        }
        let About { title: _, tags, aliases, date_ms, metadata } = self.about;
        Document {
            kind,
            title,
            tags: each_once(tags),
            aliases: each_once(aliases),
            date_ms,
            metadata,
            sections,
            problems: self.problems,
            encoding: "UTF-8",
            stamp: None,
        }
    }

    fn title(&self, name: &str) -> String {
        if self.named_after_file && !name.trim().is_empty() {
            return name.trim().to_owned();
        }
        let given = self.about.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        let topmost = self.headings.iter().map(|heading| heading.level).min();
        let mut top = self.headings.iter().filter(|heading| Some(heading.level) == topmost);
        let only = match (top.next(), top.next()) {
            (Some(heading), None) if heading.start == self.headings[0].start => Some(heading.title.as_str()),
            _ => None,
        };
        match given.or(only.filter(|title| !title.is_empty())) {
            Some(title) => title.to_owned(),
            None => stem(name),
        }
    }

    fn sections(&self, document_title: &str) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut lines = LineNumbers::of(self);
        // The headings above the current place, each with its level.
        let mut open: Vec<&Heading> = Vec::new();
        let ends = self.headings.iter().map(|heading| heading.start).chain([self.text.len()]);
        let starts = [self.start].into_iter().chain(self.headings.iter().map(|heading| heading.end));
        for (number, (start, end)) in starts.zip(ends).enumerate() {
            let heading = number.checked_sub(1).map(|number| &self.headings[number]);
            if let Some(heading) = heading {
                open.retain(|above| above.level < heading.level);
                open.push(heading);
            }
            let next_level = self.headings.get(number).map_or(0, |next| next.level);
            let has_subsections = next_level > heading.map_or(0, |heading| heading.level);
            let (text_start, text) = without_blank_lines(&self.text, start.min(end), end);
            if text.is_empty() && (has_subsections || heading.is_none()) {
                continue;
            }
            let headings: Vec<String> =
                open.iter().map(|heading| heading.title.clone()).filter(|title| !title.is_empty()).collect();
            let line = heading.map(|heading| lines.at(heading.start));
            let text_line = if text.is_empty() { None } else { Some(lines.at(text_start)) };
            sections.push(Section {
                title: self.section_title(document_title, &headings),
                headings,
                text: text.to_owned(),
                tags: each_once(heading.map(|heading| heading.tags.clone()).unwrap_or_default()),
                line: line.or(text_line).unwrap_or(1),
                text_line: text_line.or(line).unwrap_or(1),
            });
        }
        sections
    }

    fn section_title(&self, document_title: &str, headings: &[String]) -> String {
        let is_named = self.named_after_file || self.about.title.is_some();
        let is_given = is_named && headings.first().is_none_or(|first| first != document_title);
        let whole = (is_given || headings.is_empty()).then_some(document_title);
        whole.into_iter().chain(headings.iter().map(String::as_str)).collect::<Vec<_>>().join(" > ")
    }
}

/// The text from `start` to `end` without blank lines around it, and where it begins: at the start of a line.
fn without_blank_lines(text: &str, start: usize, end: usize) -> (usize, &str) {
    let part = text[start..end].trim_end();
    let blank = part.len() - part.trim_start().len();
    let first = part[..blank].rfind('\n').map_or(0, |newline| newline + 1);
    (start + first, &part[first..])
}

/// The number of a line at a place, for places in ascending order.
struct LineNumbers<'o> {
    outline: &'o Outline<'o>,
    place: usize,
    newlines: usize,
}

impl<'o> LineNumbers<'o> {
    fn of(outline: &'o Outline<'_>) -> Self {
        Self { outline, place: 0, newlines: 0 }
    }

    fn at(&mut self, place: usize) -> usize {
        self.newlines += self.outline.text[self.place..place].matches('\n').count();
        self.place = place;
        let lines = self.outline.lines.as_ref();
        lines.and_then(|lines| lines.get(self.newlines).copied()).unwrap_or(self.newlines + 1)
    }
}

/// A file's name without its extension. A blank name is quoted.
fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let title = stem.trim();
    if title.is_empty() { format!("{name:?}") } else { title.to_owned() }
}

fn each_once(mut names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}
