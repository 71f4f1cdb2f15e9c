//! Rows by key, in blocks that snapshots share.
//!
//! What every resident index stores: a persistent (copy-on-write) table. Cloning a table copies two lists of pointers;
//! a change after that copies only the block and the shard of positions it touches. Rows are dense: removing one moves the
//! last row into its place, so a scan's cost depends on the rows there are, never on the history.

mod aligned;
mod block;
mod positions;
mod slab;

pub(crate) use aligned::Aligned;
pub(crate) use block::{Block, Columns};
pub(crate) use slab::Pool;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::check::MAX_ROWS;
use crate::{Error, Key};
use positions::Positions;

/// Bytes of rows in a block, at most: small enough that copying one (a write after a snapshot) costs some 20 µs,
/// large enough that the list of blocks is short and a block is a good unit of work for a scan.
const BLOCK_BYTES: usize = 256 * 1024;
/// The fewest and the most rows of a block.
const BLOCK_ROWS: (usize, usize) = (16, 4096);

/// A table of rows in columns `C`.
#[derive(Debug, Clone)]
pub(crate) struct Table<C: Columns> {
    shape: C::Shape,
    rows_per_block: usize,
    blocks: Vec<Arc<Block<C>>>,
    positions: Positions,
    pool: Arc<Pool>,
    /// Threads that scan it now beside those of the callers; snapshots count together.
    helpers: Arc<AtomicUsize>,
}

impl<C: Columns> Table<C> {
    pub(crate) fn new(shape: C::Shape) -> Self {
        let row_bytes = C::row_bytes(&shape).max(1);
        let fitting = (BLOCK_BYTES / row_bytes).clamp(BLOCK_ROWS.0, BLOCK_ROWS.1);
        // A power of two makes a position's block a shift and its row a mask.
        let rows_per_block = 1 << fitting.ilog2();
        let pool = Pool::new(C::pooled_bytes(&shape) * rows_per_block);
        Self {
            shape,
            rows_per_block,
            blocks: Vec::new(),
            positions: Positions::default(),
            pool,
            helpers: Arc::default(),
        }
    }

    pub(crate) fn helpers(&self) -> &AtomicUsize {
        &self.helpers
    }

