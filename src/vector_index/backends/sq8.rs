//! Int8 codes in memory, exact rows from the file.

use std::sync::Arc;

use rekall_core::{LogPosition, ReadTx, Space};
use rekall_index::{Choice, Key, ResidentIndex, Sq8Index, VectorIndex, VectorSearch};

use super::super::backend::{Backend, Begun, Missing, PersistJob, Persisted, SharedSearch};
use super::super::codes;
use super::super::file::IndexFile;
use super::super::settings::AutoChoice;
use super::super::stored_rows::StoredRows;
use crate::Error;

/// Int8 codes in memory, exact rows from the file.
pub(crate) struct Sq8Backend {
    index: Sq8Index,
    file: Arc<IndexFile>,
    space: Space,
    /// What it was chosen by; `None`: the host asked for it.
    auto: Option<AutoChoice>,
}

impl Sq8Backend {
    /// From persisted codes where there are usable ones, and empty otherwise.
    pub(crate) fn begin(
        file: &Arc<IndexFile>,
        tx: &dyn ReadTx,
        space: &Space,
        auto: Option<AutoChoice>,
    ) -> Result<Begun, Error> {
        let source = Arc::new(StoredRows::new(file, space, tx.position()?));
        let (index, missing) = match codes::load(file, tx, space, Arc::clone(&source) as _)? {
            Some((index, changed)) => (index, Missing::Changed(changed)),
            None => (Sq8Index::new(space.dimensions, source)?, Missing::All),
        };
        let backend = Self { index, file: Arc::clone(file), space: space.clone(), auto };
        Ok(Begun { backend: Box::new(backend), missing })
    }
}

impl Backend for Sq8Backend {
    fn name(&self) -> &'static str {
        "sq8"
    }

    fn remove_entry(&mut self, entry: i64) -> Result<(), Error> {
        self.index.remove_entry(entry)?;
        Ok(())
    }

    fn add(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        Ok(self.index.upsert(keys, rows)?)
    }

    fn view(&mut self, position: LogPosition) -> Result<SharedSearch, Error> {
        self.index.set_source(Arc::new(StoredRows::new(&self.file, &self.space, position)));
        Ok(self.index.snapshot())
    }

    fn is_outgrown(&self) -> bool {
        self.auto.is_some_and(|auto| auto.backend_for(self.index.len()) == Choice::Sq8Stream)
    }

    fn persist(&self, position: LogPosition) -> Option<PersistJob> {
        // A clone shares the codes.
        let (index, file, space) = (self.index.clone(), Arc::clone(&self.file), self.space.clone());
        Some(Box::new(move |options| {
            let written = codes::save(&file, &space, &index, position, options.at_once)?;
            Ok(if written { Persisted::ForLater } else { Persisted::Not })
        }))
    }
}
