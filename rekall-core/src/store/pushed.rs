//! Vectors that a server searches itself: a table made from those of a space, for memories that no other process can hold.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{LogPosition, ReadTx, Space, SpaceId, VectorBatch};
use crate::Error;

/// Kind of the index block that says up to where a pushed table is filled, and with what.
pub const PUSHED_KIND: &str = "pgvector";

/// A table of a space's vectors beside the store's own, in half precision, with or without a graph over it. It is derived: filled from the rows,
/// brought up to date from the change log, and thrown away without loss. A block of the kind [`PUSHED_KIND`] says what it stands for;
/// a table without one is nobody's. Whoever changes the table takes the block away, and puts it back if the table stands for a position again.
///
/// Asked for through [`Store::pushed_vectors`](super::Store::pushed_vectors).
pub trait PushedVectors: Send + Sync {
    /// Whether the server can do it, for vectors of this length and with a graph or without.
    ///
    /// # Errors
    /// One of the kind [`Unsupported`](crate::ErrorKind::Unsupported), which names what is needed and what is there.
    fn expect_pushed(&self, dimensions: Option<usize>, graph: bool) -> Result<(), Error>;

    /// Makes the table of the active space anew, with a graph over it if asked for; other spaces of the memory lose theirs. In short transactions, so that
    /// others write meanwhile; the graph takes one, in which nothing of theirs is held up. Memory is a batch of vectors. False: there is no active space,
    /// another one became active meanwhile, the store was put back to an earlier state, or, unless `wait`, another process is at it.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process makes it for longer than the time-out; as for [`expect_pushed`](Self::expect_pushed); [`Error::ReadOnly`] where the user may make no table;
    /// [`Error::Interrupted`], [`Error::Full`], [`Error::Engine`].
    fn build_pushed(&self, graph: bool, wait: bool, cancel: Option<&Arc<AtomicBool>>) -> Result<bool, Error>;

    /// Brings the table from the position that it stands for to the newest one, in one transaction. False: it is no longer the table that stood there,
    /// the log does not reach back, or another process is at it.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::ReadOnly`], [`Error::Full`], [`Error::Engine`].
    fn follow_pushed(&self, space: &Space, filled_to: LogPosition) -> Result<bool, Error>;

    /// Drops all tables of this memory that the user may drop.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::ReadOnly`], [`Error::Engine`].
    fn discard_pushed(&self) -> Result<(), Error>;

    /// Finds rows in the table, and hands over their exact vectors, in batches, until `each` breaks. The products are those of half precision.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`Error::Engine`].
    fn search_pushed(
        &self,
        search: &PushedSearch<'_>,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<PushedRows, Error>;
}

/// What a pushed table stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushedState {
    /// It has the vectors as they were there.
    pub position: LogPosition,
    /// How many.
    pub rows: u64,
    /// Whether there is a graph over it.
    pub graph: bool,
}

impl PushedState {
    /// That of the table of a space; `None`: there is no table that can be relied on.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    pub fn read(tx: &dyn ReadTx, space: SpaceId) -> Result<Option<Self>, Error> {
        let Some(position) = tx.index_position(space, PUSHED_KIND)? else { return Ok(None) };
        let mut state = None;
        let whole = tx.index_blocks(space, PUSHED_KIND, |block| {
            state = block.split_first_chunk().and_then(|(rows, rest)| match rest {
                [graph @ 0..=1] => {
                    Some(Self { position, rows: u64::from_le_bytes(*rows), graph: *graph == 1 })
                }
                _ => None,
            });
            Ok::<(), Error>(())
        })?;
        Ok(state.filter(|_| whole))
    }

    /// What its block holds.
    #[must_use]
    pub fn block(self) -> Vec<u8> {
        let mut block = self.rows.to_le_bytes().to_vec();
        block.push(self.graph.into());
        block
    }
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PushedAsk {
    /// So many, with the greatest products of all: every row is looked at.
    Nearest(usize),
    /// About those, by way of the graph: some of them may be missing, and there may be fewer.
    NearestByGraph(usize),
    /// All with at least this product.
    Within(f64),
}

/// A search in a pushed table.
#[derive(Debug, Clone, Copy)]
pub struct PushedSearch<'a> {
    /// Whose table.
    pub space: &'a Space,
    /// What the table stands for, as the caller knows it.
    pub filled_to: LogPosition,
    /// The moment whose vectors are asked for. Entries that changed between the two are to be excluded.
    pub at: LogPosition,
    /// A unit vector of the space.
    pub query: &'a [f32],
    /// Which rows.
    pub ask: PushedAsk,
    /// Only these roles; `None`: all.
    pub roles: Option<&'a [i64]>,
    /// Only these entries, by row number; `None`: all.
    pub entries: Option<&'a [i64]>,
    /// Not these.
    pub exclude: Option<&'a [i64]>,
    /// Stops the statement.
    pub cancel: Option<&'a AtomicBool>,
}

/// What came of a search in a pushed table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PushedRows {
    /// So many rows were handed over, or would have been, and this is the least product of them.
    Found {
        /// How many.
        rows: usize,
        /// The least product in half precision; of no rows: infinity.
        least: f64,
    },
    /// Something was written meanwhile: the table stands for another position, or an entry that was found has changed since `at`.
    Outdated,
    /// The table is not there, is not as it was made, or may not be read.
    Missing,
}
