//! Persisted int8 codes, read from the file at each search: for a memory budget that does not hold them.

use std::sync::Arc;

use rekall_core::{LogPosition, ReadTx, Space};
use rekall_index::{BlockSource, Error as IndexError, Sq8Stream};

use super::super::backend::{Begun, PersistJob, SharedSearch};
use super::super::codes;
use super::super::file::IndexFile;
use super::super::settings::IndexSettings;
use super::super::stored_rows::{StoredRows, stale};
use super::in_file::{FileBase, InFileBackend};
use crate::Error;

/// Begins with the codes of a space with `rows` rows, if usable ones are persisted.
pub(crate) fn begin(
    file: &Arc<IndexFile>,
    tx: &dyn ReadTx,
    space: &Space,
    rows: usize,
    settings: IndexSettings,
) -> Result<Option<Begun>, Error> {
    let Some(persisted) = file.persisted(tx, space, codes::KIND)? else { return Ok(None) };
    let blocks = StoredBlocks { file: Arc::clone(file), space: space.clone(), position: persisted.position };
    let limits = settings.delta_limits(space.dimensions);
    InFileBackend::begin(StreamedCodes { blocks, rows }, space.dimensions, persisted.changed, limits)
}

struct StreamedCodes {
    blocks: StoredBlocks,
    rows: usize,
}

impl FileBase for StreamedCodes {
    fn name(&self) -> &'static str {
        "sq8 in the file"
    }

    fn search(&self, position: LogPosition) -> Result<SharedSearch, Error> {
        let StoredBlocks { file, space, .. } = &self.blocks;
        let source = StoredRows::new(file, space, position);
        Ok(Arc::new(Sq8Stream::new(space.dimensions, self.rows, self.blocks.clone(), source)?))
    }

    fn persist(&self) -> Option<PersistJob> {
        Some(codes::job_from_rows(&self.blocks.file, &self.blocks.space))
    }
}

/// Persisted codes, as they were at one position of the change log.
#[derive(Clone)]
struct StoredBlocks {
    file: Arc<IndexFile>,
    space: Space,
    position: LogPosition,
}

impl BlockSource for StoredBlocks {
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), IndexError>) -> Result<(), IndexError> {
        let tx = self.file.store.read().map_err(IndexError::from_source)?;
        let position = tx.index_position(self.space.id, codes::KIND).map_err(IndexError::from_source)?;
        if position != Some(self.position) {
            return Err(stale());
        }
        let read = tx.index_blocks(self.space.id, codes::KIND, |bytes| visit(bytes).map_err(Visited));
        let error = match read {
            Ok(true) => return Ok(()),
            Ok(false) => codes::incomplete(),
            Err(Visited(error)) => error,
        };
        if matches!(error, IndexError::Corrupt { .. }) {
            self.file.mark_damaged(self.position, &error);
        }
        Err(error)
    }
}

/// Carries the visitor's error through a function that also has errors of its own.
struct Visited(IndexError);

impl From<rekall_core::Error> for Visited {
    fn from(error: rekall_core::Error) -> Self {
        Self(IndexError::from_source(error))
    }
}
