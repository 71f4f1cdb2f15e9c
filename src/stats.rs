//! Figures about an open memory.

use rekall_cache::CacheStats;
use rekall_core::StoreStats;

use crate::{Error, Rekall};

/// Figures about an open memory, part by part.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// What the file holds.
    pub store: StoreStats,
    /// Fingerprint of the model whose vectors the file holds, if it has any.
    pub space: Option<String>,
    /// The query cache: hits, misses, bytes.
    pub cache: CacheStats,
    /// Sort of the index: `flat`, `sq8`, `binary`, or one that stays in the file; `None` before the first
    /// search.
    pub index_backend: Option<&'static str>,
    /// Vectors in the index; 0 before the first search.
    pub index_rows: usize,
    /// Bytes of memory the index takes.
    pub index_bytes: usize,
    /// Name of the model, while it is loaded.
    pub model: Option<String>,
    /// Bytes of heap the model takes; 0 while it is not loaded.
    pub model_bytes: usize,
    /// Bytes of the whole process in memory, where the system tells (Linux).
    pub process_bytes: Option<u64>,
}

impl Rekall {
    /// Counts what the file holds and what memory is taken. O(entries), milliseconds for 100,000.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn stats(&self) -> Result<Stats, Error> {
        let tx = self.store.read()?;
        let index = self.resident.usage();
        let (model, model_bytes) =
            self.models.load().resident().map_or((None, 0), |(name, bytes)| (Some(name), bytes));
        Ok(Stats {
            store: tx.stats()?,
            space: tx.active_space()?.map(|space| space.fingerprint),
            cache: self.queries.stats(),
            index_backend: index.backend,
            index_rows: index.rows,
            index_bytes: index.bytes,
            model,
            model_bytes,
            process_bytes: rekall_model::process_rss(),
        })
    }
}