    pub(crate) fn shape(&self) -> &C::Shape {
        &self.shape
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * self.rows_per_block + last.keys().len())
    }

    pub(crate) fn blocks(&self) -> &[Arc<Block<C>>] {
        &self.blocks
    }

    /// The position of block `block`'s row `row`.
    pub(crate) fn position(&self, block: usize, row: usize) -> u32 {
        // Fits: `upsert` refuses more than u32::MAX rows.
        (block * self.rows_per_block + row) as u32
    }

    /// The block and the row in it of a position.
    pub(crate) fn at(&self, position: u32) -> (&Block<C>, usize) {
        let (block, row) = split(position, self.rows_per_block);
        (&self.blocks[block], row)
    }

    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        self.positions.find(key, key_of(&self.blocks, self.rows_per_block))
    }

    /// The positions of all rows of an entry, in key order.
    pub(crate) fn find_entry(&self, entry: i64) -> &[u32] {
        self.positions.find_entry(entry, key_of(&self.blocks, self.rows_per_block))
    }

    /// Fails if `more` rows could not be numbered.
    pub(crate) fn check_room(&self, more: usize) -> Result<(), Error> {
        let got = self.len().saturating_add(more);
        if got > MAX_ROWS { Err(Error::TooManyRows { most: MAX_ROWS, got }) } else { Ok(()) }
    }

    /// Inserts or replaces one row. There must be room.
    pub(crate) fn upsert(&mut self, key: Key, row: C::Row<'_>) {
        if let Some(position) = self.find(key) {
            let (block, row_number) = split(position, self.rows_per_block);
            Arc::make_mut(&mut self.blocks[block]).set(&self.shape, row_number, row);
            return;
        }
        let position = self.len() as u32;
        self.positions.insert(key, position, key_of(&self.blocks, self.rows_per_block));
        self.append(key, row);
    }

    /// Appends a row that can't be found until [`index_appended`](Self::index_appended). There must be room.
    pub(crate) fn append(&mut self, key: Key, row: C::Row<'_>) {
        let shape = &self.shape;
        match self.blocks.last_mut().filter(|last| last.keys().len() < self.rows_per_block) {
            Some(last) => Arc::make_mut(last).push(shape, key, row, self.rows_per_block),
            None => {
                let mut block = Block::new(shape, &self.pool);
                block.push(shape, key, row, self.rows_per_block);
                self.blocks.push(Arc::new(block));
            }
        }
    }

    /// Appends a block whose rows can't be found until [`index_appended`](Self::index_appended), if it fits behind those there
    /// are: the blocks before are full, and it is not larger than they. There must be room.
    pub(crate) fn append_block(&mut self, block: Block<C>) -> Result<(), Block<C>> {
        let full = self.blocks.last().is_none_or(|last| last.keys().len() == self.rows_per_block);
        if !full || block.keys().is_empty() || block.keys().len() > self.rows_per_block {
            return Err(block);
        }
        self.blocks.push(Arc::new(block));
        Ok(())
    }

    /// Where new blocks of this table get their memory.
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Finds the place of all rows again, at once; fails with a key that two rows have.
    pub(crate) fn index_appended(&mut self) -> Result<(), Key> {
        let keys = self.blocks.iter().flat_map(|block| block.keys());
        self.positions = Positions::build(keys, key_of(&self.blocks, self.rows_per_block))?;
        Ok(())
    }

    /// Removes one row; false if it was not there.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        let Some(position) = self.positions.remove(key, key_of(&self.blocks, self.rows_per_block)) else {
            return false;
        };
        let last = self.len() as u32 - 1;
        if position != last {
            let last_key = self.key(last);
            self.positions.relocate(last_key, position, key_of(&self.blocks, self.rows_per_block));
            let (from, from_row) = split(last, self.rows_per_block);
            let (to, to_row) = split(position, self.rows_per_block);
            let shape = &self.shape;
            if from == to {
                Arc::make_mut(&mut self.blocks[to]).copy_within(shape, from_row, to_row);
            } else {
                let (before, last) = self.blocks.split_at_mut(from);
                Arc::make_mut(&mut before[to]).replace(shape, to_row, last_key, last[0].row(shape, from_row));
            }
        }
        if let Some(block) = self.blocks.last_mut() {
            if block.keys().len() == 1 {
                self.blocks.pop();
            } else {
                Arc::make_mut(block).pop(&self.shape);
            }
        }
        true
    }

    /// Removes all rows of an entry, and says how many there were.
    pub(crate) fn remove_entry(&mut self, entry: i64) -> usize {
        let keys: Vec<Key> = self.find_entry(entry).iter().map(|&p| self.key(p)).collect();
        keys.iter().for_each(|&key| {
            self.remove(key);
        });
        keys.len()
    }

    pub(crate) fn key(&self, position: u32) -> Key {
        key_of(&self.blocks, self.rows_per_block)(position)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.memory_bytes()).sum();
        blocks + self.blocks.capacity() * size_of::<Arc<Block<C>>>() + self.positions.memory_bytes()
    }
}

fn split(position: u32, rows_per_block: usize) -> (usize, usize) {
    let position = position as usize;
    (position >> rows_per_block.trailing_zeros(), position & (rows_per_block - 1))
}

/// The keys behind positions; borrows the blocks alone, so that the positions may change meanwhile.
fn key_of<C: Columns>(blocks: &[Arc<Block<C>>], rows_per_block: usize) -> impl Fn(u32) -> Key + '_ {
    move |position| {
        let (block, row) = split(position, rows_per_block);
        blocks[block].keys()[row]
    }
}
