//! What the backends share whose data stays in the file: what changed since is held in memory.

use rekall_core::LogPosition;
use rekall_index::Key;

use super::super::backend::{Backend, Begun, Missing, PersistJob, SharedSearch};
use super::super::delta::Delta;
use super::super::settings::DeltaLimits;
use crate::Error;

/// Vectors in the file as they were at one position of the change log.
pub(super) trait FileBase: Send + 'static {
    /// Short name, for `stats`.
    fn name(&self) -> &'static str;

    /// Whether searches over it may miss rows.
    fn is_approximate(&self) -> bool {
        false
    }

    /// A search over it that reads exact rows, where it needs any, as they were at `position`.
    fn search(&self, position: LogPosition) -> Result<SharedSearch, Error>;

    /// See [`Backend::persist`].
    fn persist(&self) -> Option<PersistJob>;
}

/// A base that stays in the file, and what changed since.
pub(super) struct InFileBackend<B> {
    base: B,
    delta: Delta,
    limits: DeltaLimits,
}

impl<B: FileBase> InFileBackend<B> {
    /// A backend on a base that `changed` entries are newer than; `None`: those are too many.
    pub(super) fn begin(
        base: B,
        dimensions: usize,
        changed: Vec<i64>,
        limits: DeltaLimits,
    ) -> Result<Option<Begun>, Error> {
        if changed.len() > limits.entries {
            return Ok(None);
        }
        let backend = Self { base, delta: Delta::new(dimensions)?, limits };
        Ok(Some(Begun { backend: Box::new(backend), missing: Missing::Changed(changed) }))
    }
}

impl<B: FileBase> Backend for InFileBackend<B> {
    fn name(&self) -> &'static str {
        self.base.name()
    }

    fn remove_entry(&mut self, entry: i64) -> Result<(), Error> {
        Ok(self.delta.supersede(entry)?)
    }

    fn add(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        Ok(self.delta.add(keys, rows)?)
    }

    fn view(&mut self, position: LogPosition) -> Result<SharedSearch, Error> {
        Ok(self.delta.over(self.base.search(position)?))
    }

    fn is_approximate(&self) -> bool {
        self.base.is_approximate()
    }

    fn is_outgrown(&self) -> bool {
        self.delta.changed() > self.limits.entries as u64 || self.delta.memory_bytes() > self.limits.bytes
    }

    fn persist(&self, _: LogPosition) -> Option<PersistJob> {
        self.base.persist()
    }
}
