//! A vec0 table of sqlite-vec in the file, brought up to date on the write path.

use std::iter;
use std::sync::Arc;

use rekall_core::{Changes, LogPosition, ReadTx, Space, VectorBatch, WriteTx};
use rekall_index::{Error as IndexError, Neighbor, SearchOptions, SqliteVecIndex, VectorIndex, VectorSearch};

use super::super::backend::{Begun, PersistJob, SharedSearch};
use super::super::file::{IndexFile, VEC0_MARK, VEC0_TABLE, count_rows, drop_vec0_table, sqlite};
use super::super::persistence::{Persistence, Renewal};
use super::super::settings::IndexSettings;
use super::super::stored_rows::stale;
use super::super::{LOAD_BATCH, index_keys};
use super::in_file::{FileBase, InFileBackend};
use crate::cancel::check_cancelled;
use crate::{CancelToken, Error};

/// Changed entries that may wait in memory: they are written together, since vec0 is slow row by row.
const MAX_WAITING: i64 = 256;

/// Begins with the table of a space, if it is filled and usable.
pub(crate) fn begin(
    file: &Arc<IndexFile>,
    tx: &dyn ReadTx,
    space: &Space,
    settings: IndexSettings,
) -> Result<Option<Begun>, Error> {
    let Some(persisted) = file.persisted(tx, space, VEC0_MARK)? else { return Ok(None) };
    let rows = count_rows(tx, space)?;
    let table = Table { file: Arc::clone(file), space: space.clone(), position: persisted.position, rows };
    let limits = settings.delta_limits(space.dimensions);
    InFileBackend::begin(table, space.dimensions, persisted.changed, limits)
}

/// The table as it was filled up to one position of the change log. Each search is on a connection of its own.
#[derive(Clone)]
struct Table {
    file: Arc<IndexFile>,
    space: Space,
    position: LogPosition,
    rows: usize,
}

impl FileBase for Table {
    fn name(&self) -> &'static str {
        "sqlite-vec"
    }

    fn search(&self, _: LogPosition) -> Result<SharedSearch, Error> {
        Ok(Arc::new(self.clone()))
    }

    /// It is kept up to date by every write.
    fn persist(&self) -> Option<PersistJob> {
        None
    }
}

impl VectorSearch for Table {
    fn dimensions(&self) -> usize {
        self.space.dimensions
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, IndexError> {
        self.on_table(|table| table.search(query, options))
    }

    /// On one connection; vec0 itself reads the table for each query.
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        self.on_table(|table| table.search_batch(queries, options))
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

impl Table {
    fn on_table<T>(
        &self,
        search: impl FnOnce(&SqliteVecIndex<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let tx = self.file.store.read().map_err(IndexError::from_source)?;
        if tx.index_position(self.space.id, VEC0_MARK).map_err(IndexError::from_source)?
            != Some(self.position)
        {
            return Err(stale());
        }
        let rows = sealed_rows(&*tx, &self.space).map_err(IndexError::from_source)?;
        let found = rows.map_or(Ok(None), |rows| whole(&*tx, &self.space, rows)).and_then(|table| {
            let detail = || "expected the vec0 table as it was filled, it is not".to_owned();
            search(&table.ok_or_else(|| IndexError::Corrupt { detail: detail() })?)
        });
        if let Err(error @ IndexError::Corrupt { .. }) = &found {
            self.file.mark_damaged(self.position, error);
        }
        found
    }
}

/// SQLite's connection, on which the table is.
fn connection(tx: &dyn ReadTx) -> Result<&rusqlite::Connection, IndexError> {
    let detail = || "expected a transaction of SQLite's, which a vec0 table is kept in".to_owned();
    sqlite(tx).ok_or_else(|| IndexError::Corrupt { detail: detail() })
}

/// The table, if it is there with so many rows.
fn whole<'c>(
    tx: &'c dyn ReadTx,
    space: &Space,
    rows: usize,
) -> Result<Option<SqliteVecIndex<'c>>, IndexError> {
    SqliteVecIndex::whole(connection(tx)?, VEC0_TABLE, space.dimensions, rows)
}

/// How many rows the table was left with; `None` when the mark does not say.
fn sealed_rows(tx: &dyn ReadTx, space: &Space) -> Result<Option<usize>, rekall_core::Error> {
    let mut rows = None;
    let sealed = tx.index_blocks(space.id, VEC0_MARK, |block| {
        rows = block.try_into().ok().map(u64::from_le_bytes);
        Ok::<(), rekall_core::Error>(())
    })?;
    Ok(rows.filter(|_| sealed).and_then(|rows| usize::try_from(rows).ok()))
}

/// The table in the file.
pub(crate) struct PersistedTable;

impl Persistence for PersistedTable {
    fn distrust(&self, file: &IndexFile, space: &Space) -> Result<(), Error> {
        file.distrust(space, VEC0_MARK)
    }

    /// The table follows the log after the commit, and its rows are erased then.
    fn erase_copies(&self, _: &mut dyn WriteTx) -> Result<(), Error> {
        Ok(())
    }

