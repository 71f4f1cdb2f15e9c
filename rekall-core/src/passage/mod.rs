//! Passages: the parts of an entry that are searched, each with its words and its vector.

mod cut;
mod length;
mod span;
mod structure;
mod units;

use std::borrow::Cow;
use std::ops::Range;

use crate::{EntryText, Role};
use length::PASSAGE_LENGTH;
use span::{Span, spans_of};

/// Longest part of a title or heading that is repeated above a passage, in characters.
const REPEATED_CHARACTERS: usize = 120;

/// The texts of an entry, cut into passages.
///
/// A passage is what both retrievers find: it has its words, and a vector of its own. A short entry is one passage: its whole
/// text. A longer one is cut before headings, at empty lines, ends of lines or ends of sentences, in this order
/// of preference, into passages of at most [`TARGET_LENGTH`](Self::TARGET_LENGTH) weighed characters (of an
/// alphabet 1, kana and Hangul 2, ideographs 3) and of about the same length. Headings are those of Markdown and
/// reStructuredText; a heading stays with what follows it, and fenced code is cut only if it is longer than a
/// passage.
///
/// The cut depends on the entry's text alone, never on a model. O(bytes).
///
/// ```
/// # use rekall_core::{EntryPassages, NewEntry};
/// let long = "One sentence of many. ".repeat(30);
/// let entry = NewEntry::new("Guide").content(format!("# Install\n{long}\n## On Linux\n{long}\n# Use\n{long}"));
/// let passages = EntryPassages::of((&entry).into());
/// let linux = passages.iter().find(|passage| passage.text.starts_with("## On Linux")).unwrap();
/// assert_eq!((linux.title, linux.headings().collect::<Vec<_>>()), (Some("Guide"), vec!["Install"]));
/// assert!(linux.embedded_text().starts_with("Guide > Install\n## On Linux\nOne sentence"));
///
/// let short = NewEntry::new("CORS fails").content("Send the header on errors, too.").tags(["http"]);
/// let passages = EntryPassages::of((&short).into());
/// assert_eq!(passages.iter().next().unwrap().text, "CORS fails\nSend the header on errors, too.\nhttp");
/// ```
#[derive(Debug, Clone)]
pub struct EntryPassages<'a> {
    entry: EntryText<'a>,
    /// The text of each role, in their order.
    texts: [String; 2],
    spans: Vec<Span>,
}

/// One passage of an entry.
#[derive(Debug, Clone, Copy)]
pub struct EntryPassage<'a> {
    /// Which text of the entry it is cut from.
    pub role: Role,
    /// Its number in that text, from 0; the same as the number of its vector.
    pub number: u16,
    /// The passage itself, without white space around it.
    pub text: &'a str,
    /// The entry's title, where the passage does not begin with it.
    pub title: Option<&'a str>,
    /// The entry's tags: with the first passage of the summary only.
    pub tags: &'a [String],
    span: &'a Span,
    role_text: &'a str,
    entry: EntryText<'a>,
}

/// What a part of a passage is, see [`EntryPassage::fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassageField {
    /// The entry's title where it stands.
    Title,
    /// The entry's content.
    Content,
    /// A tag.
    Tag,
    /// The structured context.
    Context,
    /// The title or a heading, repeated from above the passage.
    Above,
}

impl<'a> EntryPassages<'a> {
    /// The longest passage, in weighed characters.
    pub const TARGET_LENGTH: usize = PASSAGE_LENGTH;

    /// Cuts the texts of an entry.
    #[must_use]
    pub fn of(entry: EntryText<'a>) -> Self {
        Self::of_length(entry, PASSAGE_LENGTH)
    }

    /// Cuts into passages of another length, to measure what it does. What is in a file always has
    /// [`TARGET_LENGTH`](Self::TARGET_LENGTH).
    #[must_use]
    pub fn of_length(entry: EntryText<'a>, longest: usize) -> Self {
        let texts = Role::ALL.map(|role| entry.role(role).unwrap_or_default());
        let mut spans = Vec::new();
        for (role, text) in Role::ALL.into_iter().zip(&texts) {
            let (title, body) = match role {
                Role::Summary => (entry.title().len(), entry.untagged_len()),
                Role::Context => (0, text.len()),
            };
            // Tags are no text to be cut: they go with the first passage.
            spans.extend(spans_of(role, text, title, body, longest.max(1)));
        }
        Self { entry, texts, spans }
    }

