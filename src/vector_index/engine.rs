//! The index behind a memory: which one, and how it takes changes.

use std::sync::Arc;

use rekall_core::{Filter, LogPosition, ReadTx, Space, Store, VectorBatch};
use rekall_index::{
    BinaryIndex, Choice, FlatIndex, ResidentIndex, Sq8Index, VectorIndex, VectorSearch, VectorSource,
};

use super::Wanted;
use super::base::{self, Base};
use super::index_keys;
use super::overlay::Overlay;
use super::persist::{self, BadBlocks};
use super::scan::RowScan;
use super::source::StoredRows;
use crate::{Error, VectorBackend};

/// Below a mebibyte there is nothing to be saved.
const LEAST_OVER_BASE: usize = 1 << 20;

impl Wanted {
    /// Entries that may have changed since a base in the file was made before another one is wanted: their rows are held in
    /// memory.
    pub(super) fn most_over_base(&self, dimensions: usize) -> usize {
        const MOST: usize = 20_000;
        self.memory_budget.map_or(MOST, |budget| {
            (budget.max(LEAST_OVER_BASE) / Choice::Flat.bytes(1, dimensions)).clamp(1, MOST)
        })
    }

    /// Bytes that their rows may take: an entry may have hundreds.
    fn most_bytes_over_base(&self) -> usize {
        self.memory_budget.map_or(usize::MAX, |budget| budget.max(LEAST_OVER_BASE))
    }
}

/// An index, filled or empty.
pub(super) enum Engine {
    Flat(FlatIndex),
    Sq8(Sq8Index),
    Binary {
        index: BinaryIndex,
        /// Rows in the file when its centre was chosen.
        centred_on: usize,
    },
    /// A base that stays in the file, and what changed since.
    InFile {
        overlay: Overlay,
        base: Base,
    },
    /// Rows that stay in the file.
    Rows {
        rows: usize,
    },
}

/// An engine, and what it lacks.
pub(super) struct Begun {
    pub(super) engine: Engine,
    pub(super) lacks: Lacks,
}

/// What an engine has to be given before it can be searched.
pub(super) enum Lacks {
    /// All rows.
    Everything,
    /// The rows of these entries, which changed since what the engine was made from.
    Changed(Vec<i64>),
}

impl Engine {
    /// The engine for a space: from what was laid by where that serves, else an empty one to be filled.
    pub(super) fn begin(
        store: &Arc<Store>,
        tx: &ReadTx<'_>,
        space: &Space,
        wanted: Wanted,
        bad: &Arc<BadBlocks>,
    ) -> Result<Begun, Error> {
        let dimensions = space.dimensions;
        let empty = |engine| Ok(Begun { engine, lacks: Lacks::Everything });
        let position = tx.position()?;
        match wanted.backend {
            VectorBackend::Flat => empty(Self::Flat(FlatIndex::new(dimensions)?)),
            VectorBackend::Binary => {
                let index = BinaryIndex::new(dimensions, rows(store, space, position))?
                    .with_rescored_rows(wanted.rescored_rows)
                    .with_centre_of(&even_sample(tx, space)?)?;
                empty(Self::Binary { index, centred_on: base::count(tx, space)? })
            }
            VectorBackend::Sq8 => Self::begin_sq8(store, tx, space, position, bad),
            VectorBackend::SqliteVec => Self::begin_in_file(Base::table(tx, space, bad)?, tx, space, wanted),
            VectorBackend::Auto => {
                let most_flat = Choice::most_flat_rows(dimensions);
                let count = match wanted.memory_budget {
                    // Counting a hundred thousand takes milliseconds, and only the border matters.
                    None => most_flat + usize::from(tx.has_more_vectors_than(space.id, most_flat)?),
                    Some(_) => base::count(tx, space)?,
                };
                match Choice::auto(count, dimensions, wanted.memory_budget) {
                    Choice::Flat => empty(Self::Flat(FlatIndex::new(dimensions)?)),
                    Choice::Sq8 => Self::begin_sq8(store, tx, space, position, bad),
                    _ => Self::begin_in_file(Base::codes(tx, space, count, bad)?, tx, space, wanted),
                }
            }
        }
    }

    fn begin_sq8(
        store: &Arc<Store>,
        tx: &ReadTx<'_>,
        space: &Space,
        position: LogPosition,
        bad: &BadBlocks,
    ) -> Result<Begun, Error> {
        let source: Arc<dyn VectorSource + Send + Sync> = rows(store, space, position);
        let laid_by = match persist::load(tx, space, Arc::clone(&source), bad)? {
            Some((index, filled_to)) => base::changed_since(tx, filled_to)?.map(|changed| (index, changed)),
            None => None,
        };
        Ok(match laid_by {
            Some((index, changed)) => Begun { engine: Self::Sq8(index), lacks: Lacks::Changed(changed) },
            None => Begun {
                engine: Self::Sq8(Sq8Index::new(space.dimensions, source)?),
                lacks: Lacks::Everything,
            },
        })
    }

    /// Nothing in memory: a base in the file and what changed since, or else the rows themselves.
    fn begin_in_file(
        base: Option<Base>,
        tx: &ReadTx<'_>,
        space: &Space,
        wanted: Wanted,
    ) -> Result<Begun, Error> {
        if let Some(base) = base {
            let changed = base::changed_since(tx, base.position())?.unwrap_or_default();
            if changed.len() <= wanted.most_over_base(space.dimensions) {
                let overlay = Overlay::new(space.dimensions)?;
                return Ok(Begun { engine: Self::InFile { overlay, base }, lacks: Lacks::Changed(changed) });
            }
        }
        Ok(Begun { engine: Self::on_rows(tx, space)?, lacks: Lacks::Changed(Vec::new()) })
    }

