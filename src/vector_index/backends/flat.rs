//! Every row in memory, as it is.

use rekall_core::{LogPosition, Space};
use rekall_index::{Choice, FlatIndex, Key, ResidentIndex, VectorIndex, VectorSearch};

use super::super::backend::{Backend, Begun, Missing, SharedSearch};
use super::super::settings::AutoChoice;
use crate::Error;

/// Every row in memory, as it is.
pub(crate) struct FlatBackend {
    index: FlatIndex,
    /// What it was chosen by; `None`: the host asked for it.
    auto: Option<AutoChoice>,
}

impl FlatBackend {
    pub(crate) fn begin(space: &Space, auto: Option<AutoChoice>) -> Result<Begun, Error> {
        let index = FlatIndex::new(space.dimensions)?;
        Ok(Begun { backend: Box::new(Self { index, auto }), missing: Missing::All })
    }
}

impl Backend for FlatBackend {
    fn name(&self) -> &'static str {
        "flat"
    }

    fn remove_entry(&mut self, entry: i64) -> Result<(), Error> {
        self.index.remove_entry(entry)?;
        Ok(())
    }

    fn add(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        Ok(self.index.upsert(keys, rows)?)
    }

    fn view(&mut self, _: LogPosition) -> Result<SharedSearch, Error> {
        Ok(self.index.snapshot())
    }

    fn is_outgrown(&self) -> bool {
        // Twice the border, so that a memory that hovers around it is not read again and again; but a budget is a budget.
        let rows = self.index.len();
        self.auto.is_some_and(|auto| {
            auto.backend_for(rows / 2) != Choice::Flat || auto.backend_for(rows) == Choice::Sq8Stream
        })
    }
}
