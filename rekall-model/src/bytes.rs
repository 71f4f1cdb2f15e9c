//! Bytes that lie in the executable, in a mapped file or on the heap, and do not move.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::mapped::MappedFile;

/// A view of shared, immutable bytes; cloning and slicing copy nothing.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    owner: Owner,
    range: Range<usize>,
}

#[derive(Debug, Clone)]
enum Owner {
    Static(&'static [u8]),
    Heap(Arc<Vec<u8>>),
    Mapped(Arc<MappedFile>),
}

impl Bytes {
    pub(crate) fn from_static(bytes: &'static [u8]) -> Self {
        Self { range: 0..bytes.len(), owner: Owner::Static(bytes) }
    }

    pub(crate) fn from_mapped(file: MappedFile) -> Self {
        Self { range: 0..file.len(), owner: Owner::Mapped(Arc::new(file)) }
    }

    /// A part of this view; `None` outside of it.
    pub(crate) fn slice(&self, range: Range<usize>) -> Option<Self> {
        if range.start > range.end || range.end > self.len() {
            return None;
        }
        let start = self.range.start;
        Some(Self { owner: self.owner.clone(), range: start + range.start..start + range.end })
    }

    /// Lets the operating system take back the pages of a mapped file; they are read again if needed.
    #[cfg(feature = "transformer")]
    pub(crate) fn forget_pages(&self) {
        if let Owner::Mapped(file) = &self.owner {
            file.forget_pages();
        }
    }

    /// Bytes of heap this view accounts for: its own length if it lies there.
    pub(crate) fn heap_bytes(&self) -> usize {
        if matches!(self.owner, Owner::Heap(_)) { self.len() } else { 0 }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), owner: Owner::Heap(Arc::new(bytes)) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.owner {
            Owner::Static(bytes) => bytes,
            Owner::Heap(bytes) => bytes,
            Owner::Mapped(file) => file,
        };
        &all[self.range.clone()]
    }
}
