//! What searches use: a view of the index, and a transaction that sees the same moment of the file.

use std::sync::Arc;

use rekall_core::store::{HitParts, HitRows};
use rekall_core::{LogPosition, ReadTx, Space};
use rekall_index::{EntrySet, Error as IndexError, Neighbor, SearchOptions, VectorSearch};

use super::backend::SharedSearch;
use super::backends::TxRows;
use super::expiring::Expiring;
use super::read_along::ReadAlong;
use crate::Error;

/// The index as it was at one position of the change log. Never changes.
pub(crate) struct IndexView {
    /// The change log's position that everything here stands for.
    pub(crate) position: LogPosition,
    /// The file's active space, if it has vectors at all.
    pub(crate) space: Option<Space>,
    /// The vectors; `None` without a space.
    pub(crate) search: Option<SharedSearch>,
    /// Short name of the backend.
    pub(crate) backend: Option<&'static str>,
    /// Rows that a search reads one by one because no index is persisted.
    pub(crate) unindexed: usize,
    /// Whether its searches may miss rows.
    pub(crate) approximate: bool,
    /// Entries that no longer hold, which a search leaves out unless asked.
    pub(crate) obsolete: Arc<EntrySet>,
    /// Entries that cease to be found at some time.
    pub(crate) expiring: Arc<Expiring>,
    /// Vectors in the file that cannot be used.
    pub(crate) unusable: usize,
}

/// A view, and a transaction that sees exactly the rows that the view was made from.
pub(crate) struct Snapshot<'s> {
    pub(crate) view: Arc<IndexView>,
    pub(crate) tx: Box<dyn ReadTx + 's>,
    /// The index failed too often: the rows themselves are searched, in `tx`.
    pub(super) by_rows: bool,
    /// What was read when it was begun.
    pub(super) along: ReadAlong,
}

impl Snapshot<'_> {
    /// Whether no index takes part.
    pub(crate) fn by_rows(&self) -> bool {
        self.by_rows
    }

    /// As [`ReadHits::read_hits`](rekall_core::store::ReadHits::read_hits), without a look at the store where all that is wanted was read when
    /// the snapshot was begun.
    pub(crate) fn read_hits(&self, wanted: &HitRows<'_>) -> Result<HitParts, Error> {
        self.along.take(wanted).map_or_else(|| Ok(self.tx.read_hits(wanted)?), Ok)
    }

    /// The vectors; `None` without a space.
    pub(crate) fn search(&self) -> Option<SnapshotSearch<'_>> {
        match (&self.view.search, &self.view.space) {
            (Some(_), Some(space)) if self.by_rows => {
                Some(SnapshotSearch::Rows(TxRows { tx: &*self.tx, space }))
            }
            (Some(search), _) => Some(SnapshotSearch::Index(&**search)),
            (None, _) => None,
        }
    }
}

/// What a search by meaning looks through. Both find the same.
pub(crate) enum SnapshotSearch<'a> {
    Index(&'a (dyn VectorSearch + Send + Sync)),
    Rows(TxRows<'a>),
}

impl SnapshotSearch<'_> {
    fn get(&self) -> &dyn VectorSearch {
        match self {
            Self::Index(index) => *index,
            Self::Rows(rows) => rows,
        }
    }
}

impl VectorSearch for SnapshotSearch<'_> {
    fn dimensions(&self) -> usize {
        self.get().dimensions()
    }

    fn len(&self) -> usize {
        self.get().len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, IndexError> {
        self.get().search(query, options)
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        self.get().search_batch(queries, options)
    }

    fn memory_bytes(&self) -> usize {
        self.get().memory_bytes()
    }
}
