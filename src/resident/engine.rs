//! The index behind a memory: which one, and how it takes changes.

use std::sync::Arc;

use rekall_core::{ReadTx, Space, Store, VectorBatch};
use rekall_index::{
    BinaryIndex, Choice, FlatIndex, Key, ResidentIndex, Sq8Index, Sq8Stream, VectorIndex, VectorSearch,
    VectorSource,
};

use super::overlay::Overlay;
use super::persist;
use super::scan::RowScan;
use super::source::{StoredBlocks, StoredRows};
use crate::{Error, VectorBackend};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) backend: VectorBackend,
    pub(super) memory_budget: Option<usize>,
}

/// Entries over a streamed base beyond which it is looked whether a newer base has been laid by.
const MAX_OVERLAY: u64 = 20_000;

/// An index, filled or empty.
pub(super) enum Engine {
    Flat(FlatIndex),
    Sq8(Sq8Index),
    Binary(BinaryIndex),
    /// Persisted codes that stay in the file, and what changed since.
    Streamed {
        overlay: Overlay,
        base: i64,
        rows: usize,
    },
    /// Rows that stay in the file.
    Rows {
        rows: usize,
    },
}

/// An engine and the position of the change log up to which it is filled; `None`: it is empty.
pub(super) struct Begun {
    pub(super) engine: Engine,
    pub(super) filled_to: Option<i64>,
}

impl Engine {
    /// The engine for a space: from what was laid by where that serves, else an empty one to be filled.
    pub(super) fn begin(
        store: &Arc<Store>,
        tx: &ReadTx<'_>,
        space: &Space,
        wanted: Wanted,
    ) -> Result<Begun, Error> {
        let dimensions = space.dimensions;
        let empty = |engine| Ok(Begun { engine, filled_to: None });
        let position = tx.position()?;
        match wanted.backend {
            VectorBackend::Flat => empty(Self::Flat(FlatIndex::new(dimensions)?)),
            VectorBackend::Binary => {
                empty(Self::Binary(BinaryIndex::new(dimensions, rows(store, space, position))?))
            }
            VectorBackend::Sq8 => Self::begin_sq8(store, tx, space, position),
            VectorBackend::Auto => {
                let count = usize::try_from(tx.count_vectors(space.id)?).unwrap_or(usize::MAX);
                match Choice::auto(count, dimensions, wanted.memory_budget) {
                    Choice::Flat => empty(Self::Flat(FlatIndex::new(dimensions)?)),
                    Choice::Sq8 => Self::begin_sq8(store, tx, space, position),
                    _ => Self::begin_streamed(tx, space, position, count),
                }
            }
        }
    }

    fn begin_sq8(store: &Arc<Store>, tx: &ReadTx<'_>, space: &Space, position: i64) -> Result<Begun, Error> {
        let source: Arc<dyn VectorSource + Send + Sync> = rows(store, space, position);
        Ok(match persist::load(tx, space, Arc::clone(&source))? {
            Some((index, filled_to)) => Begun { engine: Self::Sq8(index), filled_to: Some(filled_to) },
            None => Begun { engine: Self::Sq8(Sq8Index::new(space.dimensions, source)?), filled_to: None },
        })
    }

    /// Over the budget: persisted codes are read at each search or, until `rebuild_index` has laid some by, the
    /// rows themselves.
    fn begin_streamed(tx: &ReadTx<'_>, space: &Space, position: i64, rows: usize) -> Result<Begun, Error> {
        Ok(match tx.index_position(space.id, persist::SQ8)? {
            Some(base) => {
                let overlay = Overlay::new(space.dimensions)?;
                Begun { engine: Self::Streamed { overlay, base, rows }, filled_to: Some(base) }
            }
            None => Begun { engine: Self::Rows { rows }, filled_to: Some(position) },
        })
    }

