//! Loading the model, unloading it and the reranker when idle, and giving memory back.

use std::time::Instant;

use rekall_model::{ModelManager, ModelState, UnloadOutcome};

use super::Models;
use crate::{Error, Rekall};

impl Rekall {
    /// Loads the model now, so that the first search does not wait for it.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelState, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.load_model()?;
    /// assert_eq!(rekall.model_state(), ModelState::Ready);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::NoModel`] or [`Error::Model`].
    pub fn load_model(&self) -> Result<(), Error> {
        self.models.load().lease(None).map(drop)
    }

    /// Lets the model go: at once, or when the last search that uses it ends. It is loaded again when needed;
    /// cached queries need no model. A host's own model is not touched.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelState, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.load_model()?;
    /// rekall.unload_model();
    /// assert_eq!(rekall.model_state(), ModelState::Unloaded);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    pub fn unload_model(&self) -> UnloadOutcome {
        self.models.load().manager().map_or(UnloadOutcome::NotLoaded, ModelManager::unload)
    }

    /// Whether the model is in memory.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelState, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// // It is loaded when first needed.
    /// assert_eq!(rekall.model_state(), ModelState::Unloaded);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn model_state(&self) -> ModelState {
        let models = self.models.load();
        match &**models {
            Models::Own(_) => ModelState::Ready,
            managed => managed.manager().map_or(ModelState::Unloaded, ModelManager::state),
        }
    }

    /// Unloads the model and the reranker that have been idle long enough at `now`, and says how many bytes that freed. For
    /// hosts with an event loop; others ask for a thread with
    /// [`Builder::unload_in_background`](crate::Builder::unload_in_background).
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// use std::time::{Duration, Instant};
    ///
    /// rekall.load_model()?;
    /// assert_eq!(rekall.unload_if_idle(Instant::now()), None);
    /// let freed = rekall.unload_if_idle(Instant::now() + Duration::from_secs(3600));
    /// assert!(freed.is_some());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    pub fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        let model = self.models.load().manager().and_then(|manager| manager.unload_if_idle(now));
        let reranker = self.unload_idle_reranker(now);
        model.into_iter().chain(reranker).reduce(usize::saturating_add)
    }

    /// When [`unload_if_idle`](Self::unload_if_idle) will next have something to do.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// use std::time::Instant;
    ///
    /// rekall.load_model()?;
    /// // What an event loop waits for.
    /// let deadline = rekall.next_deadline();
    /// assert!(deadline.is_some_and(|deadline| deadline > Instant::now()));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let model = self.models.load().manager().and_then(ModelManager::next_deadline);
        model.into_iter().chain(self.reranker_deadline()).min()
    }

    /// Restarts the idle time of a loaded model, and of a loaded reranker.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.touch_model();
    /// # Ok(())
    /// # }
    /// ```
    pub fn touch_model(&self) {
        if let Some(manager) = self.models.load().manager() {
            manager.touch();
        }
        self.touch_reranker();
    }

    /// Gives back memory that is not needed now: model and reranker if they are not in use, cached vectors, the index,
    /// idle connections; then asks the allocator to return what is free to the system. The next search loads
    /// what it needs again.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// rekall.release_memory();
    /// assert_eq!(rekall.recall("disk").run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn release_memory(&self) -> rekall_model::ReleasedMemory {
        self.unload_model();
        self.unload_reranker();
        self.queries.clear();
        self.base_similarity.clear();
        self.vector_index.clear();
        self.store.release_memory();
        rekall_model::release_memory()
    }
}
