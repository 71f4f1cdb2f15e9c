//! Exact rows out of the file, for indexes that hold codes only.

use std::fmt;
use std::sync::Arc;

use rekall_core::{LogPosition, Space, Store, VectorBatch, VectorKey};
use rekall_index::{Error, Key, VectorSource};

use super::file::IndexFile;
use super::stored_key;

/// Rows of a space as they were at one position of the change log.
pub(crate) struct StoredRows {
    store: Arc<dyn Store>,
    space: Space,
    position: LogPosition,
}

impl StoredRows {
    pub(crate) fn new(file: &IndexFile, space: &Space, position: LogPosition) -> Self {
        Self { store: Arc::clone(&file.store), space: space.clone(), position }
    }
}

impl VectorSource for StoredRows {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        let wanted: Vec<VectorKey> = keys.iter().copied().map(stored_key).collect();
        // In a view of their own: the searching thread's may be on another connection, and rows are wanted
        // on whatever thread scans.
        let batch = self.store.vectors_as_of(self.position, &self.space, &wanted);
        let Some(batch) = batch.map_err(Error::from_source)? else { return Err(stale()) };
        append_rows(&batch, out)
    }
}

/// Appends the rows that an index asked for, if all of them are there.
pub(crate) fn append_rows(batch: &VectorBatch, out: &mut Vec<f32>) -> Result<(), Error> {
    match batch.unusable.first() {
        Some(missing) => Err(Error::MissingRow { key: Key::new(missing.entry, missing.role, missing.chunk) }),
        None => {
            out.extend_from_slice(&batch.rows);
            Ok(())
        }
    }
}

/// A row was changed after the view was made: the search has to start over with a newer view.
#[derive(Debug)]
struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file changed during the search")
    }
}

impl std::error::Error for Stale {}

pub(crate) fn stale() -> Error {
    Error::from_source(Stale)
}

/// Whether a search failed only because somebody wrote meanwhile.
pub(crate) fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Source { source } if source.is::<Stale>())
}