    /// An empty engine of codes, to be filled from the rows.
    pub(super) fn empty(
        store: &Arc<Store>,
        space: &Space,
        position: i64,
        dimensions: usize,
    ) -> Result<Self, Error> {
        Ok(Self::Sq8(Sq8Index::new(dimensions, rows(store, space, position))?))
    }

    /// An entry changed or went: its rows are dropped.
    pub(super) fn drop_entry(&mut self, entry: i64) -> Result<(), Error> {
        match self {
            Self::Flat(index) => index.remove_entry(entry).map(drop)?,
            Self::Sq8(index) => index.remove_entry(entry).map(drop)?,
            Self::Binary(index) => index.remove_entry(entry).map(drop)?,
            Self::Streamed { overlay, .. } => overlay.supersede(entry)?,
            Self::Rows { .. } => {}
        }
        Ok(())
    }

    /// Rows of new entries, or of entries dropped before.
    pub(super) fn add(&mut self, batch: &VectorBatch) -> Result<(), Error> {
        let keys: Vec<Key> = batch.keys.iter().map(|key| Key::new(key.entry, key.role, key.chunk)).collect();
        match self {
            Self::Flat(index) => index.upsert(&keys, &batch.rows)?,
            Self::Sq8(index) => index.upsert(&keys, &batch.rows)?,
            Self::Binary(index) => index.upsert(&keys, &batch.rows)?,
            Self::Streamed { overlay, .. } => overlay.delta().upsert(&keys, &batch.rows)?,
            Self::Rows { .. } => {}
        }
        Ok(())
    }

    /// A view for searches, whose exact rows are those of `position`.
    pub(super) fn snapshot(
        &mut self,
        store: &Arc<Store>,
        space: &Space,
        position: i64,
    ) -> Result<Arc<dyn VectorSearch + Send + Sync>, Error> {
        Ok(match self {
            Self::Flat(index) => index.snapshot(),
            Self::Sq8(index) => {
                index.set_source(rows(store, space, position));
                index.snapshot()
            }
            Self::Binary(index) => {
                index.set_source(rows(store, space, position));
                index.snapshot()
            }
            Self::Streamed { overlay, base, rows: count } => {
                let (store, space) = (Arc::clone(store), space.clone());
                let blocks =
                    StoredBlocks { store: Arc::clone(&store), space: space.clone(), position: *base };
                let dimensions = space.dimensions;
                let source = StoredRows { store, space, position };
                overlay.over(Arc::new(Sq8Stream::new(dimensions, *count, blocks, source)?))
            }
            Self::Rows { rows } => {
                Arc::new(RowScan { store: Arc::clone(store), space: space.clone(), position, rows: *rows })
            }
        })
    }

    /// The codes, for laying by.
    pub(super) fn codes(&self) -> Option<&Sq8Index> {
        match self {
            Self::Sq8(index) => Some(index),
            _ => None,
        }
    }

    /// Whether another engine would now be chosen: data has grown, or too much lies over the streamed base.
    pub(super) fn outgrown(&self, dimensions: usize, wanted: Wanted) -> bool {
        match self {
            Self::Flat(index) if wanted.backend == VectorBackend::Auto => {
                // Twice the border, so that a memory that hovers around it is not filled again and again.
                Choice::auto(index.len() / 2, dimensions, wanted.memory_budget) != Choice::Flat
            }
            Self::Streamed { overlay, .. } => overlay.changed() > MAX_OVERLAY,
            _ => false,
        }
    }

    /// Short name, for `stats`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Flat(_) => "flat",
            Self::Sq8(_) => "sq8",
            Self::Binary(_) => "binary",
            Self::Streamed { .. } => "sq8 in the file",
            Self::Rows { .. } => "rows in the file",
        }
    }
}

fn rows(store: &Arc<Store>, space: &Space, position: i64) -> Arc<StoredRows> {
    Arc::new(StoredRows { store: Arc::clone(store), space: space.clone(), position })
}
