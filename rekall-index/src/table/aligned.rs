//! Numbers in rows, starting on a cache line.

/// Rows of `stride` numbers each in one allocation whose first row starts on a 64-byte line: when a row is a multiple
/// of that, no SIMD load of it straddles two lines.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    buffer: Vec<T>,
    start: usize,
    length: usize,
}

const LINE: usize = 64;

impl<T: Copy + Default> Aligned<T> {
    pub(crate) const fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, length: 0 }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.length]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.length]
    }

    /// Appends numbers; when there is no room, makes `capacity` numbers of room first.
    pub(crate) fn extend(&mut self, numbers: &[T], capacity: usize) {
        let length = self.length + numbers.len();
        if self.start + length > self.buffer.len() || self.buffer.is_empty() {
            self.reallocate(capacity.max(length));
        }
        self.length = length;
        let end = self.start + length;
        self.buffer[end - numbers.len()..end].copy_from_slice(numbers);
    }

    /// Drops the last numbers, and memory when three quarters lie idle.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = length.min(self.length);
        if self.length * 4 < self.buffer.len() && self.buffer.len() > 4 * LINE {
            self.reallocate(self.length * 2);
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.buffer.capacity() * size_of::<T>()
    }

    fn reallocate(&mut self, capacity: usize) {
        let mut buffer = vec![T::default(); capacity + LINE / size_of::<T>() - 1];
        let misaligned = buffer.as_ptr().addr() % LINE;
        let start = if misaligned == 0 { 0 } else { (LINE - misaligned) / size_of::<T>() };
        buffer[start..start + self.length].copy_from_slice(self.as_slice());
        self.buffer = buffer;
        self.start = start;
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        // `Vec::clone` may land on another alignment, so the copy is laid out anew, with the same room.
        let mut copy = Self { buffer: Vec::new(), start: 0, length: 0 };
        // A buffer that happened to start on a line has more room than was asked for, and may have used it.
        copy.reallocate(self.buffer.len().saturating_sub(LINE / size_of::<T>() - 1).max(self.length));
        copy.length = self.length;
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_shrinks_and_stays_aligned() {
        let mut rows = Aligned::<f32>::new();
        assert!(rows.as_slice().is_empty());
        for i in 0..1000u16 {
            rows.extend(&[f32::from(i); 16], 16 * (usize::from(i) + 1).next_power_of_two());
            assert_eq!(rows.as_slice().as_ptr().addr() % LINE, 0);
        }
        let copy = rows.clone();
        assert_eq!(copy.as_slice(), rows.as_slice());
        assert_eq!(copy.as_slice().as_ptr().addr() % LINE, 0);
        assert_eq!(copy.memory_bytes(), rows.memory_bytes());
        rows.truncate(32);
        assert_eq!(rows.as_slice()[16], 1.0);
        assert!(rows.memory_bytes() < copy.memory_bytes() / 10);
        rows.truncate(0);
        assert!(rows.as_slice().is_empty());
    }
}
