//! The texts of an entry that vectors are made from.

use std::borrow::Cow;

use super::{Context, Entry, NewEntry};
use crate::Role;

/// The parts of an entry that carry meaning, borrowed.
///
/// Two entries with equal texts have equal vectors; an update that leaves them alone embeds nothing.
#[derive(Debug, Clone, Copy)]
pub struct EntryText<'a> {
    title: &'a str,
    content: &'a str,
    tags: &'a [String],
    context: Option<&'a Context>,
}

impl<'a> EntryText<'a> {
    pub(crate) fn new(
        title: &'a str,
        content: &'a str,
        tags: &'a [String],
        context: Option<&'a Context>,
    ) -> Self {
        Self { title, content, tags, context }
    }

    pub(crate) fn title(&self) -> &'a str {
        self.title
    }

    pub(crate) fn tags(&self) -> &'a [String] {
        self.tags
    }

    /// Bytes of the summary before the line of tags.
    pub(crate) fn untagged_len(&self) -> usize {
        let content = if self.content.trim().is_empty() { 0 } else { 1 + self.content.len() };
        self.title.len() + content
    }

    /// The text that is cut into passages and embedded for `role`; `None` when the entry has nothing to say in it.
    ///
    /// `summary`: title, content and tags, a line each (tags joined by spaces). `context`:
    /// [`Context::embedded_text`].
    #[must_use]
    pub fn role(&self, role: Role) -> Option<String> {
        let parts = self.parts(role);
        (!parts.is_empty()).then(|| parts.join("\n"))
    }

    /// The lines that [`Self::role`] is made of: the parts of the entry that are not blank.
    pub(crate) fn parts(&self, role: Role) -> Vec<Cow<'a, str>> {
        match role {
            Role::Summary => {
                let content = (!self.content.trim().is_empty()).then(|| self.content.into());
                let tags = (!self.tags.is_empty()).then(|| self.tags.join(" ").into());
                [Some(self.title.into()), content, tags].into_iter().flatten().collect()
            }
            Role::Context => {
                self.context.into_iter().flat_map(Context::embedded_parts).map(Cow::from).collect()
            }
        }
    }
}

impl<'a> From<&'a NewEntry> for EntryText<'a> {
    fn from(entry: &'a NewEntry) -> Self {
        Self {
            title: &entry.title,
            content: &entry.content,
            tags: &entry.tags,
            context: entry.context.as_ref(),
        }
    }
}

impl<'a> From<&'a Entry> for EntryText<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            title: &entry.title,
            content: &entry.content,
            tags: &entry.tags,
            context: entry.context.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_their_own_texts() {
        let mut entry = NewEntry::new("Title").content("Body").tags(["a", "b"]);
        assert_eq!(EntryText::from(&entry).role(Role::Summary).unwrap(), "Title\nBody\na b");
        assert_eq!(EntryText::from(&entry).role(Role::Context), None);
        entry.context = Some(Context {
            situation: Some("Slow start".into()),
            trigger_keywords: vec!["boot".into()],
            files: vec!["src/main.rs".into()],
            ..Context::default()
        });
        assert_eq!(EntryText::from(&entry).role(Role::Context).unwrap(), "Slow start\nboot");
        entry.context = Some(Context::default());
        assert_eq!(EntryText::from(&entry).role(Role::Context), None);
    }
}
