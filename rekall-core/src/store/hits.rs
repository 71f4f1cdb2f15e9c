//! What the hits of a search are shown with.

use super::{ReadEntries, ReadVectors, Space, VectorBatch};
use crate::vector::VectorKey;
use crate::{Entry, Error};

/// What is read of the hits of a search.
#[derive(Debug, Clone, Copy, Default)]
pub struct HitRows<'a> {
    /// The entries, by row number.
    pub entries: &'a [i64],
    /// The space that the vectors are in; `None`: none are asked for.
    pub space: Option<&'a Space>,
    /// The vectors whose spans are read.
    pub spans: &'a [VectorKey],
    /// The entries whose vectors are read.
    pub vectors_of: &'a [i64],
    /// The vectors that are read by their keys.
    pub vectors_at: &'a [VectorKey],
}

/// What was read of the hits of a search.
#[derive(Debug, Default)]
pub struct HitParts {
    /// As [`ReadEntries::readable_entries`] gives them.
    pub entries: Vec<(i64, Result<Entry, Error>)>,
    /// As [`ReadVectors::spans`] gives them; empty without a space.
    pub spans: Vec<Option<(u32, u32)>>,
    /// As [`ReadVectors::vectors_of`] gives them; empty without a space.
    pub vectors: VectorBatch,
    /// As [`ReadVectors::vectors_at`] gives them; empty without a space.
    pub vectors_at: VectorBatch,
}

/// Hits, read.
pub trait ReadHits: ReadEntries + ReadVectors {
    /// Entries, spans and vectors together. Where each reading takes a round trip to a server this takes one.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// use rekall_core::store::HitRows;
    ///
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let row = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?[0].row;
    /// let wanted = HitRows { entries: &[row], ..HitRows::default() };
    /// let found = tx.read_hits(&wanted)?;
    /// assert_eq!(found.entries[0].1.as_ref().unwrap().title, "CORS fails on Safari");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn read_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        let mut found = HitParts { entries: self.readable_entries(wanted.entries)?, ..HitParts::default() };
        if let Some(space) = wanted.space {
            if !wanted.spans.is_empty() {
                found.spans = self.spans(space.id, wanted.spans)?;
            }
            found.vectors = match wanted.vectors_of {
                [] => VectorBatch::new(space.dimensions),
                rows => self.vectors_of(space, rows)?,
            };
            found.vectors_at = match wanted.vectors_at {
                [] => VectorBatch::new(space.dimensions),
                keys => self.vectors_at(space, keys)?,
            };
        }
        Ok(found)
    }
}
