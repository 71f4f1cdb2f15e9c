//! Directed, typed links between entries.

use serde::{Deserialize, Serialize};

use crate::EntryId;

/// How one entry relates to another. The four known relations have constants; any other word is kept as it is.
///
/// ```
/// # use rekall_core::Relation;
/// assert_eq!(Relation::from("caused_by").as_str(), "caused_by");
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Relation(String);

impl Relation {
    /// The entries are about related things.
    pub const RELATED: &'static str = "related";
    /// The source replaces the target.
    pub const SUPERSEDES: &'static str = "supersedes";
    /// The source was drawn from the target.
    pub const DERIVED_FROM: &'static str = "derived_from";
    /// The source says the opposite of the target.
    pub const CONTRADICTS: &'static str = "contradicts";

    /// The relation's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Relation {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<String> for Relation {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// A link from one entry to another. There is at most one of each relation between two entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where the link starts.
    pub source: EntryId,
    /// Where it points.
    pub target: EntryId,
    /// What it says.
    pub relation: Relation,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was made: milliseconds since 1970 (UTC).
    pub created_at: i64,
}
