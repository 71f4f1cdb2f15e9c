//! What a source says, as a program that reads sources hands it over.

use rekall_core::{TextDigest, check_uri, section_digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, NewEntry};

/// A source as it is now, with all of its sections: a file, a page, the messages of a thread.
///
/// ```
/// use rekall::{NewSection, NewSource};
///
/// let source = NewSource::new("file:///notes/ship.md")
///     .stamp("1719792000000 120")
///     .section(NewSection::new("Ship", "Build, test, ship.").path(["Ship"]).line(1).tags(["release"]));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// Names the source; no other one has it. At most 8 KiB.
    pub uri: String,
    /// By what the reader recognizes that it has not changed: its time and size, its revision. `None`: it is read in
    /// every run.
    #[serde(default)]
    pub stamp: Option<String>,
    /// Its sections, in their order.
    #[serde(default)]
    pub sections: Vec<NewSection>,
    /// The project of all its entries; `None`: each keeps the one that it has.
    #[serde(default)]
    pub project: Option<String>,
    /// What entries that are new begin with.
    #[serde(default)]
    pub defaults: SourceDefaults,
}

/// What an entry of a source begins with. All of it belongs to people afterwards: no synchronization changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceDefaults {
    /// What kind of note it is. Default `"reference"`.
    pub kind: String,
    /// Default `"semantic"`.
    pub memory_type: String,
    /// The project, where [`NewSource::project`] gives none.
    pub project: Option<String>,
    /// The host's own values.
    pub metadata: Map<String, Value>,
}

impl Default for SourceDefaults {
    fn default() -> Self {
        Self {
            kind: "reference".to_owned(),
            memory_type: "semantic".to_owned(),
            project: None,
            metadata: Map::new(),
        }
    }
}

/// A section of a source: it becomes an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewSection {
    /// The headings above it and its own, outermost first; empty for what stands above the first one.
    pub path: Vec<String>,
    /// The title of its entry.
    pub title: String,
    /// Its text.
    pub content: String,
    /// The line in which it begins, from 1.
    pub line: Option<u32>,
    /// The tags that the source gives it. Those that people add stay beside them.
    pub tags: Vec<String>,
    /// When what it says was made: milliseconds since 1970 (UTC). Counts for a new entry only; `None`: now.
    pub created_at: Option<i64>,
    /// Values of the host's own for a new entry, beside those of [`SourceDefaults::metadata`].
    pub metadata: Map<String, Value>,
}

impl NewSource {
    /// A source of this name, still without sections.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            stamp: None,
            sections: Vec::new(),
            project: None,
            defaults: SourceDefaults::default(),
        }
    }

    /// Sets by what the reader recognizes that the source has not changed.
    #[must_use]
    pub fn stamp(mut self, stamp: impl Into<String>) -> Self {
        self.stamp = Some(stamp.into());
        self
    }

    /// Adds a section after the others.
    #[must_use]
    pub fn section(mut self, section: NewSection) -> Self {
        self.sections.push(section);
        self
    }

    /// Sets the project of all its entries.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Sets what new entries begin with.
    #[must_use]
    pub fn defaults(mut self, defaults: SourceDefaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Refuses what no synchronization could store.
    ///
    /// # Errors
    /// [`Error::Core`] for a URI that is blank or too long, and for what [`NewEntry::validate`] refuses in a section.
    pub fn validate(&self) -> Result<(), Error> {
        check_uri(&self.uri)?;
        self.sections.iter().try_for_each(|section| Ok(self.entry(section).validate()?))
    }

    /// The entry that a section becomes where it is new.
    pub(super) fn entry(&self, section: &NewSection) -> NewEntry {
        let SourceDefaults { kind, memory_type, project, metadata } = &self.defaults;
        let mut entry = NewEntry::new(section.title.as_str())
            .content(section.content.as_str())
            .kind(kind.as_str())
            .memory_type(memory_type.as_str())
            .tags(section.tags.iter().map(String::as_str));
        entry.project.clone_from(if self.project.is_some() { &self.project } else { project });
        entry.metadata.clone_from(metadata);
        entry.metadata.extend(section.metadata.iter().map(|(key, value)| (key.clone(), value.clone())));
        entry.created_at = section.created_at;
        entry
    }

    /// Of everything that a synchronization compares: where it is the same, nothing has changed.
    pub(super) fn digest(&self) -> TextDigest {
        let said: Vec<_> = self
            .sections
            .iter()
            .map(|section| (&section.path, &section.title, &section.content, section.line, &section.tags))
            .collect();
        TextDigest::of(&serde_json::json!([self.project, said]).to_string())
    }
}

impl NewSection {
    /// A section with this title and text.
    #[must_use]
    pub fn new(title: impl Into<String>, content: impl Into<String>) -> Self {
        Self { title: title.into(), content: content.into(), ..Self::default() }
    }

    /// Sets the headings above the section and its own.
    #[must_use]
    pub fn path(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the line in which it begins, from 1.
    #[must_use]
    pub fn line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// Sets the tags that the source gives it.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Its own heading; its title where it stands under none.
    pub(super) fn heading(&self) -> &str {
        self.path.last().unwrap_or(&self.title)
    }

    pub(super) fn digest(&self) -> TextDigest {
        section_digest(self.heading(), &self.content)
    }
}