    /// The engine that holds nothing and needs nothing.
    pub(super) fn on_rows(tx: &ReadTx<'_>, space: &Space) -> Result<Self, Error> {
        Ok(Self::Rows { rows: base::count(tx, space)? })
    }

    /// An entry changed or went: its rows are dropped.
    pub(super) fn drop_entry(&mut self, entry: i64) -> Result<(), Error> {
        match self {
            Self::Flat(index) => index.remove_entry(entry).map(drop)?,
            Self::Sq8(index) => index.remove_entry(entry).map(drop)?,
            Self::Binary { index, .. } => index.remove_entry(entry).map(drop)?,
            Self::InFile { overlay, .. } => overlay.supersede(entry)?,
            Self::Rows { .. } => {}
        }
        Ok(())
    }

    /// Rows of new entries, or of entries dropped before.
    pub(super) fn add(&mut self, batch: &VectorBatch) -> Result<(), Error> {
        let keys = index_keys(batch);
        match self {
            Self::Flat(index) => index.upsert(&keys, &batch.rows)?,
            Self::Sq8(index) => index.upsert(&keys, &batch.rows)?,
            Self::Binary { index, .. } => index.upsert(&keys, &batch.rows)?,
            Self::InFile { overlay, .. } => overlay.delta().upsert(&keys, &batch.rows)?,
            Self::Rows { .. } => {}
        }
        Ok(())
    }

    /// A view for searches, whose exact rows are those of `position`.
    pub(super) fn snapshot(
        &mut self,
        store: &Arc<Store>,
        space: &Space,
        position: LogPosition,
    ) -> Result<Arc<dyn VectorSearch + Send + Sync>, Error> {
        Ok(match self {
            Self::Flat(index) => index.snapshot(),
            Self::Sq8(index) => {
                index.set_source(rows(store, space, position));
                index.snapshot()
            }
            Self::Binary { index, .. } => {
                index.set_source(rows(store, space, position));
                index.snapshot()
            }
            Self::InFile { overlay, base } => overlay.over(base.search(store, space, position)?),
            Self::Rows { rows } => {
                Arc::new(RowScan { store: Arc::clone(store), space: space.clone(), position, rows: *rows })
            }
        })
    }

    /// Whether codes are to be laid by in the file for this engine.
    pub(super) fn lays_codes_by(&self, wanted: Wanted) -> bool {
        match self {
            Self::Sq8(_) => true,
            Self::InFile { .. } | Self::Rows { .. } => wanted.backend == VectorBackend::Auto,
            Self::Flat(_) | Self::Binary { .. } => false,
        }
    }

    /// The codes in memory.
    pub(super) fn codes(&self) -> Option<&Sq8Index> {
        match self {
            Self::Sq8(index) => Some(index),
            _ => None,
        }
    }

    /// Whether another engine would now be chosen: data has grown, or too much lies over the base in the file.
    pub(super) fn outgrown(&self, dimensions: usize, wanted: Wanted) -> bool {
        let choice = |rows| Choice::auto(rows, dimensions, wanted.memory_budget);
        let auto = wanted.backend == VectorBackend::Auto;
        match self {
            // Twice the border, so that a memory that hovers around it is not filled again and again; but a budget is a budget.
            Self::Flat(index) if auto => {
                choice(index.len() / 2) != Choice::Flat || choice(index.len()) == Choice::Sq8Stream
            }
            Self::Sq8(index) if auto => choice(index.len()) == Choice::Sq8Stream,
            // Most of it is encoded around the mean of a small part, or of nothing.
            Self::Binary { index, centred_on } => index.len() > 4 * (*centred_on).max(256),
            // It costs next to nothing to begin anew, and a base may have been laid by meanwhile.
            Self::Rows { .. } => true,
            Self::InFile { overlay, .. } => {
                overlay.changed() > wanted.most_over_base(dimensions) as u64
                    || overlay.memory_bytes() > wanted.most_bytes_over_base()
            }
            _ => false,
        }
    }

    /// Rows that each search reads one by one for want of an index; none where there are so few that none is laid by
    /// unasked.
    pub(super) fn unindexed(&self, dimensions: usize, wanted: Wanted) -> usize {
        match self {
            Self::Rows { rows }
                if wanted.backend != VectorBackend::Auto || *rows > wanted.most_over_base(dimensions) =>
            {
                *rows
            }
            _ => 0,
        }
    }

    /// Short name, for `stats`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Flat(_) => "flat",
            Self::Sq8(_) => "sq8",
            Self::Binary { .. } => "binary",
            Self::InFile { base, .. } => base.name(),
            Self::Rows { .. } => "rows in the file",
        }
    }
}

/// Vectors of entries taken evenly from the file: the same for every process that looks at it.
fn even_sample(tx: &ReadTx<'_>, space: &Space) -> Result<Vec<f32>, Error> {
    const ENTRIES: usize = 1024;
    let all = tx.matching(&Filter::new().any_status())?;
    let step = all.len().div_ceil(ENTRIES).max(1);
    let some: Vec<i64> = all.into_iter().step_by(step).collect();
    Ok(tx.vectors_of(space, &some)?.rows)
}

fn rows(store: &Arc<Store>, space: &Space, position: LogPosition) -> Arc<StoredRows> {
    Arc::new(StoredRows { store: Arc::clone(store), space: space.clone(), position })
}
