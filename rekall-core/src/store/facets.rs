//! Which tags, projects and the like there are, and how many entries have each.

use crate::{Error, Filter};
use serde::Serialize;

/// A property of entries whose values can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Facet {
    /// The tags; an entry counts for each of its own.
    Tag,
    /// The project; entries without one are not counted.
    Project,
    /// The kind.
    Kind,
    /// The memory type.
    MemoryType,
}

/// A value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The tag, project or whatever was asked for.
    pub name: String,
    /// How many entries have it.
    pub entries: u64,
}

/// Names that entries have, with the number of entries of each.
pub trait ReadFacets {
    /// The values that a property has among the entries that pass the filter, the most frequent first, equally frequent
    /// ones by name (byte by byte); `limit` of them at the most. Cost as that of [`matching`](super::MatchEntries::matching), and a look
    /// at each tag where tags are asked for.
    ///
    /// ```
    /// # use rekall_core::{Draft, Facet, Filter, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let note = NewEntry::new("CORS fails on Safari").tags(["cors", "safari"]);
    /// tx.insert(&[Draft::new(&note)])?;
    /// let tags = tx.facets(Facet::Tag, &Filter::new(), 10)?;
    /// assert_eq!(tags.iter().map(|count| count.entries).collect::<Vec<_>>(), [1, 1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn facets(&self, facet: Facet, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>, Error>;
}