    /// The passages: those of the summary, then those of the context, each in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = EntryPassage<'_>> {
        self.spans.iter().map(|span| {
            let role_text = self.texts[usize::from(span.role.number())].as_str();
            let is_first = span.role == Role::Summary && span.number == 0;
            EntryPassage {
                role: span.role,
                number: span.number,
                text: &role_text[span.bytes.clone()],
                title: (!is_first).then(|| self.entry.title()),
                tags: if is_first { self.entry.tags() } else { &[] },
                span,
                role_text,
                entry: self.entry,
            }
        })
    }

    /// Number of passages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

impl<'a> EntryPassage<'a> {
    /// Where it stands in the role's text ([`EntryText::role`]), in bytes of UTF-8.
    #[must_use]
    pub fn bytes(&self) -> Range<usize> {
        self.span.bytes.clone()
    }

    /// Where it stands in the role's text, in characters (Unicode scalar values).
    #[must_use]
    pub fn chars(&self) -> Range<usize> {
        self.span.chars.clone()
    }

    /// The headings of the sections that the passage stands in, from the outermost to the innermost; not the
    /// one that it begins with.
    pub fn headings(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.role_text;
        self.span.headings.iter().map(|heading| &text[heading.clone()])
    }

    /// The text that the passage's vector is made of. That of the first passage of a text is the passage itself, with
    /// the tags of a longer entry in a line below it. Before each later one stands a line with the title and the
    /// headings above it, `title > heading > subheading`, each cut after 120 characters at most.
    #[must_use]
    pub fn embedded_text(&self) -> Cow<'a, str> {
        if self.number > 0 {
            let mut text = String::new();
            let repeats_title = |heading: &&str| Some(*heading) != self.title;
            for part in self.title.into_iter().chain(self.headings().filter(repeats_title)) {
                if !text.is_empty() {
                    text.push_str(" > ");
                }
                text.extend(shortened(part).split_whitespace().flat_map(|word| [" ", word]).skip(1));
            }
            text.push('\n');
            text.push_str(self.text);
            return text.into();
        }
        if self.tags.is_empty() || self.span.bytes.end > self.entry.untagged_len() {
            return self.text.into();
        }
        format!("{}\n{}", self.text, self.tags.join(" ")).into()
    }

    /// What the passage's words are made of, part by part: title, content and tags, or the context; and, where
    /// the passage does not begin with the title, the title and the headings above it.
    pub fn fields(&self) -> impl Iterator<Item = (PassageField, &'a str)> + use<'a> {
        let (text, bytes) = (self.role_text, self.span.bytes.clone());
        let part = |range: Range<usize>| {
            let part = range.start.max(bytes.start)..range.end.min(bytes.end);
            text.get(part).unwrap_or_default()
        };
        let title_end = self.entry.title().len();
        let own = match self.role {
            Role::Summary => [
                (PassageField::Title, part(0..title_end)),
                (PassageField::Content, part(title_end..self.entry.untagged_len())),
            ],
            Role::Context => [(PassageField::Context, self.text), (PassageField::Context, "")],
        };
        let above = self.title.into_iter().chain(self.headings()).map(|text| (PassageField::Above, text));
        let tags = self.tags.iter().map(|tag| (PassageField::Tag, tag.as_str()));
        above.chain(own).chain(tags).filter(|(_, text)| !text.trim().is_empty())
    }
}

/// The beginning of a title or heading, cut after a word where it is too long.
fn shortened(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(REPEATED_CHARACTERS) else { return text };
    let cut = &text[..end];
    cut.rfind(char::is_whitespace).map_or(cut, |space| cut[..space].trim_end())
}

#[cfg(test)]
mod tests;
