//! The open memory: what it consists of.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use rekall_cache::EmbeddingCache;
use rekall_core::Store;

use crate::models::Models;
use crate::opening::Opening;
use crate::recall::base_similarity::BaseSimilarity;
use crate::recall::health::Health;
use crate::recall::newest_search::NewestSearches;
use crate::scopes::OpenScopes;
use crate::vector_index::VectorIndexKeeper;
use crate::write::usage::PendingUsage;

/// Query texts in the cache carry the space, so that two models can never be confused.
pub(crate) type QueryKey = (i64, Arc<str>);

/// An open memory: one file, or one memory on a server; one model, one index.
///
/// `Send + Sync`: share it by reference or in an [`Arc`] among any number of threads. Opening costs about a
/// millisecond; the model and the index are loaded when first needed. Dropping it closes the file.
pub struct Rekall {
    pub(crate) store: Arc<dyn Store>,
    /// Swapped when the file's vectors were rebuilt with another model.
    pub(crate) models: ArcSwap<Models>,
    /// Held while the file's active space and `models` change together.
    pub(crate) switching: RwLock<()>,
    pub(crate) vector_index: VectorIndexKeeper,
    pub(crate) queries: EmbeddingCache<QueryKey>,
    pub(crate) newest_searches: NewestSearches,
    pub(crate) health: Health,
    pub(crate) base_similarity: BaseSimilarity,
    pub(crate) pending_usage: PendingUsage,
    /// Whether a search has said that a former built-in model made the vectors.
    pub(crate) former_model_noted: AtomicBool,
    pub(crate) open_scopes: OpenScopes,
    /// How this memory was opened, and how its scopes are.
    pub(crate) opening: Opening,
}

impl Rekall {
    /// The file, as an absolute path; an empty path for a memory on a server, which has [`location`](Self::location) alone.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// println!("{}", rekall.path().display());
    /// # assert!(rekall.path().ends_with("a.db"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.path().unwrap_or(Path::new(""))
    }

    /// Where the memory is, for people: the file's path, or the server and the memory's name there, without user and password
    /// (`db.example:5432/team, schema notes`).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// assert!(rekall.location().ends_with("a.db"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn location(&self) -> String {
        self.store.location()
    }

    /// The storage below, for what this facade does not cover.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.store().read()?.stats()?.entries, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Forgets cached query vectors. Searches stay the same, the next ones are slower.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.clear_cache();
    /// assert_eq!(rekall.stats()?.cache.entries, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear_cache(&self) {
        self.queries.clear();
    }
}

impl fmt::Debug for Rekall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rekall").field("location", &self.location()).finish_non_exhaustive()
    }
}
