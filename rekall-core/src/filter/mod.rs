//! Which entries a search may return.

mod condition;
mod serialize;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use condition::{Comparison, MetadataCondition};

use crate::{EntryId, Error, Status, json};

/// Conditions on entries, all of which must hold. One value serves every search, [`list`](crate::store::ListEntries::list)
/// and [`count`](crate::store::ListEntries::count) alike.
///
/// By default only active entries pass that have not expired.
///
/// ```
/// # use rekall_core::{Comparison, Filter};
/// let filter = Filter::new()
///     .project("shop")
///     .not_kind("draft")
///     .not_tag("wontfix")
///     .metadata("lang", "en")
///     .metadata_where("severity", Comparison::AtLeast, 3)
///     .created_after(1_700_000_000_000);
/// filter.validate()?;
/// # Ok::<(), rekall_core::Error>(())
/// ```
///
/// In JSON what is not there is no condition, and `status` is `"active"` (also when it is not there),
/// `"obsolete"` or `"any"`:
///
/// ```
/// # use rekall_core::{Comparison, Filter};
/// let json = r#"{"projects": ["shop"],
///     "metadata": [{"key": "severity", "comparison": "at_least", "value": 3}]}"#;
/// let filter = Filter::new().project("shop").metadata_where("severity", Comparison::AtLeast, 3);
/// assert_eq!(serde_json::from_str::<Filter>(json)?, filter);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Filter {
    /// Kinds, any of which passes; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Kinds, none of which passes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_kinds: Vec<String>,
    /// Projects, any of which passes; empty: all, and entries without a project.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Projects, none of which passes; an entry without a project does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_projects: Vec<String>,
    /// The entry has at least one of these tags; empty: no condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_any: Vec<String>,
    /// The entry has each of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_all: Vec<String>,
    /// The entry has none of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tags: Vec<String>,
    /// Status; `None`: both. Default: active. There are two, so either is the negation of the other.
    #[serde(with = "serialize::status")]
    pub status: Option<Status>,
    /// Memory types, any of which passes; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memory_types: Vec<String>,
    /// Memory types, none of which passes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_memory_types: Vec<String>,
    /// Made at this time or later (milliseconds since 1970, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<i64>,
    /// Made before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<i64>,
    /// Changed at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_after: Option<i64>,
    /// Changed before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_before: Option<i64>,
    /// Conditions on the metadata. Not indexed: they cost a look at each entry that passes the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<MetadataCondition>,
    /// Only these entries; `None`: no condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<EntryId>>,
    /// None of these entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_ids: Vec<EntryId>,
    /// The entry comes from one of these sources, each a URI that is its source's or that its source's lies under; empty:
    /// from anywhere, and from nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What held at this moment (milliseconds since 1970, UTC); see [`as_of`](Self::as_of).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<i64>,
    /// Whether entries pass that have expired and are not deleted yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_expired: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            not_kinds: Vec::new(),
            projects: Vec::new(),
            not_projects: Vec::new(),
            tags_any: Vec::new(),
            tags_all: Vec::new(),
            not_tags: Vec::new(),
            status: Some(Status::Active),
            memory_types: Vec::new(),
            not_memory_types: Vec::new(),
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            metadata: Vec::new(),
            ids: None,
            not_ids: Vec::new(),
            sources: Vec::new(),
            as_of: None,
            include_expired: false,
        }
    }
}

impl From<&Self> for Filter {
    fn from(filter: &Self) -> Self {
        filter.clone()
    }
}

impl Filter {
    /// Active entries, all of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, whatever their status. Not those that have expired.
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// assert!(Filter::new().any_status().is_unconditional());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    /// Entries of this status only.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a kind that passes.
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// // A bug or a decision.
    /// let filter = Filter::new().kind("bug").kind("decision");
    /// assert!(!filter.is_unconditional());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Adds a kind that does not pass.
    #[must_use]
    pub fn not_kind(mut self, kind: impl Into<String>) -> Self {
        self.not_kinds.push(kind.into());
        self
    }

