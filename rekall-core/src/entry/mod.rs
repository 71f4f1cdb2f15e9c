//! Entries: what is remembered.

mod context;
pub mod limits;
mod origin;
mod patch;
mod text;

pub use context::Context;
pub use origin::{EntryJson, LinkJson, Origin};
pub use patch::EntryPatch;
pub(crate) use patch::unique as unique_tags;
pub use text::EntryText;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{EntryId, SourceRef, json};

/// Whether an entry still holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds; searches find it.
    #[default]
    Active,
    /// It no longer holds; searches leave it out unless asked.
    Obsolete,
}

impl Status {
    /// `"active"` or `"obsolete"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Obsolete => "obsolete",
        }
    }
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// One line that says what it is about.
    pub title: String,
    /// The rest, possibly empty.
    pub content: String,
    /// What kind of note it is, free text; see [`NewEntry::KINDS`] for the usual ones.
    pub kind: String,
    /// The project it belongs to.
    #[serde(default)]
    pub project: Option<String>,
    /// Labels, in the author's order, each once.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it still holds.
    pub status: Status,
    /// The entry that replaced it.
    #[serde(default)]
    pub superseded_by: Option<EntryId>,
    /// How sure its author was, 0 to 5.
    pub confidence: u8,
    /// `episodic` (something that happened), `semantic` (something drawn from it), or the host's own word.
    pub memory_type: String,
    /// How the problem showed itself and what helped.
    #[serde(default)]
    pub context: Option<Context>,
    /// The host's own values.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// What an imported file said that has no place above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<Value>,
    /// The place that it is kept in step with, if a source was synchronized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// When it was made: milliseconds since 1970 (UTC).
    pub created_at: i64,
    /// When it was last changed: milliseconds since 1970 (UTC).
    pub updated_at: i64,
    /// When it expires: milliseconds since 1970 (UTC); `None`: never. See [`NewEntry::expires_at`](NewEntry#structfield.expires_at).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// From when on what it says holds: milliseconds since 1970 (UTC); `None`: open. See
    /// [`Filter::as_of`](crate::Filter::as_of).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<i64>,
    /// From when on it no longer holds, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<i64>,
}

/// An entry to be remembered. Only the title is required.
///
/// ```
/// # use rekall_core::NewEntry;
/// let entry = NewEntry::new("Retry only idempotent calls")
///     .content("A repeated POST charged a customer twice.")
///     .kind("pitfall")
///     .project("shop")
///     .tags(["http", "payments"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewEntry {
    /// One line that says what it is about; not blank, at most [`limits::TITLE_BYTES`].
    pub title: String,
    /// The rest; at most [`limits::CONTENT_BYTES`].
    pub content: String,
    /// What kind of note it is. Default `"note"`.
    pub kind: String,
    /// The project it belongs to.
    pub project: Option<String>,
    /// Labels; repeated ones are kept once.
    pub tags: Vec<String>,
    /// How sure its author is, 0 to 5. Default 2.
    pub confidence: u8,
    /// `"episodic"` (the default), `"semantic"`, or the host's own word.
    pub memory_type: String,
    /// How the problem showed itself and what helped.
    pub context: Option<Context>,
    /// The host's own values.
    pub metadata: Map<String, Value>,
    /// Its id, which no other entry may have; `None`: one is made. Entries are listed by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EntryId>,
    /// When it was made: milliseconds since 1970 (UTC), within [`limits::CREATED_AT_MS`]; `None`: now. It counts as changed
    /// then, too, until it is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// When it expires: milliseconds since 1970 (UTC), within [`limits::CREATED_AT_MS`]; `None`: never. From that moment on no
    /// search, list, count or facet shows it, unless the filter says [`include_expired`](crate::Filter::include_expired).
    /// [`delete_expired`](crate::store::WriteExpiry::delete_expired) deletes it; until then it is there by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// From when on what it says holds: milliseconds since 1970 (UTC), within [`limits::CREATED_AT_MS`]; `None`: it always
    /// has. Only searches that ask for a moment look at it ([`Filter::as_of`](crate::Filter::as_of)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<i64>,
    /// From when on it no longer holds, not before `valid_from`; `None`: it still does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<i64>,
}

impl Default for NewEntry {
    fn default() -> Self {
        Self::new("")
    }
}

impl NewEntry {
    /// The kinds that the Python tool knew; any other word is as good.
    pub const KINDS: [&'static str; 6] = ["bug", "pattern", "decision", "pitfall", "config", "reference"];

    /// An entry with this title and nothing else.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            content: String::new(),
            kind: "note".to_owned(),
            project: None,
            tags: Vec::new(),
            confidence: 2,
            memory_type: "episodic".to_owned(),
            context: None,
            metadata: Map::new(),
            id: None,
            created_at: None,
            expires_at: None,
            valid_from: None,
            valid_to: None,
        }
    }

    /// Sets the content.
    #[must_use]
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.content = content.into();
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Sets the project.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Sets the tags.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the confidence, 0 to 5.
    #[must_use]
    pub fn confidence(mut self, confidence: u8) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets the memory type.
    #[must_use]
    pub fn memory_type(mut self, memory_type: impl Into<String>) -> Self {
        self.memory_type = memory_type.into();
        self
    }

    /// Sets the structured context.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Adds one value of the host's own, nested at most [`limits::JSON_DEPTH`] - 1 levels.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), json::cut(value.into()));
        self
    }

    /// Sets the id, instead of having one made.
    #[must_use]
    pub fn id(mut self, id: EntryId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets when it was made, for what is older than its entry: milliseconds since 1970 (UTC), within
    /// [`limits::CREATED_AT_MS`].
    #[must_use]
    pub fn created_at(mut self, ms: i64) -> Self {
        self.created_at = Some(ms);
        self
    }

    /// Sets when it expires: milliseconds since 1970 (UTC), within [`limits::CREATED_AT_MS`].
    ///
    /// ```
    /// # use rekall_core::NewEntry;
    /// let note = NewEntry::new("No releases this week").expires_at(1_900_000_000_000);
    /// # assert!(note.validate().is_ok());
    /// ```
    #[must_use]
    pub fn expires_at(mut self, ms: i64) -> Self {
        self.expires_at = Some(ms);
        self
    }

    /// Sets from when on it holds: milliseconds since 1970 (UTC), within [`limits::CREATED_AT_MS`].
    #[must_use]
    pub fn valid_from(mut self, ms: i64) -> Self {
        self.valid_from = Some(ms);
        self
    }

    /// Sets from when on it no longer holds: milliseconds since 1970 (UTC), not before `valid_from`.
    #[must_use]
    pub fn valid_to(mut self, ms: i64) -> Self {
        self.valid_to = Some(ms);
        self
    }

    /// Refuses what [`insert`](crate::store::WriteEntries::insert) would refuse, before any work is done.
    ///
    /// ```
    /// # use rekall_core::NewEntry;
    /// assert!(NewEntry::new("CORS fails on Safari").validate().is_ok());
    /// assert!(NewEntry::new(" ").validate().is_err(), "a title is needed");
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty), [`Error::Nul`](crate::Error::Nul),
    /// [`Error::TooLong`](crate::Error::TooLong), [`Error::TooDeep`](crate::Error::TooDeep) or
    /// [`Error::OutOfRange`](crate::Error::OutOfRange), naming the field.
    pub fn validate(&self) -> Result<(), crate::Error> {
        limits::check(self)
    }
}
