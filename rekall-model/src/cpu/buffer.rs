//! Memory for the network's intermediate results.

use std::ops::Deref;

use memmap2::MmapMut;
use pulp::bytemuck;

use super::prefetch::LINE;

/// From this size on a buffer lies in a mapping of its own.
const MAPPED_BYTES: usize = 64 << 10;

/// Numbers on the heap beside those that are used: so many may stand before the first cache line.
const SPARE: usize = LINE / size_of::<f32>() - 1;

/// Numbers that are written, read and forgotten; grown as needed, never shortened. They begin at a cache line: a register
/// that lies across two is two accesses.
///
/// Large ones lie in a mapping of their own rather than on the heap, so the operating system has them back
/// when they are dropped. glibc does not trim the arenas of threads other than the first.
#[derive(Debug)]
pub(crate) enum Buffer {
    Heap {
        numbers: Vec<f32>,
        /// Where the first cache line begins.
        start: usize,
    },
    Mapped(MmapMut),
}

impl Default for Buffer {
    fn default() -> Self {
        Self::Heap { numbers: Vec::new(), start: 0 }
    }
}

impl Buffer {
    /// The first `length` numbers; what they hold is stale.
    pub(crate) fn sized(&mut self, length: usize) -> &mut [f32] {
        if self.len() < length {
            *self = Self::with_room(length);
        }
        match self {
            Self::Heap { numbers, start } => &mut numbers[*start..][..length],
            Self::Mapped(map) => &mut bytemuck::cast_slice_mut(map)[..length],
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Heap { numbers, .. } => size_of_val(&**numbers),
            Self::Mapped(map) => map.len(),
        }
    }

    fn with_room(length: usize) -> Self {
        let bytes = length * size_of::<f32>();
        match (bytes >= MAPPED_BYTES).then(|| MmapMut::map_anon(bytes)) {
            Some(Ok(map)) => Self::Mapped(map),
            // The heap may still have the memory if the system refuses a mapping.
            _ => {
                let numbers = vec![0.0_f32; length + SPARE];
                // At most `SPARE`, if it can be said at all.
                let start = numbers.as_ptr().align_offset(LINE).min(SPARE);
                Self::Heap { numbers, start }
            }
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Heap { numbers, start } => &numbers[*start..][..numbers.len().saturating_sub(SPARE)],
            Self::Mapped(map) => bytemuck::cast_slice(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_room_asked_for_and_keeps_it() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.memory_bytes(), 0);
        for length in [0, 3, 1_000, MAPPED_BYTES / 4, 100_000, 7] {
            buffer.sized(length).fill(1.0);
            assert!(buffer.len() >= length && buffer[..length].iter().all(|&x| x == 1.0));
            assert!(length == 0 || buffer.as_ptr().addr().is_multiple_of(LINE), "{length}");
        }
        assert!(matches!(buffer, Buffer::Mapped(_)) && buffer.memory_bytes() >= 400_000);
    }
}
