//! The file as the index uses it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekall_core::{Changes, LogPosition, ReadTx, Space, Store};
use rekall_index::Error as IndexError;

use crate::Error;

/// The file as the index uses it, and what is known of the index persisted in it.
pub(crate) struct IndexFile {
    pub(crate) store: Arc<Store>,
    /// The position for which something damaged is persisted. Remembered because a search does not write: until a write has
    /// renewed it, searches do without.
    damaged: Mutex<Option<LogPosition>>,
}

impl IndexFile {
    pub(crate) fn new(store: Arc<Store>) -> Self {
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
        tx: &ReadTx<'_>,
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
pub(crate) fn count_rows(tx: &ReadTx<'_>, space: &Space) -> Result<usize, Error> {
    Ok(usize::try_from(tx.count_vectors(space.id)?).unwrap_or(usize::MAX))
}
