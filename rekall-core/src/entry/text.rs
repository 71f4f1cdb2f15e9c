//! The texts of an entry that vectors are made from.

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
        match role {
            Role::Summary => {
                let mut text = self.title.to_owned();
                if !self.content.trim().is_empty() {
                    text.push('\n');
                    text.push_str(self.content);
                }
                if !self.tags.is_empty() {
                    text.push('\n');
                    text.push_str(&self.tags.join(" "));
                }
                Some(text)
            }
            Role::Context => self.context.map(Context::embedded_text).filter(|text| !text.is_empty()),
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
