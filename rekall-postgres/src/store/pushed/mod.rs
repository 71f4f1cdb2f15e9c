//! Vectors that the server searches itself, with pgvector: a table for a space, in half precision, made on request. The tables of the
//! memory know nothing of it and need no extension.

mod build;
mod extension;
mod search;
mod table;

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use rekall_core::{Error, LogPosition, PushedRows, PushedSearch, PushedVectors, Space, VectorBatch};

use super::PostgresStore;
pub(super) use extension::Extension;
use table::Table;

impl PushedVectors for PostgresStore {
    fn expect_pushed(&self, dimensions: Option<usize>, graph: bool) -> Result<(), Error> {
        self.extension()?;
        dimensions.map_or(Ok(()), |dimensions| Extension::expect_dimensions(&self.client, dimensions, graph))
    }

    fn build_pushed(&self, graph: bool, wait: bool, cancel: Option<&Arc<AtomicBool>>) -> Result<bool, Error> {
        self.forget_extension();
        self.build(graph, wait, cancel)
    }

    fn follow_pushed(&self, space: &Space, filled_to: LogPosition) -> Result<bool, Error> {
        self.follow(space, filled_to)
    }

    fn discard_pushed(&self) -> Result<(), Error> {
        self.discard()
    }

    fn search_pushed(
        &self,
        search: &PushedSearch<'_>,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<PushedRows, Error> {
        self.search(search, each)
    }
}

impl PostgresStore {
    /// The table of a space, if the server can have one.
    fn pushed_table(&self, space: &Space, graph: bool) -> Result<Table, Error> {
        let extension = self.extension()?;
        Extension::expect_dimensions(&self.client, space.dimensions, graph)?;
        Ok(Table::new(self.scope, space, extension))
    }

    /// pgvector, looked for once.
    fn extension(&self) -> Result<Extension, Error> {
        let mut known = self.extension.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(extension) = &*known {
            return Ok(extension.clone());
        }
        let found = Extension::find(&self.client)?;
        *known = Some(found.clone());
        Ok(found)
    }

    /// It may have been dropped, updated or moved.
    fn forget_extension(&self) {
        *self.extension.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
