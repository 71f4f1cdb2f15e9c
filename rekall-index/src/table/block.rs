//! One block: the keys of some rows, and their columns.

use std::fmt::Debug;
use std::sync::Arc;

use super::slab::Pool;
use crate::Key;

/// How an index stores the numbers of its rows within a block. Rows are numbered from 0.
pub(crate) trait Columns: Clone + Debug {
    /// What all rows have in common.
    type Shape: Clone + Debug;
    /// The numbers of one row.
    type Row<'a>: Copy;

    /// Empty columns, whose large part takes its memory from `pool`.
    fn new(shape: &Self::Shape, pool: &Arc<Pool>) -> Self;
    /// The bytes of a row that lie in the pool's memory.
    fn pooled_bytes(shape: &Self::Shape) -> usize;
    /// The bytes a row takes here, without its key.
    fn row_bytes(shape: &Self::Shape) -> usize;
    fn get(&self, shape: &Self::Shape, row: usize) -> Self::Row<'_>;
    fn set(&mut self, shape: &Self::Shape, row: usize, numbers: Self::Row<'_>);
    fn copy_within(&mut self, shape: &Self::Shape, from: usize, to: usize);
    /// Appends a row; if memory is short, for `capacity` rows.
    fn push(&mut self, shape: &Self::Shape, numbers: Self::Row<'_>, capacity: usize);
    fn truncate(&mut self, shape: &Self::Shape, rows: usize);
    fn memory_bytes(&self) -> usize;
}

/// The rows of one block.
#[derive(Debug)]
pub(crate) struct Block<C> {
    keys: Vec<Key>,
    columns: C,
}

impl<C: Columns> Block<C> {
    pub(super) fn new(shape: &C::Shape, pool: &Arc<Pool>) -> Self {
        Self { keys: Vec::new(), columns: C::new(shape, pool) }
    }

    /// A block of rows that are all at hand; `columns` has one for each key.
    pub(crate) fn from_parts(keys: Vec<Key>, columns: C) -> Self {
        Self { keys, columns }
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn columns(&self) -> &C {
        &self.columns
    }

    pub(crate) fn row(&self, shape: &C::Shape, row: usize) -> C::Row<'_> {
        self.columns.get(shape, row)
    }

    pub(super) fn set(&mut self, shape: &C::Shape, row: usize, numbers: C::Row<'_>) {
        self.columns.set(shape, row, numbers);
    }

    pub(super) fn replace(&mut self, shape: &C::Shape, row: usize, key: Key, numbers: C::Row<'_>) {
        self.keys[row] = key;
        self.columns.set(shape, row, numbers);
    }

    /// Overwrites one row by another, key and numbers.
    pub(super) fn copy_within(&mut self, shape: &C::Shape, from: usize, to: usize) {
        self.keys[to] = self.keys[from];
        self.columns.copy_within(shape, from, to);
    }

    /// Appends a row. Room doubles up to a whole block: a small index stays small.
    pub(super) fn push(&mut self, shape: &C::Shape, key: Key, numbers: C::Row<'_>, most: usize) {
        const FIRST: usize = 8;
        let rows = self.keys.len();
        if rows == self.keys.capacity() {
            self.keys.reserve_exact((rows * 2).clamp(FIRST, most.max(FIRST)) - rows);
        }
        self.keys.push(key);
        self.columns.push(shape, numbers, (rows * 2).clamp(FIRST, most.max(FIRST)));
    }

    pub(super) fn pop(&mut self, shape: &C::Shape) {
        self.keys.pop();
        if self.keys.len() * 4 < self.keys.capacity() {
            self.keys.shrink_to(self.keys.len() * 2);
        }
        self.columns.truncate(shape, self.keys.len());
    }

    pub(super) fn memory_bytes(&self) -> usize {
        // Two counters of the `Arc`, and the block itself.
        2 * size_of::<usize>()
            + size_of::<Self>()
            + self.keys.capacity() * size_of::<Key>()
            + self.columns.memory_bytes()
    }
}

impl<C: Columns> Clone for Block<C> {
    fn clone(&self) -> Self {
        let mut keys = Vec::with_capacity(self.keys.capacity());
        keys.extend_from_slice(&self.keys);
        Self { keys, columns: self.columns.clone() }
    }
}