    /// Adds a project that passes.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.projects.push(project.into());
        self
    }

    /// Adds a project that does not pass; entries without a project do.
    #[must_use]
    pub fn not_project(mut self, project: impl Into<String>) -> Self {
        self.not_projects.push(project.into());
        self
    }

    /// Adds a tag of which one must be there.
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// let filter = Filter::new().tag_any("cors").tag_any("proxy");
    /// assert!(!filter.is_unconditional());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn tag_any(mut self, tag: impl Into<String>) -> Self {
        self.tags_any.push(tag.into());
        self
    }

    /// Adds a tag that must be there.
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// let filter = Filter::new().tag_all("cors").tag_all("safari");
    /// assert!(!filter.is_unconditional());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn tag_all(mut self, tag: impl Into<String>) -> Self {
        self.tags_all.push(tag.into());
        self
    }

    /// Adds a tag that must not be there.
    #[must_use]
    pub fn not_tag(mut self, tag: impl Into<String>) -> Self {
        self.not_tags.push(tag.into());
        self
    }

    /// Adds a memory type that passes.
    #[must_use]
    pub fn memory_type(mut self, memory_type: impl Into<String>) -> Self {
        self.memory_types.push(memory_type.into());
        self
    }

    /// Adds a memory type that does not pass.
    #[must_use]
    pub fn not_memory_type(mut self, memory_type: impl Into<String>) -> Self {
        self.not_memory_types.push(memory_type.into());
        self
    }

    /// Made at this time or later (milliseconds since 1970, UTC).
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// let filter = Filter::new().created_after(1_735_689_600_000).created_before(1_767_225_600_000);
    /// filter.validate()?;
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn created_after(mut self, ms: i64) -> Self {
        self.created_after = Some(ms);
        self
    }

    /// Made before this time (milliseconds since 1970, UTC).
    #[must_use]
    pub fn created_before(mut self, ms: i64) -> Self {
        self.created_before = Some(ms);
        self
    }

    /// Changed at this time or later (milliseconds since 1970, UTC).
    #[must_use]
    pub fn updated_after(mut self, ms: i64) -> Self {
        self.updated_after = Some(ms);
        self
    }

    /// Changed before this time (milliseconds since 1970, UTC).
    #[must_use]
    pub fn updated_before(mut self, ms: i64) -> Self {
        self.updated_before = Some(ms);
        self
    }

    /// Adds a top-level key of the metadata and the value it must have, nested at most
    /// [`limits::JSON_DEPTH`](crate::limits::JSON_DEPTH) levels. The same as
    /// [`metadata_where`](Self::metadata_where) with [`Comparison::Equal`].
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// let filter = Filter::new().metadata("host", "build-3");
    /// filter.validate()?;
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn metadata(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata_where(key, Comparison::Equal, value)
    }

    /// Adds a condition on a top-level key of the metadata. Two of them on one key make a range.
    ///
    /// ```
    /// # use rekall_core::{Comparison, Filter};
    /// let in_2024 = Filter::new()
    ///     .metadata_where("due", Comparison::AtLeast, "2024-01-01")
    ///     .metadata_where("due", Comparison::LessThan, "2025-01-01");
    /// in_2024.validate()?;
    /// let refused = Filter::new().metadata_where("due", Comparison::AtLeast, true).validate();
    /// assert!(refused.is_err(), "there is no order among truth values");
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn metadata_where(
        mut self,
        key: impl Into<String>,
        comparison: Comparison,
        value: impl Into<Value>,
    ) -> Self {
        self.metadata.push(MetadataCondition::new(key, comparison, value));
        self
    }

    /// Only these entries.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = EntryId>) -> Self {
        self.ids = Some(ids.into_iter().collect());
        self
    }

    /// Adds entries that do not pass.
    #[must_use]
    pub fn not_ids(mut self, ids: impl IntoIterator<Item = EntryId>) -> Self {
        self.not_ids.extend(ids);
        self
    }

    /// Adds a source that the entry may come from: its URI, or one that it lies under (`file:///notes` for all files in
    /// that folder and those in it).
    ///
    /// ```
    /// # use rekall_core::Filter;
    /// let filter = Filter::new().source("file:///home/me/notes");
    /// assert!(!filter.is_unconditional());
    /// ```
    #[must_use]
    pub fn source(mut self, uri: impl Into<String>) -> Self {
        self.sources.push(uri.into());
        self
    }

    /// What held at a moment (milliseconds since 1970, UTC): entries whose valid time includes it. One that begins then is
    /// included, one that ends then is not; a begin or end that is not given is open.
    ///
    /// An entry that is obsolete today passes as active if its valid time says that it held then: of an entry and the one that
    /// superseded it, the one that held at the moment is found ([`supersede`](crate::store::WriteSupersession::supersede) ends the
    /// valid time of the former). Without an end it is not known until when it held, and it does not pass.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// const MARCH: i64 = 1_740_787_200_000;
    /// let notes = [NewEntry::new("The server is called gea"), NewEntry::new("The server is called io").valid_from(MARCH)];
    /// let ids = tx.insert(&notes.each_ref().map(Draft::new))?;
    /// tx.supersede(ids[0].id, ids[1].id)?;
    /// let held = |at| tx.list(&Filter::new().as_of(at), None, 10);
    /// assert_eq!(held(MARCH - 1)?[0].title, "The server is called gea");
    /// assert_eq!(held(MARCH)?[0].title, "The server is called io");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn as_of(mut self, ms: i64) -> Self {
        self.as_of = Some(ms);
        self
    }

    /// Lets entries pass that have expired and are not deleted yet.
    #[must_use]
    pub fn include_expired(mut self) -> Self {
        self.include_expired = true;
        self
    }

    /// Whether a condition is on tags: it reads the tag index, which can be damaged while the entries are
    /// not.
    #[must_use]
    pub fn uses_tags(&self) -> bool {
        let Self { tags_any, tags_all, not_tags, .. } = self;
        !(tags_any.is_empty() && tags_all.is_empty() && not_tags.is_empty())
    }

    /// Whether metadata, as they are stored, meet the conditions on them. What cannot be read may hold anything: it passes, so that
    /// reading the entry reports the damage.
    #[must_use]
    pub fn admits_metadata(&self, stored: &str) -> bool {
        let Ok(metadata) = json::read(stored) else { return true };
        self.metadata.iter().all(|condition| condition.holds(&metadata))
    }

    /// Whether nothing is asked but a status, or any, and that an entry has not expired, or not even that. A search need not
    /// look that up entry by entry.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        let (status, include_expired) = (self.status, self.include_expired);
        *self == Self { status, include_expired, ..Self::default() }
    }

    /// Refuses what a search with this filter would refuse, before any work is done.
    ///
    /// # Errors
    /// [`Error::TooDeep`] for a value of the metadata, [`Error::OutOfRange`] for one that has no order where
    /// an order is asked for, [`Error::TooLong`] for values or a list of more than
    /// [`limits::FILTER_BYTES`](crate::limits::FILTER_BYTES).
    pub fn validate(&self) -> Result<(), Error> {
        self.metadata.iter().try_for_each(MetadataCondition::validate)?;
        let lists = [
            ("kinds of the filter", &self.kinds),
            ("not_kinds of the filter", &self.not_kinds),
            ("projects of the filter", &self.projects),
            ("not_projects of the filter", &self.not_projects),
            ("tags_any of the filter", &self.tags_any),
            ("tags_all of the filter", &self.tags_all),
            ("not_tags of the filter", &self.not_tags),
            ("memory_types of the filter", &self.memory_types),
            ("not_memory_types of the filter", &self.not_memory_types),
            ("sources of the filter", &self.sources),
        ];
        for (field, list) in lists {
            check_bytes(field, list.iter().map(String::len))?;
        }
        check_bytes("ids of the filter", self.ids.iter().flatten().map(|_| EntryId::TEXT_LEN))?;
        check_bytes("not_ids of the filter", self.not_ids.iter().map(|_| EntryId::TEXT_LEN))?;
        let conditions =
            self.metadata.iter().map(|condition| condition.key.len() + json::bytes_about(&condition.value));
        check_bytes("metadata of the filter", conditions)
    }
}

fn check_bytes(field: &'static str, lengths: impl Iterator<Item = usize>) -> Result<(), Error> {
    let got = lengths.fold(0_usize, |sum, length| sum.saturating_add(length));
    let limit = crate::limits::FILTER_BYTES;
    if got > limit { Err(Error::TooLong { field, limit, got, unit: "bytes" }) } else { Ok(()) }
}
