//! The vector index of an open memory: made from the rows in the file, kept in step by the change log.
//!
//! [`keeper`] owns the current view and knows when it is out of date; [`retry`] runs a search until it has seen one moment;
//! [`live`] follows the change log. None of them knows a backend by name: [`backend`] is what they know, `backends/` has one
//! file for each, [`select`] says which is used for which settings.

mod backend;
mod backends;
mod codes;
#[cfg(test)]
mod conformance;
mod delta;
mod expiring;
mod file;
mod keeper;
mod live;
mod persistence;
mod read_along;
mod retry;
mod select;
mod settings;
mod snapshot;
mod stored_rows;

use rekall_core::{VectorBatch, VectorKey};
use rekall_index::Key;

pub(crate) use backends::keep_best;
pub(crate) use keeper::VectorIndexKeeper;
pub(crate) use settings::IndexSettings;
pub(crate) use snapshot::{IndexView, Snapshot, SnapshotSearch};
pub(crate) use stored_rows::append_rows;

/// Rows read from the file at a time: a megabyte or two.
const LOAD_BATCH: usize = 1024;

/// The batch's keys, as the index names rows.
pub(crate) fn index_keys(batch: &VectorBatch) -> Vec<Key> {
    batch.keys.iter().map(|key| Key::new(key.entry, key.role, key.chunk)).collect()
}

/// A row of the index, as stores name it.
pub(crate) fn stored_key(key: Key) -> VectorKey {
    VectorKey { entry: key.entry, role: key.role, chunk: key.chunk }
}
