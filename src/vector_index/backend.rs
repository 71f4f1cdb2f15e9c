//! What the keeper knows of an index: one trait, kept by each file of `backends/`.

use std::sync::Arc;

use rekall_core::LogPosition;
use rekall_index::{Key, VectorSearch};

use crate::{CancelToken, Error};

/// A search that never changes, and that threads share.
pub(crate) type SharedSearch = Arc<dyn VectorSearch + Send + Sync>;

/// An index over the vectors of one space. It is made by its own `begin`, given the rows that it lacks ([`Begun`]), and
/// kept in step with the change log from then on.
pub(crate) trait Backend: Send {
    /// Short name, for `stats`.
    fn name(&self) -> &'static str;

    /// An entry was changed or removed: its rows count no longer.
    fn remove_entry(&mut self, entry: i64) -> Result<(), Error>;

    /// Takes rows of new entries, or of entries removed before.
    fn add(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error>;

    /// A view for searches that reads exact rows, where it needs any, as they were at `position`.
    fn view(&mut self, position: LogPosition) -> Result<SharedSearch, Error>;

    /// Whether it no longer suits the rows it has: the keeper begins another one, which may be of another kind.
    fn is_outgrown(&self) -> bool {
        false
    }

    /// Whether it only stands in until something better is persisted: the keeper begins another one at each change.
    fn is_provisional(&self) -> bool {
        false
    }

    /// Whether its searches may miss rows, and say so.
    fn is_approximate(&self) -> bool {
        false
    }

    /// Rows that each search reads from the file one by one for want of an index.
    fn unindexed_rows(&self) -> usize {
        0
    }

    /// What writes this index, whose rows are those of `position`, to the file for the next process; `None`: it is not
    /// persisted.
    fn persist(&self, _position: LogPosition) -> Option<PersistJob> {
        None
    }
}

/// A backend that has just been made.
pub(crate) struct Begun {
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) missing: Missing,
}

/// The rows that a backend has to be given before it can be searched.
pub(crate) enum Missing {
    All,
    /// Those of these entries, which changed since the backend's data was persisted.
    Changed(Vec<i64>),
}

/// Writes an index to the file. It is made under the keeper's lock, where it costs nothing, and run without it.
pub(crate) type PersistJob = Box<dyn FnOnce(PersistOptions<'_>) -> Result<Persisted, Error>>;

/// How an index is to be persisted.
#[derive(Clone, Copy)]
pub(crate) struct PersistOptions<'a> {
    pub(crate) cancel: Option<&'a CancelToken>,
    /// Whether to do it although another process is doing so.
    pub(crate) at_once: bool,
}

/// What came of persisting an index.
pub(crate) enum Persisted {
    /// Nothing was written: the file has moved on, or another process is writing.
    Not,
    /// A later process begins with it; this one goes on with what it has in memory.
    ForLater,
    /// This process, too, searches it from now on.
    ForUse,
}
