//! What makes searches fast: the vector index and the cache of query vectors.

use std::time::Duration;

use super::Builder;
use crate::VectorBackend;

impl Builder {
    /// Query vectors kept, in entries; 0 keeps none. Default 1000.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).cache_max_size(10_000).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_max_size(mut self, entries: usize) -> Self {
        self.config.cache_max_size = entries;
        self
    }

    /// How long a query vector is kept. Default 600 s.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let rekall = Rekall::builder(path).cache_ttl(Duration::from_secs(3600)).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_ttl(mut self, age: Duration) -> Self {
        self.config.cache_ttl = age;
        self
    }

    /// Which vector index searches use.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, VectorBackend};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).vector_backend(VectorBackend::Sq8).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn vector_backend(mut self, backend: VectorBackend) -> Self {
        self.config.vector_backend = backend;
        self
    }

    /// Most bytes of memory that the vector index of [`VectorBackend::Auto`] may take; `None`: no limit. What
    /// does not fit stays in the file and is read at each search: codes that writes and
    /// [`Rekall::rebuild_index`](crate::Rekall::rebuild_index) persist and, in memory, the rows of entries changed since (up to a mebibyte
    /// even when the budget is less; one read of 64 entries may pass that for a moment). The backends that
    /// are asked for by name ignore it, for what they hold is their nature: `Flat`, `Sq8` and `Binary`
    /// everything, `SqliteVec` next to nothing. Default: no limit.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).memory_budget(64 << 20).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory_budget(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.config.memory_budget = bytes.into();
        self
    }

    /// Rows that a search of [`VectorBackend::Binary`] rescores exactly, 1 or more: more rows, fewer misses,
    /// more time. [`Rekall::audit_index`](crate::Rekall::audit_index) says how many are missed on this file. Default 1000.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, VectorBackend};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall =
    ///     Rekall::builder(path).vector_backend(VectorBackend::Binary).rescored_rows(5_000).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn rescored_rows(mut self, rows: usize) -> Self {
        self.config.rescored_rows = rows.max(1);
        self
    }

    /// The most threads one search may use. Searches at the same time share those beside the callers' own:
    /// eight callers who may use four each run on eight and three. Default 1; results are the same with any
    /// number.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).search_threads(4).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn search_threads(mut self, threads: usize) -> Self {
        self.search_threads = threads.max(1);
        self
    }
}
