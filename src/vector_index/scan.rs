//! Search over the rows in the file themselves, holding a batch of them at a time: slow, and within any budget.

use std::sync::Arc;

use rekall_core::{LogPosition, ReadTx, Space, Store, VectorBatch};
use rekall_index::{Error, FlatIndex, Neighbor, SearchOptions, VectorIndex, VectorSearch};

use super::index_keys;
use super::source::stale;

/// Rows read at a time: a megabyte or two.
const BATCH: usize = 1024;

/// The rows of a space as they are at one position of the change log.
pub(super) struct RowScan {
    pub(super) store: Arc<Store>,
    pub(super) space: Space,
    pub(super) position: LogPosition,
    pub(super) rows: usize,
}

impl VectorSearch for RowScan {
    fn dimensions(&self) -> usize {
        self.space.dimensions
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn search(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Neighbor>,
    ) -> Result<(), Error> {
        self.on_rows(|rows| rows.search(query, options, out))
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Vec<Neighbor>>,
    ) -> Result<(), Error> {
        self.on_rows(|rows| rows.search_batch(queries, options, out))
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl RowScan {
    fn on_rows(&self, search: impl FnOnce(&TxRows<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let tx = self.store.read().map_err(Error::from_source)?;
        if tx.position().map_err(Error::from_source)? != self.position {
            return Err(stale());
        }
        search(&TxRows { tx: &tx, space: &self.space })
    }
}

/// The rows of a space as one transaction sees them. Whatever became of an index and whoever writes meanwhile, these can be
/// searched.
pub(crate) struct TxRows<'a> {
    pub(super) tx: &'a ReadTx<'a>,
    pub(super) space: &'a Space,
}

impl VectorSearch for TxRows<'_> {
    fn dimensions(&self) -> usize {
        self.space.dimensions
    }

    /// 0 when they cannot be counted.
    fn len(&self) -> usize {
        super::base::count(self.tx, self.space).unwrap_or(0)
    }

    fn search(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Neighbor>,
    ) -> Result<(), Error> {
        // An empty index checks the input as every other.
        FlatIndex::new(self.space.dimensions)?.search(query, options, out)?;
        let mut lists = vec![std::mem::take(out)];
        let scanned = self.scan(query, options, &mut lists);
        *out = lists.swap_remove(0);
        scanned
    }

    /// Reads the rows once for all queries.
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Vec<Neighbor>>,
    ) -> Result<(), Error> {
        FlatIndex::new(self.space.dimensions)?.search_batch(queries, options, out)?;
        if out.is_empty() { Ok(()) } else { self.scan(queries, options, out) }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl TxRows<'_> {
    /// Adds the best of each query to its list, which is empty.
    fn scan(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        out: &mut [Vec<Neighbor>],
    ) -> Result<(), Error> {
        let mut found = Vec::new();
        self.tx
            .vectors(self.space, BATCH, |batch| {
                options.check_cancelled()?;
                index_of(batch)?.search_batch(queries, options, &mut found)?;
                for (best, found) in out.iter_mut().zip(&mut found) {
                    best.append(found);
                    keep_best(best, options.k);
                }
                Ok::<(), Scanned>(())
            })
            .map_err(|Scanned(error)| error)
    }
}

fn index_of(batch: &VectorBatch) -> Result<FlatIndex, Error> {
    let keys = index_keys(batch);
    let mut index = FlatIndex::new(batch.dimensions)?;
    index.upsert(&keys, &batch.rows)?;
    Ok(index)
}

/// The best row of each entry, and of those the best `k`: an entry's chunks may lie in two batches.
pub(crate) fn keep_best(found: &mut Vec<Neighbor>, k: usize) {
    found.sort_by(Neighbor::rank_cmp);
    let mut seen = std::collections::HashSet::new();
    found.retain(|near| seen.insert(near.key.entry));
    found.truncate(k);
}

struct Scanned(Error);

impl From<Error> for Scanned {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<rekall_core::Error> for Scanned {
    fn from(error: rekall_core::Error) -> Self {
        Self(Error::from_source(error))
    }
}
