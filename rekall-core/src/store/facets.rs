//! Which tags, projects and the like there are, and how many entries have each.

use std::ops::Deref;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::Tx;
use crate::{Error, Filter};

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

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The values that a property has among the entries that pass the filter, the most frequent first, equally frequent
    /// ones by name (byte by byte); `limit` of them at the most. Cost as that of [`matching`](Self::matching), and a look
    /// at each tag where tags are asked for.
    ///
    /// ```
    /// # use rekall_core::{Draft, Facet, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn facets(&self, facet: Facet, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>, Error> {
        let compiled = filter.compile(self.now_ms())?;
        let condition = compiled.condition;
        let (name, from) = match facet {
            // By way of ids: they come from a narrow index, where a join would read each entry with its content.
            Facet::Tag => {
                ("tag", format!("tag WHERE entry_id IN (SELECT entry.id FROM entry WHERE {condition})"))
            }
            Facet::Project => ("project", format!("entry WHERE ({condition}) AND project IS NOT NULL")),
            Facet::Kind => ("kind", format!("entry WHERE {condition}")),
            Facet::MemoryType => ("memory_type", format!("entry WHERE {condition}")),
        };
        let sql = format!("SELECT {name}, count(*) FROM {from} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?");
        let mut parameters = compiled.parameters;
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let counts = statement.query_map(params_from_iter(parameters), |row| {
            Ok(FacetCount { name: row.get(0)?, entries: row.get(1)? })
        })?;
        Ok(counts.collect::<Result<_, _>>()?)
    }
}
