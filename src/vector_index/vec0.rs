//! A vec0 table of sqlite-vec in the file, brought up to date on the write path.

use std::sync::Arc;

use rekall_core::{Changes, LogPosition, ReadTx, Space, Store, VectorBatch, WriteTx};
use rekall_index::{Error as IndexError, Neighbor, SearchOptions, SqliteVecIndex, VectorIndex, VectorSearch};

use super::index_keys;
use super::persist::BadBlocks;
use super::source::stale;
use super::writer::LOAD_BATCH;
use crate::cancel::check_cancelled;
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
    pub(super) position: LogPosition,
    pub(super) rows: usize,
    /// Is told when the table is not usable.
    pub(super) bad: Arc<BadBlocks>,
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
        let rows = sealed_rows(&tx, &self.space).map_err(IndexError::from_source)?;
        let found = rows
            .map_or(Ok(None), |rows| {
                SqliteVecIndex::whole(tx.connection(), TABLE, self.space.dimensions, rows)
            })
            .and_then(|table| {
                let detail = || "expected the vec0 table as it was filled, it is not".to_owned();
                search(&table.ok_or_else(|| IndexError::Corrupt { detail: detail() })?)
            });
        if let Err(error @ IndexError::Corrupt { .. }) = &found {
            self.bad.note(self.position, error);
        }
        found
    }
}

/// How many rows the table was left with; `None` when the mark does not say.
fn sealed_rows(tx: &ReadTx<'_>, space: &Space) -> Result<Option<usize>, rekall_core::Error> {
    let mut rows = None;
    let sealed = tx.index_blocks(space.id, MARK, |block| {
        rows = block.try_into().ok().map(u64::from_le_bytes);
        Ok::<(), rekall_core::Error>(())
    })?;
    Ok(rows.filter(|_| sealed).and_then(|rows| usize::try_from(rows).ok()))
}

/// Brings the table up to date, if enough has changed or `at_once`, and says whether it did. Fills it when it is not there or
/// not to be trusted.
pub(super) fn sync(store: &Store, at_once: bool, bad: &BadBlocks) -> Result<bool, Error> {
    // Looked at without the lock first: as a rule there is nothing to do.
    if due(&store.read()?, at_once, bad)?.is_none() {
        return Ok(false);
    }
    let mut tx = store.write()?;
    // Nobody else writes now, so a reader sees the very same state.
    let Some(due) = due(&store.read()?, at_once, bad)? else { return Ok(false) };
    let applied = match (due.filled_to.map(|filled_to| tx.changes_since(filled_to)).transpose()?, due.rows) {
        (Some(Changes::Entries { entries, .. }), Some(rows)) => apply(&tx, &due.space, rows, &entries),
        _ => Ok(false),
    };
    match applied {
        Ok(true) => seal(&mut tx, &due.space)?,
        Ok(false) | Err(Error::Index(IndexError::Corrupt { .. })) => fill(&mut tx, &due.space, None)?,
        Err(error) => return Err(error),
    }
    tx.commit()?;
    bad.forget();
    Ok(true)
}

/// A table that should be brought up to date.
struct Due {
    space: Space,
    /// Up to where it is filled, if it can be trusted.
    filled_to: Option<LogPosition>,
    /// The rows that it was left with.
    rows: Option<usize>,
}

fn due(tx: &ReadTx<'_>, at_once: bool, bad: &BadBlocks) -> Result<Option<Due>, Error> {
    let Some(space) = tx.active_space()? else { return Ok(None) };
    let now = tx.position()?.number();
    let filled_to = tx.index_position(space.id, MARK)?.filter(|&filled_to| !bad.are_at(filled_to));
    match filled_to.map(|filled_to| now.saturating_sub(filled_to.number())) {
        Some(0) => Ok(None),
        // A mark ahead of the log is none.
        Some(1..MAX_WAITING) if !at_once => Ok(None),
        _ => Ok(Some(Due { rows: sealed_rows(tx, &space)?, space, filled_to })),
    }
}

/// Drops everything that is laid by, fills the table anew and says so, all in one transaction: nobody ever sees a mark without
/// the table that it vouches for. Stopped, it changes nothing.
pub(super) fn renew(store: &Store, bad: &BadBlocks, cancel: Option<&CancelToken>) -> Result<(), Error> {
    let mut tx = store.write()?;
    tx.drop_all_index_blocks()?;
    match tx.active_space()? {
        Some(space) => fill(&mut tx, &space, cancel)?,
        None => SqliteVecIndex::discard(tx.connection(), TABLE)?,
    }
    tx.commit()?;
    bad.forget();
    Ok(())
}

/// Drops the table with the marks that vouch for it, if it is there.
pub(super) fn discard(tx: &mut WriteTx<'_>) -> Result<(), Error> {
    tx.drop_index_blocks_of_kind(MARK)?;
    Ok(SqliteVecIndex::discard(tx.connection(), TABLE)?)
}

/// Takes in the entries that changed. False: the table is not as it was left, with so many rows, or has too much room to spare.
fn apply(tx: &WriteTx<'_>, space: &Space, rows: usize, entries: &[i64]) -> Result<bool, Error> {
    let Some(mut table) = SqliteVecIndex::whole(tx.connection(), TABLE, space.dimensions, rows)? else {
        return Ok(false);
    };
    for &entry in entries {
        table.remove_entry(entry)?;
    }
    for entries in entries.chunks(LOAD_BATCH) {
        add(&mut table, &tx.vectors_of(space, entries)?)?;
    }
    // vec0 does not use the places of deleted rows again.
    Ok(table.slots()? <= 2 * table.len() + LOAD_BATCH)
}

fn fill(tx: &mut WriteTx<'_>, space: &Space, cancel: Option<&CancelToken>) -> Result<(), Error> {
    // Dropped, not emptied: it may be there for a model with other dimensions. And with the marks of all spaces: the table
    // is no longer theirs.
    discard(tx)?;
    let mut table = SqliteVecIndex::open(tx.connection(), TABLE, space.dimensions)?;
    tx.vectors(space, LOAD_BATCH, |batch| {
        check_cancelled(cancel)?;
        add(&mut table, batch)
    })?;
    seal(tx, space)
}

/// Says up to where the table is filled, and with how many rows.
fn seal(tx: &mut WriteTx<'_>, space: &Space) -> Result<(), Error> {
    let rows = SqliteVecIndex::open(tx.connection(), TABLE, space.dimensions)?.len() as u64;
    // After the table: making it has changed the schema.
    let position = tx.position()?;
    Ok(tx.replace_index_blocks(space.id, MARK, position, [rows.to_le_bytes().to_vec()])?)
}

fn add(table: &mut SqliteVecIndex<'_>, batch: &VectorBatch) -> Result<(), Error> {
    Ok(table.upsert(&index_keys(batch), &batch.rows)?)
}
