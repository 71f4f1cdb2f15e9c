//! The texts of an entry as they stand in the store, whatever else of the entry can be read.

use std::borrow::Cow;

use crate::words::tokens::Language;
use crate::{Context, EntryText};

/// Bytes of a content that are enough to tell its language.
const TELLING_BYTES: usize = 1_000;

/// What an entry says. A part that cannot be read as it should be is a text like any other: damage in it keeps the entry's
/// other words, and its own, from being lost.
#[derive(Debug, Default)]
pub struct StoredText {
    title: String,
    content: String,
    tags: Vec<String>,
    context: Option<Context>,
}

impl StoredText {
    /// From the columns of an entry, with tags and context as JSON.
    #[must_use]
    pub fn new(title: String, content: String, tags: String, context: Option<String>) -> Self {
        Self {
            title,
            content,
            tags: crate::json::read(&tags).unwrap_or_else(|_| vec![tags]),
            context: context.map(|json| {
                crate::json::read(&json)
                    .unwrap_or_else(|_| Context { text: Some(json), ..Context::default() })
            }),
        }
    }

    pub(crate) fn as_entry_text(&self) -> EntryText<'_> {
        EntryText::new(&self.title, &self.content, &self.tags, self.context.as_ref())
    }

    /// The language that the title and the beginning of the content tell.
    pub(crate) fn language(&self) -> Option<Language> {
        let head = &self.content[..self.content.floor_char_boundary(TELLING_BYTES)];
        Language::of(&[&self.title, "\n", head].concat())
    }

    /// All that it says, part by part.
    pub(super) fn parts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let own = [Cow::from(&self.title), Cow::from(&self.content), Cow::from(self.tags.join(" "))];
        let context = self.context.iter().flat_map(|context| context.parts()).map(Cow::from);
        own.into_iter().chain(context)
    }

    /// Names of files, which belong to the context and are in no text that a model is shown.
    pub(crate) fn files(&self) -> &[String] {
        self.context.as_ref().map_or(&[], |context| &context.files)
    }
}
