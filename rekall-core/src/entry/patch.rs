//! Changes to an entry.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Context, Entry, NewEntry, Status, limits};
use crate::{EntryId, Error, json};

/// What an update changes; everything not set stays as it is.
///
/// ```
/// # use rekall_core::{EntryPatch, Status};
/// let patch = EntryPatch::new().title("A better title").status(Status::Obsolete);
/// assert!(patch.changes_text());
/// ```
///
/// In JSON what is not there stays as it is; `null` removes a project, a context, the reference to a newer entry, an expiry
/// or an end of the valid time, and leaves anything else as it is:
///
/// ```
/// # use rekall_core::EntryPatch;
/// let patch: EntryPatch = serde_json::from_str(r#"{"title": "A better title", "project": null}"#)?;
/// assert_eq!(patch, EntryPatch::new().title("A better title").project(None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EntryPatch {
    /// New title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// New content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// New kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// New project; `Some(None)` removes it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub project: Option<Option<String>>,
    /// New tags, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// New status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The entry that replaces this one; `Some(None)` removes the reference. Says nothing of the status: one that is to
    /// leave the searches becomes obsolete, too, as [`supersede`](crate::store::WriteSupersession::supersede) does.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub superseded_by: Option<Option<EntryId>>,
    /// New confidence, 0 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// New memory type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_type: Option<String>,
    /// New context; `Some(None)` removes it, and so does an empty one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub context: Option<Option<Context>>,
    /// New metadata, all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// New time of expiry; `Some(None)`: it does not expire.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub expires_at: Option<Option<i64>>,
    /// New begin of the valid time; `Some(None)`: open.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub valid_from: Option<Option<i64>>,
    /// New end of the valid time; `Some(None)`: open.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub valid_to: Option<Option<i64>>,
}

macro_rules! setter {
    ($(#[$doc:meta])* $name:ident: $given:ty => $stored:expr) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, value: $given) -> Self {
            self.$name = Some($stored(value));
            self
        }
    };
}

impl EntryPatch {
    /// A patch that changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setter!(/// Sets the title.
        title: impl Into<String> => Into::into);
    setter!(/// Sets the content.
        content: impl Into<String> => Into::into);
    setter!(/// Sets the kind.
        kind: impl Into<String> => Into::into);
    setter!(/// Sets the project; `None` removes it.
        project: Option<String> => std::convert::identity);
    setter!(/// Sets the status.
        status: Status => std::convert::identity);
    setter!(/// Names the entry that replaces this one; `None` removes the reference. The status stays as it is.
        superseded_by: Option<EntryId> => std::convert::identity);
    setter!(/// Sets the confidence, 0 to 5.
        confidence: u8 => std::convert::identity);
    setter!(/// Sets the memory type.
        memory_type: impl Into<String> => Into::into);
    setter!(/// Sets the context; `None`, or one that says nothing, removes it.
        context: Option<Context> => std::convert::identity);
    setter!(/// Sets the metadata, all of it.
        metadata: Map<String, Value> => cut);
    setter!(/// Sets when it expires, in milliseconds since 1970 (UTC); `None`: never.
        expires_at: Option<i64> => std::convert::identity);
    setter!(/// Sets from when on it holds, in milliseconds since 1970 (UTC); `None`: it always has.
        valid_from: Option<i64> => std::convert::identity);
    setter!(/// Sets from when on it no longer holds, in milliseconds since 1970 (UTC); `None`: it still does.
        valid_to: Option<i64> => std::convert::identity);

    /// Sets the tags, all of them.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Whether the patch touches a part that vectors are made from.
    ///
    /// ```
    /// # use rekall_core::EntryPatch;
    /// assert!(EntryPatch::new().title("a new title").changes_text());
    /// assert!(!EntryPatch::new().confidence(3).changes_text());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn changes_text(&self) -> bool {
        self.title.is_some() || self.content.is_some() || self.tags.is_some() || self.context.is_some()
    }

    /// Applies the patch to `entry`, which keeps its times.
    ///
    /// # Errors
    /// Like [`NewEntry::validate`], for the parts that the patch sets, and for a valid time whose end comes to lie before its
    /// begin; the entry is then unchanged.
    pub fn apply(&self, entry: &mut Entry) -> Result<(), Error> {
        self.check()?;
        if self.valid_from.is_some() || self.valid_to.is_some() {
            let from = self.valid_from.unwrap_or(entry.valid_from);
            limits::check_valid_time(from, self.valid_to.unwrap_or(entry.valid_to))?;
        }
        let Self {
            title,
            content,
            kind,
            project,
            tags,
            status,
            superseded_by,
            confidence,
            memory_type,
            context,
            metadata,
            expires_at,
            valid_from,
            valid_to,
        } = self.clone();
        set(&mut entry.title, title);
        set(&mut entry.content, content);
        set(&mut entry.kind, kind);
        set(&mut entry.project, project);
        set(&mut entry.tags, tags.map(unique));
        set(&mut entry.status, status);
        set(&mut entry.superseded_by, superseded_by);
        set(&mut entry.confidence, confidence);
        set(&mut entry.memory_type, memory_type);
        set(&mut entry.context, context.map(|context| context.filter(|context| !context.is_empty())));
        set(&mut entry.metadata, metadata);
        set(&mut entry.expires_at, expires_at);
        set(&mut entry.valid_from, valid_from);
        set(&mut entry.valid_to, valid_to);
        Ok(())
    }

    /// Only what is set is checked: an imported entry may hold what a caller may not give.
    fn check(&self) -> Result<(), Error> {
        if let Some(metadata) = &self.metadata {
            // Before it is copied, which takes stack for each level.
            json::check_map_depth("metadata", metadata)?;
        }
        let mut given = NewEntry::new("unset");
        set(&mut given.title, self.title.clone());
        set(&mut given.content, self.content.clone());
        set(&mut given.kind, self.kind.clone());
        set(&mut given.project, self.project.clone());
        set(&mut given.tags, self.tags.clone());
        set(&mut given.confidence, self.confidence);
        set(&mut given.memory_type, self.memory_type.clone());
        set(&mut given.context, self.context.clone());
        set(&mut given.metadata, self.metadata.clone());
        set(&mut given.expires_at, self.expires_at);
        limits::check(&given)
    }
}

