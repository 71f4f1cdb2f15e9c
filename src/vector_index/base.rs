//! What an index rests on that stays in the file.

use std::sync::Arc;

use rekall_core::{Changes, LogPosition, ReadTx, Space, Store};
use rekall_index::{Sq8Stream, VectorSearch};

use super::persist::{self, BadBlocks};
use super::source::{StoredBlocks, StoredRows};
#[cfg(feature = "sqlite-vec")]
use super::vec0;
use crate::Error;

/// Vectors in the file as they were at one position of the change log.
pub(super) struct Base {
    kind: Kind,
    position: LogPosition,
    rows: usize,
    /// Who is told when it is not usable.
    bad: Arc<BadBlocks>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Persisted int8 codes.
    Codes,
    /// A vec0 table.
    #[cfg(feature = "sqlite-vec")]
    Table,
}

impl Base {
    /// Codes of a space with `rows` rows, if any are laid by that are usable, and that the change log still reaches back to.
    pub(super) fn codes(
        tx: &ReadTx<'_>,
        space: &Space,
        rows: usize,
        bad: &Arc<BadBlocks>,
    ) -> Result<Option<Self>, Error> {
        Self::new(Kind::Codes, tx, space, rows, bad)
    }

    /// The vec0 table of a space, likewise.
    #[cfg(feature = "sqlite-vec")]
    pub(super) fn table(tx: &ReadTx<'_>, space: &Space, bad: &Arc<BadBlocks>) -> Result<Option<Self>, Error> {
        Self::new(Kind::Table, tx, space, count(tx, space)?, bad)
    }

    /// Never there: this build knows no vec0, and refuses to open a memory with it.
    #[cfg(not(feature = "sqlite-vec"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(super) fn table(_: &ReadTx<'_>, _: &Space, _: &Arc<BadBlocks>) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    fn new(
        kind: Kind,
        tx: &ReadTx<'_>,
        space: &Space,
        rows: usize,
        bad: &Arc<BadBlocks>,
    ) -> Result<Option<Self>, Error> {
        Ok(match tx.index_position(space.id, kind.block())? {
            Some(position) if !bad.are_at(position) && changed_since(tx, position)?.is_some() => {
                Some(Self { kind, position, rows, bad: Arc::clone(bad) })
            }
            _ => None,
        })
    }

    /// Up to where the change log is in it.
    pub(super) fn position(&self) -> LogPosition {
        self.position
    }

    /// A search over it, with the exact rows of `position`.
    pub(super) fn search(
        &self,
        store: &Arc<Store>,
        space: &Space,
        position: LogPosition,
    ) -> Result<Arc<dyn VectorSearch + Send + Sync>, Error> {
        let (store, space, base) = (Arc::clone(store), space.clone(), self.position);
        let bad = Arc::clone(&self.bad);
        match self.kind {
            Kind::Codes => {
                let blocks =
                    StoredBlocks { store: Arc::clone(&store), space: space.clone(), position: base, bad };
                let dimensions = space.dimensions;
                let source = StoredRows { store, space, position };
                Ok(Arc::new(Sq8Stream::new(dimensions, self.rows, blocks, source)?))
            }
            #[cfg(feature = "sqlite-vec")]
            Kind::Table => {
                Ok(Arc::new(vec0::TableScan { store, space, position: base, rows: self.rows, bad }))
            }
        }
    }

    /// Short name, for `stats`.
    pub(super) const fn name(&self) -> &'static str {
        match self.kind {
            Kind::Codes => "sq8 in the file",
            #[cfg(feature = "sqlite-vec")]
            Kind::Table => "sqlite-vec",
        }
    }
}

impl Kind {
    /// Name of what is kept in `index_block` for it.
    const fn block(self) -> &'static str {
        match self {
            Self::Codes => persist::SQ8,
            #[cfg(feature = "sqlite-vec")]
            Self::Table => vec0::MARK,
        }
    }
}

/// Rows of a space.
pub(super) fn count(tx: &ReadTx<'_>, space: &Space) -> Result<usize, Error> {
    Ok(usize::try_from(tx.count_vectors(space.id)?).unwrap_or(usize::MAX))
}

/// The entries that changed since `position`; `None`: the log does not reach back so far.
pub(super) fn changed_since(tx: &ReadTx<'_>, position: LogPosition) -> Result<Option<Vec<i64>>, Error> {
    Ok(match tx.changes_since(position)? {
        Changes::Entries { entries, .. } => Some(entries),
        Changes::Lost { .. } => None,
    })
}
