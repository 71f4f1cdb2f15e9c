//! Numbers in rows, starting on a cache line.

use std::sync::Arc;

use pulp::bytemuck::{Pod, cast_slice, cast_slice_mut};

use super::slab::{Pool, Slot};

/// Rows of numbers in one piece of memory that starts on a 64-byte line: when a row is a multiple of that, no SIMD load of it
/// straddles two lines.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    pool: Arc<Pool>,
    memory: Memory<T>,
    length: usize,
}

#[derive(Debug)]
enum Memory<T> {
    /// On the heap, from the first number on a line. The buffer is [`SPARE`](Memory::SPARE) longer than what is used of it,
    /// wherever the line begins.
    Heap {
        buffer: Vec<T>,
        start: usize,
    },
    Slab(Slot),
}

const LINE: usize = 64;

impl<T: Pod> Memory<T> {
    /// So many numbers fit before the first line at most.
    const SPARE: usize = LINE / size_of::<T>() - 1;

    /// Room for `capacity` numbers; in a slot it may be a little more.
    fn new(pool: &Pool, capacity: usize) -> Self {
        if let Some(slot) = pool.take(capacity * size_of::<T>()) {
            return Self::Slab(slot);
        }
        let buffer = vec![T::zeroed(); capacity + Self::SPARE];
        let misaligned = buffer.as_ptr().addr() % LINE;
        let start = if misaligned == 0 { 0 } else { (LINE - misaligned) / size_of::<T>() };
        Self::Heap { buffer, start }
    }

    fn numbers(&self) -> &[T] {
        match self {
            Self::Heap { buffer, start } => &buffer[*start..][..buffer.len().saturating_sub(Self::SPARE)],
            Self::Slab(slot) => cast_slice(slot.as_slice()),
        }
    }

    fn numbers_mut(&mut self) -> &mut [T] {
        match self {
            Self::Heap { buffer, start } => {
                let room = buffer.len().saturating_sub(Self::SPARE);
                &mut buffer[*start..][..room]
            }
            Self::Slab(slot) => cast_slice_mut(slot.as_mut_slice()),
        }
    }
}

impl<T: Pod> Aligned<T> {
    pub(crate) fn new(pool: &Arc<Pool>) -> Self {
        let memory = Memory::Heap { buffer: Vec::new(), start: 0 };
        Self { pool: Arc::clone(pool), memory, length: 0 }
    }

    /// So many zeros.
    pub(crate) fn zeros(pool: &Arc<Pool>, length: usize) -> Self {
        // Fresh memory is zero, from the heap as from a slab.
        Self { pool: Arc::clone(pool), memory: Memory::new(pool, length), length }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.memory.numbers()[..self.length]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.memory.numbers_mut()[..self.length]
    }

    /// Appends numbers; when there is no room, makes `capacity` numbers of room first.
    pub(crate) fn extend(&mut self, numbers: &[T], capacity: usize) {
        let length = self.length + numbers.len();
        if length > self.memory.numbers().len() {
            self.reallocate(capacity.max(length));
        }
        self.memory.numbers_mut()[self.length..length].copy_from_slice(numbers);
        self.length = length;
    }

    /// Drops the last numbers, and memory when three quarters lie idle.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = length.min(self.length);
        let room = self.memory.numbers().len();
        if self.length * 4 < room && room > 4 * LINE {
            self.reallocate(self.length * 2);
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.memory {
            Memory::Heap { buffer, .. } => buffer.capacity() * size_of::<T>(),
            Memory::Slab(slot) => slot.as_slice().len(),
        }
    }

    fn reallocate(&mut self, capacity: usize) {
        let mut memory = Memory::new(&self.pool, capacity);
        memory.numbers_mut()[..self.length].copy_from_slice(self.as_slice());
        self.memory = memory;
    }
}

impl<T: Pod> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        // The copy has the same capacity.
        let mut memory = Memory::new(&self.pool, self.memory.numbers().len());
        memory.numbers_mut()[..self.length].copy_from_slice(self.as_slice());
        Self { pool: Arc::clone(&self.pool), memory, length: self.length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_shrinks_and_stays_aligned() {
        // Blocks of 1024 rows, so that some come from the heap and some from slabs.
        let pool = Pool::new(1024 * 16 * 4);
        for round in 0..20 {
            let mut rows = Aligned::<f32>::new(&pool);
            assert!(rows.as_slice().is_empty());
            let count: u16 = if cfg!(miri) { 70 } else { 1000 };
            for i in 0..count {
                rows.extend(&[f32::from(i); 16], 16 * (usize::from(i) + 1).next_power_of_two());
                assert_eq!(rows.as_slice().as_ptr().addr() % LINE, 0);
            }
            let mut copy = rows.clone();
            assert_eq!(copy.as_slice(), rows.as_slice());
            assert_eq!(copy.as_slice().as_ptr().addr() % LINE, 0);
            assert!(copy.memory_bytes().abs_diff(rows.memory_bytes()) <= 64, "round {round}");
            copy.as_mut_slice().fill(-1.0);
            rows.truncate(32);
            assert_eq!(rows.as_slice()[16], 1.0);
            assert!(rows.memory_bytes() < copy.memory_bytes() / 10 || cfg!(miri));
            rows.truncate(0);
            assert!(rows.as_slice().is_empty());
        }
    }
}
