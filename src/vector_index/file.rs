//! The file as the index uses it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekall_core::{Changes, LogPosition, ReadTx, Space, Store, WriteTx};
use rekall_index::Error as IndexError;

use crate::Error;

/// Kind of the block that says up to where the vec0 table is filled.
pub(crate) const VEC0_MARK: &str = "sqlite-vec";

/// The vec0 table.
#[cfg(feature = "sqlite-vec")]
pub(crate) const VEC0_TABLE: &str = "rekall_vec0";

/// The file as the index uses it, and what is known of the index persisted in it.
pub(crate) struct IndexFile {
    pub(crate) store: Arc<dyn Store>,
    /// The position for which something damaged is persisted. Remembered because a search does not write: until a write has
    /// renewed it, searches do without.
    damaged: Mutex<Option<LogPosition>>,
}

impl IndexFile {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, damaged: Mutex::default() }
    }

    /// Remembers that what is persisted for `position` cannot be used.
    pub(crate) fn mark_damaged(&self, position: LogPosition, error: &IndexError) {
        tracing::warn!(%error, position = position.number(), "the persisted index is not usable");
        *self.damaged() = Some(position);
    }

    pub(crate) fn is_damaged_at(&self, position: LogPosition) -> bool {
        *self.damaged() == Some(position)
    }

    /// Whether anything persisted is known to be damaged.
    pub(crate) fn knows_damage(&self) -> bool {
        self.damaged().is_some()
    }

    /// What was damaged has been replaced.
    pub(crate) fn forget_damage(&self) {
        *self.damaged() = None;
    }

    fn damaged(&self) -> MutexGuard<'_, Option<LogPosition>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what any backend has persisted: only the one in use keeps its own up to date.
    pub(crate) fn drop_persisted(&self) -> Result<(), Error> {
        let mut tx = self.store.write()?;
        tx.drop_all_index_blocks()?;
        drop_vec0_table(&mut *tx)?;
        tx.commit()?;
        self.store.pushed_vectors().map_or(Ok(()), |pushed| Ok(pushed.discard_pushed()?))
    }

    /// Marks what is persisted now under `kind` as damaged, because it speaks of rows that are not there.
    pub(crate) fn distrust(&self, space: &Space, kind: &str) -> Result<(), Error> {
        if let Some(position) = self.store.read()?.index_position(space.id, kind)? {
            let detail = "expected codes of rows that are there, several have no usable row".to_owned();
            self.mark_damaged(position, &IndexError::Corrupt { detail });
        }
        Ok(())
    }

    /// What is persisted under `kind`, if it is usable and the change log reaches back to it.
    pub(crate) fn persisted(
        &self,
        tx: &dyn ReadTx,
        space: &Space,
        kind: &str,
    ) -> Result<Option<PersistedState>, Error> {
        let Some(position) = tx.index_position(space.id, kind)? else { return Ok(None) };
        if self.is_damaged_at(position) {
            return Ok(None);
        }
        Ok(match tx.changes_since(position)? {
            Changes::Entries { entries, .. } => Some(PersistedState { position, changed: entries }),
            Changes::Lost { .. } => None,
        })
    }
}

/// The moment that a persisted index stands for.
pub(crate) struct PersistedState {
    pub(crate) position: LogPosition,
    /// The entries that changed since.
    pub(crate) changed: Vec<i64>,
}

/// Rows of a space.
pub(crate) fn count_rows(tx: &dyn ReadTx, space: &Space) -> Result<usize, Error> {
    Ok(usize::try_from(tx.count_vectors(space.id)?).unwrap_or(usize::MAX))
}

/// Drops the vec0 table, if it is there, in one transaction with the marks that vouch for it. A build without sqlite-vec
/// cannot drop the table.
pub(crate) fn drop_vec0_table(tx: &mut dyn WriteTx) -> Result<(), Error> {
    tx.drop_index_blocks_of_kind(VEC0_MARK)?;
    #[cfg(feature = "sqlite-vec")]
    if let Some(connection) = sqlite(tx) {
        rekall_index::SqliteVecIndex::discard(connection, VEC0_TABLE)?;
    }
    Ok(())
}

/// SQLite's connection of a transaction; `None`: the engine is another one, and has no vec0 table.
#[cfg(any(feature = "sqlite-vec", test))]
pub(crate) fn sqlite(tx: &dyn ReadTx) -> Option<&rusqlite::Connection> {
    tx.native()?.downcast_ref()
}
