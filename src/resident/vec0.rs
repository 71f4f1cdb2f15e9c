//! A vec0 table of sqlite-vec in the file, brought up to date on the write path.

use std::sync::Arc;

use rekall_core::{Changes, Space, Store, VectorBatch, WriteTx};
use rekall_index::{Error as IndexError, Neighbor, SearchOptions, SqliteVecIndex, VectorIndex, VectorSearch};

use super::index_keys;
use super::source::stale;
use super::writer::LOAD_BATCH;
use crate::engine::check_cancelled;
use crate::{CancelToken, Error};

/// Kind of the block that says up to where the table is filled.
pub(super) const MARK: &str = "sqlite-vec";

const TABLE: &str = "rekall_vec0";

/// Changed entries that may wait in memory: they are written together, since vec0 is slow row by row.
const MAX_WAITING: i64 = 256;

/// A search of the table on a connection of its own.
pub(super) struct TableScan {
    pub(super) store: Arc<Store>,
    pub(super) space: Space,
    /// Up to where the table is filled.
    pub(super) position: i64,
    pub(super) rows: usize,
}

impl VectorSearch for TableScan {
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
    ) -> Result<(), IndexError> {
        self.on_table(|table| table.search(query, options, out))
    }

    /// On one connection; vec0 itself reads the table for each query.
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Vec<Neighbor>>,
    ) -> Result<(), IndexError> {
        self.on_table(|table| table.search_batch(queries, options, out))
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl TableScan {
    fn on_table<T>(
        &self,
        search: impl FnOnce(&SqliteVecIndex<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let tx = self.store.read().map_err(IndexError::from_source)?;
        if tx.index_position(self.space.id, MARK).map_err(IndexError::from_source)? != Some(self.position) {
            return Err(stale());
        }
        search(&SqliteVecIndex::open(tx.connection(), TABLE, self.space.dimensions)?)
    }
}

/// Brings the table up to date, if enough has changed or `at_once`, and says whether it did. Fills it when it is not there.
/// Stopped, it changes nothing.
pub(super) fn sync(store: &Store, at_once: bool, cancel: Option<&CancelToken>) -> Result<bool, Error> {
    let mut tx = store.write()?;
    let Some(space) = tx.active_space()? else { return Ok(false) };
    let position = tx.position()?;
    let changed = match tx.index_position(space.id, MARK)? {
        Some(filled_to) if filled_to == position => return Ok(false),
        Some(filled_to) if position - filled_to < MAX_WAITING && !at_once => return Ok(false),
        Some(filled_to) => tx.changes_since(filled_to)?,
        None => Changes::Lost { position },
    };
    match changed {
        Changes::Entries { entries, .. } => apply(&tx, &space, &entries, cancel)?,
        Changes::Lost { .. } => fill(&tx, &space, cancel)?,
    }
    // The seal alone says it.
    tx.replace_index_blocks(space.id, MARK, position, [])?;
    tx.commit()?;
    Ok(true)
}

/// Drops the table, if it is there.
pub(super) fn discard(store: &Store) -> Result<(), Error> {
    let tx = store.write()?;
    SqliteVecIndex::discard(tx.connection(), TABLE)?;
    Ok(tx.commit()?)
}

fn apply(
    tx: &WriteTx<'_>,
    space: &Space,
    entries: &[i64],
    cancel: Option<&CancelToken>,
) -> Result<(), Error> {
    let mut table = SqliteVecIndex::open(tx.connection(), TABLE, space.dimensions)?;
    for &entry in entries {
        table.remove_entry(entry)?;
    }
    for entries in entries.chunks(LOAD_BATCH) {
        check_cancelled(cancel)?;
        add(&mut table, &tx.vectors_of(space, entries)?)?;
    }
    // vec0 does not use the places of deleted rows again.
    if table.slots()? > 2 * table.len() + LOAD_BATCH {
        drop(table);
        fill(tx, space, cancel)?;
    }
    Ok(())
}

fn fill(tx: &WriteTx<'_>, space: &Space, cancel: Option<&CancelToken>) -> Result<(), Error> {
    // Dropped, not emptied: it may be there for a model with other dimensions.
    SqliteVecIndex::discard(tx.connection(), TABLE)?;
    let mut table = SqliteVecIndex::open(tx.connection(), TABLE, space.dimensions)?;
    tx.vectors(space, LOAD_BATCH, |batch| {
        check_cancelled(cancel)?;
        add(&mut table, batch)
    })
}

fn add(table: &mut SqliteVecIndex<'_>, batch: &VectorBatch) -> Result<(), Error> {
    Ok(table.upsert(&index_keys(batch), &batch.rows)?)
}
