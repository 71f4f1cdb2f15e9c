//! Figures about an open memory.

use rekall_cache::CacheStats;
use rekall_core::StoreStats;
use serde::Serialize;

use crate::models::former_model;
use crate::{Error, Rekall};

/// Figures about an open memory, part by part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// What the file holds.
    pub store: StoreStats,
    /// Fingerprint of the model whose vectors the file holds, if it has any.
    pub space: Option<String>,
    /// Name of the former built-in model that made the file's vectors; `None`: the current one or another model made
    /// them. [`Rekall::reembed`] brings those of the current one, which finds more.
    pub former_model: Option<String>,
    /// What keeps entries from getting vectors, where some wait for them and it is known: the model could not be loaded, or
    /// is another one.
    pub pending_reason: Option<String>,
    /// The query cache: hits, misses, bytes.
    pub cache: CacheStats,
    /// Name of the backend: `flat`, `sq8`, `binary`, or one that stays in the file; `None` before the first
    /// search.
    pub index_backend: Option<&'static str>,
    /// Vectors in the index; 0 before the first search.
    pub index_rows: usize,
    /// Name of the model, while it is loaded.
    pub model: Option<String>,
    /// The reranker, while it is loaded: where it comes from, or the name of the host's own.
    pub reranker: Option<String>,
    /// Memory taken, part by part.
    pub memory: MemoryStats,
}

/// Bytes of memory that an open memory takes now, part by part. Each part counts its own heap, without what
/// the allocator adds. SQLite's page caches are counted in `process` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct MemoryStats {
    /// The vector index; 0 before the first search.
    pub index: usize,
    /// What a search by words keeps of the word index: the table of its passages, 28 bytes each, and the words of entries
    /// that are in no segment yet. The rest is read from the file. 0 before the first search.
    pub words: usize,
    /// Cached query vectors.
    pub cache: usize,
    /// The model; 0 while it is not loaded.
    pub model: usize,
    /// The reranker; 0 while it is not loaded.
    pub reranker: usize,
    /// The whole process, resident, whatever it is; `None` where the system does not tell (elsewhere than on
    /// Linux).
    pub process: Option<u64>,
}

impl Rekall {
    /// Counts what the file holds and what memory is taken. O(entries), milliseconds for 100,000.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// let stats = rekall.stats()?;
    /// assert_eq!((stats.store.entries, stats.store.pending), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn stats(&self) -> Result<Stats, Error> {
        let tx = self.store.read()?;
        let index = self.vector_index.usage();
        let space = tx.active_space()?;
        let cache = self.queries.stats();
        let models = self.models.load();
        let (model, model_bytes) = models.resident().map_or((None, 0), |(name, bytes)| (Some(name), bytes));
        let (reranker, reranker_bytes) = self
            .opening
            .reranker
            .as_ref()
            .and_then(|reranker| reranker.resident())
            .map_or((None, 0), |(name, bytes)| (Some(name), bytes));
        let store = tx.stats()?;
        let waits = store.pending > 0;
        let active = space.as_ref().map(|space| space.fingerprint.as_str());
        Ok(Stats {
            pending_reason: waits.then(|| models.obstacle(active)).flatten(),
            store,
            index_backend: index.backend,
            // An index holds what the file holds: one in the file does not know itself what lies over its
            // base.
            index_rows: match (&space, index.backend) {
                (Some(space), Some(_)) => usize::try_from(tx.count_vectors(space.id)?)
                    .unwrap_or(usize::MAX)
                    .saturating_sub(index.unusable),
                _ => 0,
            },
            former_model: space.as_ref().and_then(|space| former_model(&space.fingerprint)),
            space: space.map(|space| space.fingerprint),
            model,
            reranker,
            memory: MemoryStats {
                index: index.bytes,
                words: self.store.word_memory_bytes(),
                cache: usize::try_from(cache.bytes).unwrap_or(usize::MAX),
                model: model_bytes,
                reranker: reranker_bytes,
                process: rekall_model::process_rss(),
            },
            cache,
        })
    }
}
