//! Which backend the settings and the rows call for, and what of it is persisted. A backend is decided on here; the rest
//! of the folder knows none by name.

use std::sync::Arc;

use rekall_core::{ReadTx, Space};
use rekall_index::Choice;

use super::backend::Begun;
#[cfg(feature = "sqlite-vec")]
use super::backends::vec0;
use super::backends::{BinaryBackend, FlatBackend, RowsBackend, Sq8Backend, pgvector, streamed_sq8};
use super::codes::PersistedCodes;
use super::file::{IndexFile, count_rows};
use super::persistence::{NotPersisted, Persistence};
use super::settings::{AutoChoice, IndexSettings};
use crate::{Error, VectorBackend};

/// Begins the backend for a space, from what is persisted where that serves.
pub(crate) fn begin(
    file: &Arc<IndexFile>,
    tx: &dyn ReadTx,
    space: &Space,
    settings: IndexSettings,
) -> Result<Begun, Error> {
    let in_file = match settings.backend {
        VectorBackend::Flat => return FlatBackend::begin(space, None),
        VectorBackend::Binary => return BinaryBackend::begin(file, tx, space, settings.rescored_rows),
        VectorBackend::Sq8 => return Sq8Backend::begin(file, tx, space, None),
        #[cfg(feature = "sqlite-vec")]
        VectorBackend::SqliteVec => vec0::begin(file, tx, space, settings)?,
        // Such a build refuses to open a memory with it.
        #[cfg(not(feature = "sqlite-vec"))]
        VectorBackend::SqliteVec => None,
        VectorBackend::Pgvector => pgvector::begin(file, tx, space, settings, false)?,
        VectorBackend::PgvectorHnsw => pgvector::begin(file, tx, space, settings, true)?,
        VectorBackend::Auto => {
            let auto = AutoChoice { dimensions: space.dimensions, memory_budget: settings.memory_budget };
            let rows = match settings.memory_budget {
                None => {
                    // Counting a hundred thousand rows takes milliseconds, and only the limit matters.
                    let most_flat = Choice::most_flat_rows(space.dimensions);
                    most_flat + usize::from(tx.has_more_vectors_than(space.id, most_flat)?)
                }
                Some(_) => count_rows(tx, space)?,
            };
            match auto.backend_for(rows) {
                Choice::Flat => return FlatBackend::begin(space, Some(auto)),
                Choice::Sq8 => return Sq8Backend::begin(file, tx, space, Some(auto)),
                _ => streamed_sq8::begin(file, tx, space, rows, settings)?,
            }
        }
    };
    match in_file {
        Some(begun) => Ok(begun),
        None => RowsBackend::begin(file, tx, space, settings),
    }
}

/// What is persisted with these settings.
pub(crate) fn persistence_for(settings: IndexSettings) -> Box<dyn Persistence> {
    match settings.backend {
        VectorBackend::Auto | VectorBackend::Sq8 => Box::new(PersistedCodes::new(settings)),
        #[cfg(feature = "sqlite-vec")]
        VectorBackend::SqliteVec => Box::new(vec0::PersistedTable),
        // A build without sqlite-vec refuses to open a memory with it.
        #[cfg(not(feature = "sqlite-vec"))]
        VectorBackend::SqliteVec => Box::new(NotPersisted),
        VectorBackend::Pgvector => Box::new(pgvector::PersistedOnServer { graph: false }),
        VectorBackend::PgvectorHnsw => Box::new(pgvector::PersistedOnServer { graph: true }),
        VectorBackend::Flat | VectorBackend::Binary => Box::new(NotPersisted),
    }
}