    /// In one transaction with the filling: nobody ever sees a mark without the table that it vouches for. Stopped, it changes
    /// nothing.
    fn reset(&self, file: &IndexFile, cancel: Option<&CancelToken>) -> Result<(), Error> {
        let mut tx = file.store.write()?;
        tx.drop_all_index_blocks()?;
        match tx.active_space()? {
            Some(space) => fill(&mut *tx, &space, cancel)?,
            None => SqliteVecIndex::discard(connection(&*tx)?, VEC0_TABLE)?,
        }
        tx.commit()?;
        file.forget_damage();
        Ok(())
    }

    /// Brings the table up to date if enough has changed, and fills it when it is not there or not to be trusted.
    fn check(&self, file: &IndexFile) -> Result<Renewal, Error> {
        // Looked at without the lock first: as a rule there is nothing to do.
        if let Pending::Until(next) = pending(&*file.store.read()?, file)? {
            return Ok(Renewal::NotBefore(next));
        }
        let mut tx = file.store.write()?;
        // Nobody else writes now, so a reader sees the very same state.
        let update = match pending(&*file.store.read()?, file)? {
            Pending::Update(update) => update,
            Pending::Until(next) => return Ok(Renewal::NotBefore(next)),
        };
        let changes = update.filled_to.map(|filled_to| tx.changes_since(filled_to)).transpose()?;
        let applied = match (changes, update.rows) {
            (Some(Changes::Entries { entries, .. }), Some(rows)) => {
                apply(&*tx, &update.space, rows, &entries)
            }
            _ => Ok(false),
        };
        match applied {
            Ok(true) => seal(&mut *tx, &update.space)?,
            Ok(false) | Err(Error::Index(IndexError::Corrupt { .. })) => fill(&mut *tx, &update.space, None)?,
            Err(error) => return Err(error),
        }
        tx.commit()?;
        file.forget_damage();
        Ok(Renewal::Done)
    }
}

/// What is to be done to the table.
enum Pending {
    /// Nothing before the change log comes to this position.
    Until(LogPosition),
    Update(Update),
}

/// A table that should be brought up to date.
struct Update {
    space: Space,
    /// Up to where it is filled, if it can be trusted.
    filled_to: Option<LogPosition>,
    /// The rows that it was left with.
    rows: Option<usize>,
}

fn pending(tx: &dyn ReadTx, file: &IndexFile) -> Result<Pending, Error> {
    let now = tx.position()?;
    let until = |number| Ok(Pending::Until(LogPosition::new(now.incarnation(), number)));
    let Some(space) = tx.active_space()? else { return until(now.number() + 1) };
    let filled_to =
        tx.index_position(space.id, VEC0_MARK)?.filter(|&filled_to| !file.is_damaged_at(filled_to));
    // A file that erases keeps no vector in the table that is gone from its row.
    let most_waiting = if file.store.deletes_securely() { 1 } else { MAX_WAITING };
    match filled_to {
        // A mark ahead of the log is none.
        Some(filled_to) if (0..most_waiting).contains(&(now.number() - filled_to.number())) => {
            until(filled_to.number() + most_waiting)
        }
        _ => Ok(Pending::Update(Update { rows: sealed_rows(tx, &space)?, space, filled_to })),
    }
}

/// Takes in the entries that changed. False: the table is not as it was left, with so many rows, or has too much room to spare.
fn apply(tx: &dyn WriteTx, space: &Space, rows: usize, entries: &[i64]) -> Result<bool, Error> {
    let Some(mut table) = whole(tx, space, rows)? else {
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

fn fill(tx: &mut dyn WriteTx, space: &Space, cancel: Option<&CancelToken>) -> Result<(), Error> {
    // Dropped, not emptied: it may be there for a model with other dimensions. And with the marks of all spaces: the table
    // is no longer theirs.
    drop_vec0_table(tx)?;
    let reader: &dyn ReadTx = &*tx;
    let mut table = SqliteVecIndex::open(connection(reader)?, VEC0_TABLE, space.dimensions)?;
    reader.vectors(space, LOAD_BATCH, |batch| {
        check_cancelled(cancel)?;
        add(&mut table, batch)
    })?;
    seal(tx, space)
}

/// Says up to where the table is filled, and with how many rows.
fn seal(tx: &mut dyn WriteTx, space: &Space) -> Result<(), Error> {
    let rows = SqliteVecIndex::open(connection(tx)?, VEC0_TABLE, space.dimensions)?.len() as u64;
    // After the table: making it has changed the schema.
    let position = tx.position()?;
    Ok(tx.replace_index_blocks(
        space.id,
        VEC0_MARK,
        position,
        &mut iter::once(rows.to_le_bytes().to_vec()),
    )?)
}

fn add(table: &mut SqliteVecIndex<'_>, batch: &VectorBatch) -> Result<(), Error> {
    Ok(table.upsert(&index_keys(batch), &batch.rows)?)
}