/// A value that is there, be it `null`.
fn removable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<NewEntry> for EntryPatch {
    /// Sets everything that a new entry says, so that what the entry said before is gone. Its id and the time when it was
    /// made are left aside: a patch cannot change them.
    fn from(entry: NewEntry) -> Self {
        Self {
            title: Some(entry.title),
            content: Some(entry.content),
            kind: Some(entry.kind),
            project: Some(entry.project),
            tags: Some(entry.tags),
            status: None,
            superseded_by: None,
            confidence: Some(entry.confidence),
            memory_type: Some(entry.memory_type),
            context: Some(entry.context),
            metadata: Some(entry.metadata),
            expires_at: Some(entry.expires_at),
            valid_from: Some(entry.valid_from),
            valid_to: Some(entry.valid_to),
        }
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn cut(metadata: Map<String, Value>) -> Map<String, Value> {
    metadata.into_iter().map(|(key, value)| (key, json::cut(value))).collect()
}

/// Keeps the first of each tag, in the author's order.
pub(crate) fn unique(tags: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use crate::store::Store;
    use crate::{Context, Draft, EntryPatch, NewEntry, SqliteStore, Status, StoreOptions};

    #[test]
    fn an_empty_context_is_none_whether_written_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let said = Context { text: Some("x".into()), ..Context::default() };
        let notes = [NewEntry::new("a").context(Context::default()), NewEntry::new("b").context(said)];
        let mut tx = store.write().unwrap();
        let written = tx.insert(&notes.each_ref().map(Draft::new)).unwrap();
        tx.update(written[1].id, &EntryPatch::new().context(Some(Context::default()))).unwrap();
        for entry in written {
            assert_eq!(tx.get(entry.id).unwrap().context, None);
        }
    }

    #[test]
    fn a_patch_in_json_says_what_it_sets_and_what_it_removes() {
        let sets = EntryPatch::new()
            .title("t")
            .content("c")
            .kind("bug")
            .project(Some("p".into()))
            .tags(["a"])
            .status(Status::Obsolete)
            .superseded_by(Some("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()))
            .confidence(3)
            .memory_type("semantic")
            .context(Some(Context { text: Some("x".into()), ..Context::default() }))
            .metadata([("n".to_owned(), 1.into())].into_iter().collect())
            .expires_at(Some(3))
            .valid_from(Some(1))
            .valid_to(Some(2));
        let removes = EntryPatch::new()
            .project(None)
            .superseded_by(None)
            .context(None)
            .expires_at(None)
            .valid_from(None)
            .valid_to(None);
        for patch in [EntryPatch::new(), sets, removes] {
            let json = serde_json::to_string(&patch).unwrap();
            assert_eq!(serde_json::from_str::<EntryPatch>(&json).unwrap(), patch, "{json}");
        }
        assert_eq!(serde_json::to_string(&EntryPatch::new()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<EntryPatch>(r#"{"title": null}"#).unwrap(), EntryPatch::new());
        assert!(serde_json::from_str::<EntryPatch>(r#"{"titel": "t"}"#).is_err());
    }
}
