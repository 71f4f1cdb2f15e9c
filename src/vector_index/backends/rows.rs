//! No index: each search reads the rows in the file, a batch at a time. Slow, and within any memory budget.

use std::sync::Arc;

use rekall_core::{LogPosition, ReadTx, Space, VectorBatch};
use rekall_index::{Error as IndexError, FlatIndex, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch};

use super::super::backend::{Backend, Begun, Missing, PersistJob, SharedSearch};
use super::super::file::{IndexFile, count_rows};
use super::super::settings::IndexSettings;
use super::super::stored_rows::stale;
use super::super::{LOAD_BATCH, codes, index_keys};
use crate::{Error, VectorBackend};

/// Rows that stay in the file, until an index is persisted there.
pub(crate) struct RowsBackend {
    file: Arc<IndexFile>,
    space: Space,
    rows: usize,
    /// The settings want codes in the file instead.
    wants_codes: bool,
    /// So few rows that no index is persisted unasked.
    is_small: bool,
}

impl RowsBackend {
    pub(crate) fn begin(
        file: &Arc<IndexFile>,
        tx: &dyn ReadTx,
        space: &Space,
        settings: IndexSettings,
    ) -> Result<Begun, Error> {
        let rows = count_rows(tx, space)?;
        let wants_codes = settings.backend == VectorBackend::Auto;
        let is_small = wants_codes && rows <= settings.delta_limits(space.dimensions).entries;
        let backend = Self { file: Arc::clone(file), space: space.clone(), rows, wants_codes, is_small };
        Ok(Begun { backend: Box::new(backend), missing: Missing::Changed(Vec::new()) })
    }
}

impl Backend for RowsBackend {
    fn name(&self) -> &'static str {
        "rows in the file"
    }

    fn remove_entry(&mut self, _: i64) -> Result<(), Error> {
        Ok(())
    }

    fn add(&mut self, _: &[Key], _: &[f32]) -> Result<(), Error> {
        Ok(())
    }

    fn view(&mut self, position: LogPosition) -> Result<SharedSearch, Error> {
        Ok(Arc::new(RowScan::new(&self.file, &self.space, position, self.rows)))
    }

    fn is_provisional(&self) -> bool {
        // It costs next to nothing to begin again, and an index may have been persisted meanwhile.
        true
    }

    fn unindexed_rows(&self) -> usize {
        if self.is_small { 0 } else { self.rows }
    }

    fn persist(&self, _: LogPosition) -> Option<PersistJob> {
        self.wants_codes.then(|| codes::job_from_rows(&self.file, &self.space))
    }
}

/// The rows of a space as they are at one position of the change log.
pub(super) struct RowScan {
    file: Arc<IndexFile>,
    space: Space,
    position: LogPosition,
    rows: usize,
}

impl VectorSearch for RowScan {
    fn dimensions(&self) -> usize {
        self.space.dimensions
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, IndexError> {
        self.on_rows(|rows| rows.search(query, options))
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        self.on_rows(|rows| rows.search_batch(queries, options))
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl RowScan {
    pub(super) fn new(file: &Arc<IndexFile>, space: &Space, position: LogPosition, rows: usize) -> Self {
        Self { file: Arc::clone(file), space: space.clone(), position, rows }
    }

    fn on_rows<T>(&self, search: impl FnOnce(&TxRows<'_>) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let tx = self.file.store.read().map_err(IndexError::from_source)?;
        if tx.position().map_err(IndexError::from_source)? != self.position {
            return Err(stale());
        }
        search(&TxRows { tx: &*tx, space: &self.space })
    }
}

/// The rows of a space as one transaction sees them. Whatever happened to an index, and whoever writes meanwhile, these can be
/// searched.
pub(crate) struct TxRows<'a> {
    pub(crate) tx: &'a dyn ReadTx,
    pub(crate) space: &'a Space,
}

impl VectorSearch for TxRows<'_> {
    fn dimensions(&self) -> usize {
        self.space.dimensions
    }

    /// 0 when they cannot be counted.
    fn len(&self) -> usize {
        count_rows(self.tx, self.space).unwrap_or(0)
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, IndexError> {
        // An empty index checks the input as every other index does.
        FlatIndex::new(self.space.dimensions)?.search(query, options)?;
        Ok(self.scan(query, options, 1)?.pop().unwrap_or_default())
    }

    /// Reads the rows once for all queries.
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        match FlatIndex::new(self.space.dimensions)?.search_batch(queries, options)?.len() {
            0 => Ok(Vec::new()),
            count => self.scan(queries, options, count),
        }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl TxRows<'_> {
    /// The best of each of `count` queries.
    fn scan(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        count: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        let mut lists = vec![Vec::new(); count];
        self.tx
            .vectors(self.space, LOAD_BATCH, |batch| {
                options.check_cancelled()?;
                let found = index_of(batch)?.search_batch(queries, options)?;
                for (best, mut found) in lists.iter_mut().zip(found) {
                    best.append(&mut found);
                    keep_best(best, options);
                }
                Ok::<(), Scanned>(())
            })
            .map_err(|Scanned(error)| error)?;
        Ok(lists)
    }
}

fn index_of(batch: &VectorBatch) -> Result<FlatIndex, IndexError> {
    let keys = index_keys(batch);
    let mut index = FlatIndex::new(batch.dimensions)?;
    index.upsert(&keys, &batch.rows)?;
    Ok(index)
}

/// The best row of each entry, and of those what the options ask for: an entry's chunks may lie in two batches.
pub(crate) fn keep_best(found: &mut Vec<Neighbor>, options: &SearchOptions<'_>) {
    found.sort_by(Neighbor::rank_cmp);
    let mut seen = std::collections::HashSet::new();
    found.retain(|near| seen.insert(near.key.entry));
    options.truncate(found);
}

struct Scanned(IndexError);

impl From<IndexError> for Scanned {
    fn from(error: IndexError) -> Self {
        Self(error)
    }
}

impl From<rekall_core::Error> for Scanned {
    fn from(error: rekall_core::Error) -> Self {
        Self(IndexError::from_source(error))
    }
}
