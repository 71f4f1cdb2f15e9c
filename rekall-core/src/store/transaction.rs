//! The two kinds of transactions: everything that can be done in one.

use std::any::Any;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{
    ListEntries, MatchEntries, ReadBlocks, ReadChanges, ReadEntries, ReadExpiry, ReadFacets, ReadHits,
    ReadLegacyRows, ReadLinks, ReadPending, ReadSources, ReadSpaces, ReadStats, ReadTimes, ReadUsage,
    ReadVectors, SearchWords, Space, SpaceId, VectorBatch, WriteBlocks, WriteEntries, WriteExpiry,
    WriteLinks, WritePending, WriteSources, WriteSpaces, WriteSupersession, WriteUsage, WriteVectors,
};
use crate::Error;

/// A consistent view of a store. A writer can do everything that a reader can, and sees what it has written.
pub trait ReadTx:
    Debug
    + ReadEntries
    + ListEntries
    + MatchEntries
    + ReadFacets
    + ReadExpiry
    + ReadTimes
    + ReadStats
    + ReadLinks
    + ReadLegacyRows
    + ReadSources
    + ReadUsage
    + ReadSpaces
    + ReadPending
    + ReadVectors
    + ReadHits
    + ReadBlocks
    + ReadChanges
    + SearchWords
{
    /// Lets the flag stop any statement of this transaction in its middle, with [`Error::Interrupted`], from now on.
    ///
    /// # Errors
    /// [`Error::Engine`].
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error>;

    /// The engine's own connection, in this transaction, for a part that keeps tables of its own beside the store's: for
    /// SQLite a `rusqlite::Connection`. The store's tables are not to be written through it, and the transaction is not to be
    /// ended. `None`: the engine shows none.
    fn native(&self) -> Option<&dyn Any> {
        None
    }
}

/// Changes that happen together or not at all. Dropped without [`commit`](Self::commit), they are undone.
pub trait WriteTx:
    ReadTx
    + WriteEntries
    + WriteExpiry
    + WriteSupersession
    + WriteLinks
    + WriteSources
    + WriteUsage
    + WriteSpaces
    + WritePending
    + WriteVectors
    + WriteBlocks
{
    /// Whether vectors were deleted or overwritten in this transaction, in a store that
    /// [deletes securely](super::Store::deletes_securely): who keeps copies of them elsewhere erases these, too.
    fn erases_vectors(&self) -> bool {
        false
    }

    /// Makes the changes durable and visible to every other reader.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// tx.commit()?;
    /// assert_eq!(store.read()?.count_entries()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Engine`] or [`Error::Busy`]; [`Error::Replaced`] when the file was moved away or replaced
    /// since the transaction began. Nothing is changed then.
    fn commit(self: Box<Self>) -> Result<(), Error>;
}

impl dyn ReadTx + '_ {
    /// As [`each_vectors`](ReadVectors::each_vectors), with a function that can fail.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`]; what `each` gives.
    pub fn vectors<E: From<Error>>(
        &self,
        space: &Space,
        batch_rows: usize,
        mut each: impl FnMut(&VectorBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut failed = None;
        self.each_vectors(space, batch_rows, &mut |batch| break_at(each(batch), &mut failed))?;
        failed.map_or(Ok(()), Err)
    }

    /// As [`each_index_block`](ReadBlocks::each_index_block), with a function that can fail.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`]; what `each` gives.
    pub fn index_blocks<E: From<Error>>(
        &self,
        space: SpaceId,
        kind: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut failed = None;
        let whole = self.each_index_block(space, kind, &mut |block| break_at(each(block), &mut failed))?;
        failed.map_or(Ok(whole), Err)
    }
}

/// Breaks at an error, which is kept.
fn break_at<E>(result: Result<(), E>, failed: &mut Option<E>) -> ControlFlow<()> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *failed = Some(error);
            ControlFlow::Break(())
        }
    }
}
