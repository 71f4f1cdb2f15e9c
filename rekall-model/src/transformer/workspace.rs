//! The intermediate results of a network on one thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cpu::Buffer;

/// A workspace larger than this is freed after the call.
const KEPT_BYTES: usize = 5 << 19;

/// The buffers of one thread; grown as needed, reused between micro-batches and calls. What they hold between two uses
/// is stale.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// A row for each token, what a layer changes and the next one reads; after the last one for each token that is wanted.
    pub(super) hidden: Buffer,
    /// The same after a layer norm, where the sum of the branches is kept without one.
    pub(super) normed: Buffer,
    /// What the heads give.
    pub(super) context: Buffer,
    /// What is added to the hidden rows.
    pub(super) branch: Buffer,
    /// Between the two matrices of the feed-forward part.
    pub(super) inner: Buffer,
    /// Rows as a matrix product reads them.
    pub(super) room: Buffer,
    pub(super) attention: AttentionBuffers,
}

/// The buffers of the attention.
#[derive(Debug, Default)]
pub(super) struct AttentionBuffers {
    /// Queries, keys and values of each token.
    pub(super) qkv: Buffer,
    pub(super) keys: Buffer,
    pub(super) values: Buffer,
    pub(super) scores: Buffer,
}

impl Workspace {
    pub(super) fn memory_bytes(&self) -> usize {
        let Self { hidden, normed, context, branch, inner, room, attention } = self;
        let AttentionBuffers { qkv, keys, values, scores } = attention;
        let all = [hidden, normed, context, branch, inner, room, qkv, keys, values, scores];
        all.map(Buffer::memory_bytes).iter().sum()
    }

    /// Frees buffers that only large batches need.
    pub(super) fn shrink(&mut self) {
        if self.memory_bytes() > KEPT_BYTES {
            *self = Self::default();
        }
    }
}

/// Workspaces that are not in use. Small ones are kept between calls, because the page faults of fresh memory cost about as
/// much as its use.
#[derive(Debug, Default)]
pub(super) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    pub(super) fn take(&self) -> Workspace {
        self.locked().pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, mut workspace: Workspace) {
        workspace.shrink();
        if workspace.memory_bytes() > 0 {
            self.locked().push(workspace);
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.locked().iter().map(Workspace::memory_bytes).sum()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
