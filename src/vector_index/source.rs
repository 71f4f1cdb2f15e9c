//! Exact rows out of the file, for indexes that hold codes only.

use std::fmt;
use std::sync::Arc;

use rekall_core::{Changes, LogPosition, Space, Store, VectorKey};
use rekall_index::{BlockSource, Error, Key, VectorSource};

use super::persist::{self, BadBlocks};

/// Rows of a space as they were at one position of the change log.
pub(super) struct StoredRows {
    pub(super) store: Arc<Store>,
    pub(super) space: Space,
    pub(super) position: LogPosition,
}

/// A row was changed after the index view was made: the search has to begin anew with a newer view.
#[derive(Debug)]
struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file changed during the search")
    }
}

impl std::error::Error for Stale {}

pub(super) fn stale() -> Error {
    Error::from_source(Stale)
}

/// Whether a search failed only because somebody wrote meanwhile.
pub(super) fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Source { source } if source.is::<Stale>())
}

impl VectorSource for StoredRows {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        // A transaction of its own: the searching thread's may be on another connection, and rows are wanted
        // on whatever thread scans.
        let tx = self.store.read().map_err(Error::from_source)?;
        let touched = match tx.changes_since(self.position).map_err(Error::from_source)? {
            Changes::Entries { entries, .. } => entries,
            Changes::Lost { .. } => return Err(stale()),
        };
        if keys.iter().any(|key| touched.contains(&key.entry)) {
            return Err(stale());
        }
        let wanted: Vec<VectorKey> =
            keys.iter().map(|key| VectorKey { entry: key.entry, role: key.role, chunk: key.chunk }).collect();
        let batch = tx.vectors_at(&self.space, &wanted).map_err(Error::from_source)?;
        match batch.unusable.first() {
            Some(missing) => {
                Err(Error::MissingRow { key: Key::new(missing.entry, missing.role, missing.chunk) })
            }
            None => {
                out.extend_from_slice(&batch.rows);
                Ok(())
            }
        }
    }
}

/// Persisted codes, read from the file at each search.
pub(super) struct StoredBlocks {
    pub(super) store: Arc<Store>,
    pub(super) space: Space,
    pub(super) position: LogPosition,
    /// Is told when these are not usable.
    pub(super) bad: Arc<BadBlocks>,
}

impl BlockSource for StoredBlocks {
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let tx = self.store.read().map_err(Error::from_source)?;
        let position = tx.index_position(self.space.id, persist::SQ8).map_err(Error::from_source)?;
        if position != Some(self.position) {
            return Err(stale());
        }
        let read = tx.index_blocks(self.space.id, persist::SQ8, |bytes| visit(bytes).map_err(Visited));
        let error = match read {
            Ok(true) => return Ok(()),
            Ok(false) => persist::incomplete(),
            Err(Visited(error)) => error,
        };
        if matches!(error, Error::Corrupt { .. }) {
            self.bad.note(self.position, &error);
        }
        Err(error)
    }
}

/// Carries the visitor's error through a function that also has errors of its own.
struct Visited(Error);

impl From<rekall_core::Error> for Visited {
    fn from(error: rekall_core::Error) -> Self {
        Self(Error::from_source(error))
    }
}
