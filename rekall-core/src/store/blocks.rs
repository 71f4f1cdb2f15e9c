//! Blocks that an index has persisted, so that the next process need not read every vector.
//!
//! A set of blocks has the numbers 0, 1, 2 … without a gap, and after the last of them a *seal*, which says how many they
//! are: a lost block would otherwise be lost rows, unnoticed. A kind of index has one sealed set; another one may be
//! written beside it, under a name of its own ([`BlockWriter`]).

use std::ops::ControlFlow;

use super::{LogPosition, SpaceId};
use crate::Error;

/// Blocks of a persisted index, read.
pub trait ReadBlocks {
    /// The change log's position that the blocks of this kind stand for; `None`: there are none, or they are not sealed.
    /// Looks at the seal alone: whether a block is missing before it, [`each_index_block`](Self::each_index_block) finds out. Blocks of
    /// a position that the log has not come to are nobody's: there are none, then. Blocks go wherever the file's rows go, so
    /// the position is one of the file's present history.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn index_position(&self, space: SpaceId, kind: &str) -> Result<Option<LogPosition>, Error>;

    /// Passes the blocks of this kind, in order, one at a time, until `each` breaks, and says whether they are all there:
    /// without a gap, of one position, and sealed. After `false`, the blocks that were passed must not be used.
    /// [`index_blocks`](trait.ReadTx.html#method.index_blocks) is the same for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn each_index_block(
        &self,
        space: SpaceId,
        kind: &str,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Error>;
}

/// Blocks of a persisted index, written.
pub trait WriteBlocks {
    /// Replaces the blocks of this kind by others that stand for `position`.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// let position = tx.position()?;
    /// tx.replace_index_blocks(space.id, "my-index", position, &mut [vec![1, 2, 3]].into_iter())?;
    /// assert_eq!(tx.index_position(space.id, "my-index")?, Some(position));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a position of another history than the file's present one: what was made of rows that
    /// are no longer these must not be persisted; [`Error::Full`] or [`Error::Io`].
    fn replace_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        position: LogPosition,
        blocks: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), Error>;

    /// Adds one block to those of this kind, for blocks that are made one after the other, numbered from 0. All of them must
    /// stand for the same position, and after the last of them they are [sealed](Self::seal_index_blocks).
    ///
    /// # Errors
    /// Like [`replace_index_blocks`](Self::replace_index_blocks).
    fn put_index_block(
        &mut self,
        space: SpaceId,
        kind: &str,
        number: usize,
        position: LogPosition,
        data: &[u8],
    ) -> Result<(), Error>;

    /// Says that these `count` blocks are all. Blocks without a seal are not read.
    ///
    /// # Errors
    /// Like [`replace_index_blocks`](Self::replace_index_blocks).
    fn seal_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        count: usize,
        position: LogPosition,
    ) -> Result<(), Error>;

    /// Drops the blocks of this kind, those that are being written included.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    fn drop_index_blocks(&mut self, space: SpaceId, kind: &str) -> Result<(), Error>;

    /// Drops the blocks of this kind in all spaces.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    fn drop_index_blocks_of_kind(&mut self, kind: &str) -> Result<(), Error>;

    /// Drops the blocks of all kinds and spaces.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`].
    fn drop_all_index_blocks(&mut self) -> Result<(), Error>;
}

/// A set of index blocks under way ([`begin_index_blocks`](super::Store::begin_index_blocks)): each block is a
/// transaction, and the last one puts the set in the place of the one in use. No process reads a set before; one that was left
/// unfinished (the process was killed) goes when the next one begins.
pub trait BlockWriter {
    /// Adds the next block. False: the set can no longer be used, because another space is active, because an older state was
    /// put into the store (codes of rows that are gone would pass for codes of those there), or because another process
    /// dropped it (another writer of blocks, `repair`, or a file that erases what is forgotten); it is to be given up.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`] or [`Error::Io`].
    fn put(&mut self, data: &[u8]) -> Result<bool, Error>;

    /// Says that these are all, and puts them in the place of those in use, which are dropped afterwards. False as for
    /// [`put`](Self::put), and when a set of a later position is in use.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`] or [`Error::Io`].
    fn finish(self: Box<Self>) -> Result<bool, Error>;
}
