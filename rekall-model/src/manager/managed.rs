//! What a manager can hold: the two kinds of models.

use std::time::Instant;

use crate::{Embedder, Fingerprint, Reranker};

/// A kind of model that a [`ModelManager`](crate::ModelManager) holds. Not for others to implement.
pub trait Managed: Send + Sync + 'static {
    /// Heap the model holds, in bytes.
    fn heap_bytes(&self) -> usize;

    /// The vector space it makes, if it makes vectors.
    fn space(&self) -> Option<&Fingerprint>;

    /// When another process last used it. Called under a lock.
    fn used_elsewhere(&self) -> Option<Instant> {
        None
    }
}

impl Managed for dyn Embedder {
    fn heap_bytes(&self) -> usize {
        self.memory_bytes()
    }
    fn space(&self) -> Option<&Fingerprint> {
        Some(self.fingerprint())
    }
    fn used_elsewhere(&self) -> Option<Instant> {
        Embedder::used_elsewhere(self)
    }
}

impl Managed for dyn Reranker {
    fn heap_bytes(&self) -> usize {
        self.memory_bytes()
    }
    fn space(&self) -> Option<&Fingerprint> {
        None
    }
    fn used_elsewhere(&self) -> Option<Instant> {
        Reranker::used_elsewhere(self)
    }
}
