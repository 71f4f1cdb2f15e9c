//! One bit a dimension in memory, exact rows from the file: the approximate backend.

use std::sync::Arc;

use rekall_core::{Filter, LogPosition, ReadTx, Space};
use rekall_index::{BinaryIndex, Key, ResidentIndex, VectorIndex, VectorSearch};

use super::super::backend::{Backend, Begun, Missing, SharedSearch};
use super::super::file::{IndexFile, count_rows};
use super::super::stored_rows::StoredRows;
use crate::Error;

/// Entries whose vectors give the center.
const SAMPLED_ENTRIES: usize = 1024;

/// One bit a dimension in memory, exact rows from the file.
pub(crate) struct BinaryBackend {
    index: BinaryIndex,
    file: Arc<IndexFile>,
    space: Space,
    /// Rows in the file when the center was chosen.
    centered_on: usize,
}

impl BinaryBackend {
    pub(crate) fn begin(
        file: &Arc<IndexFile>,
        tx: &dyn ReadTx,
        space: &Space,
        rescored_rows: usize,
    ) -> Result<Begun, Error> {
        let source = Arc::new(StoredRows::new(file, space, tx.position()?));
        let index = BinaryIndex::new(space.dimensions, source)?
            .with_rescored_rows(rescored_rows)
            .with_center_of(&even_sample(tx, space)?)?;
        let centered_on = count_rows(tx, space)?;
        let backend = Self { index, file: Arc::clone(file), space: space.clone(), centered_on };
        Ok(Begun { backend: Box::new(backend), missing: Missing::All })
    }
}

impl Backend for BinaryBackend {
    fn name(&self) -> &'static str {
        "binary"
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
        // Most of it is encoded around the mean of a small part, or of nothing.
        self.index.len() > 4 * self.centered_on.max(256)
    }
}

/// Vectors of entries taken evenly from the file: the same for every process that looks at it.
fn even_sample(tx: &dyn ReadTx, space: &Space) -> Result<Vec<f32>, Error> {
    let all = tx.matching(&Filter::new().any_status())?;
    let step = all.len().div_ceil(SAMPLED_ENTRIES).max(1);
    let some: Vec<i64> = all.into_iter().step_by(step).collect();
    Ok(tx.vectors_of(space, &some)?.rows)
}
