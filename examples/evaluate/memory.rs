//! A memory of its own for a measurement: nothing is cached, and it goes away afterwards.

use std::fmt;

use rekall::{EntryId, Error, ErrorKind, Mode, ModelSource, NewEntry, Precision, Recall, Recalled, Rekall};
use tempfile::TempDir;

use crate::judged::Failure;

/// The three ways to search, in the order in which they are shown.
pub(crate) const MODES: [(&str, Mode); 3] =
    [("text", Mode::Text), ("semantic", Mode::Semantic), ("hybrid", Mode::Hybrid)];

/// Entries remembered in one transaction.
const BATCH: usize = 1_000;

/// What makes the vectors.
pub(crate) struct Model {
    pub(crate) source: ModelSource,
    pub(crate) precision: Precision,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision {
            Precision::F32 => write!(f, "{}", self.source),
            other => write!(f, "{} in {other}", self.source),
        }
    }
}

pub(crate) struct Memory {
    pub(crate) rekall: Rekall,
    /// The entries in the order in which they were given.
    pub(crate) ids: Vec<EntryId>,
    _folder: TempDir,
}

impl Memory {
    pub(crate) fn new(model: &Model, entries: &[NewEntry]) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        // No cache: each query is to be embedded each time.
        let rekall = Rekall::builder(folder.path().join("evaluate.db"))
            .model(model.source.clone())
            .precision(model.precision)
            .cache_max_size(0)
            .open()?;
        // Otherwise a missing model would show only in the results, as meaning that finds nothing.
        rekall.load_model()?;
        let mut ids = Vec::with_capacity(entries.len());
        for batch in entries.chunks(BATCH) {
            ids.extend(rekall.remember_many(batch).run()?);
        }
        Ok(Self { rekall, ids, _folder: folder })
    }
}

/// What a search finds; nothing if the query has nothing that its mode can use, which is measured, too.
pub(crate) fn found(search: Recall<'_>) -> Result<Option<Recalled>, Error> {
    match search.run() {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}
