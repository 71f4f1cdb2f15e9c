//! The reranker of an open memory: chosen when it is opened, loaded when first needed, let go when idle.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use rekall_model::{
    KeepAlive, LeaseOptions, LoadOptions, ManagerOptions, ModelLease, ModelManager, ModelSource, ModelState,
    Reranker, UnloadOutcome,
};

use super::forward;
use crate::event::Events;
use crate::settings::Settings;
use crate::{Error, Rekall};

/// Where a reranker comes from.
pub(crate) enum RerankerChoice {
    /// One that this library loads.
    Source(ModelSource, Box<LoadOptions>),
    /// The host's own.
    Own(Arc<dyn Reranker>),
}

/// The reranker of an open memory.
pub(crate) enum OpenReranker {
    /// With what it is loaded from, as text.
    Managed(Box<ModelManager<dyn Reranker>>, String),
    Own(Arc<dyn Reranker>),
}

/// A reranker in use; it is not unloaded before this goes.
pub(crate) enum RerankerLease {
    Managed(ModelLease<dyn Reranker>),
    Own(Arc<dyn Reranker>),
}

impl Deref for RerankerLease {
    type Target = dyn Reranker;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Managed(lease) => &**lease,
            Self::Own(reranker) => &**reranker,
        }
    }
}

impl OpenReranker {
    pub(crate) fn new(choice: RerankerChoice, settings: &Settings, events: &Events) -> Result<Self, Error> {
        let (source, load) = match choice {
            RerankerChoice::Source(source, load) => (source, load),
            RerankerChoice::Own(reranker) => return Ok(Self::Own(reranker)),
        };
        let events = events.clone();
        let options: ManagerOptions = settings.manager.clone().observer(move |event| forward(event, &events));
        let name = source.to_string();
        let manager = ModelManager::for_reranker(source, *load, options);
        if settings.reaper {
            manager.start_reaper()?;
        }
        Ok(Self::Managed(Box::new(manager), name))
    }

    /// The reranker, loaded if need be; other threads that ask meanwhile wait for the same load.
    pub(crate) fn lease(&self, keep_alive: Option<KeepAlive>) -> Result<RerankerLease, Error> {
        match self {
            Self::Managed(manager, _) => {
                let mut options = LeaseOptions::default();
                options.keep_alive = keep_alive;
                Ok(RerankerLease::Managed(manager.lease_with(&options)?))
            }
            Self::Own(reranker) => Ok(RerankerLease::Own(Arc::clone(reranker))),
        }
    }

    /// Loads it, and fails if it cannot be used as it is, however often one tries.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.lease(None) {
            Err(Error::Model(error)) if error.is_permanent() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn manager(&self) -> Option<&ModelManager<dyn Reranker>> {
        match self {
            Self::Managed(manager, _) => Some(manager),
            Self::Own(_) => None,
        }
    }

    /// Its name and heap bytes, when it is loaded.
    pub(crate) fn resident(&self) -> Option<(String, usize)> {
        match self {
            Self::Managed(manager, source) => {
                let stats = manager.stats();
                (stats.state == ModelState::Ready).then(|| (source.clone(), stats.bytes))
            }
            Self::Own(reranker) => Some((reranker.model().to_owned(), reranker.memory_bytes())),
        }
    }
}

impl Rekall {
    fn reranker_manager(&self) -> Option<&ModelManager<dyn Reranker>> {
        self.opening.reranker.as_ref()?.manager()
    }

    /// Loads the reranker now, so that the first search that re-ranks does not wait for it; and says why it cannot be loaded,
    /// where such a search goes on without it.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).reranker("path:no/such/folder".parse()?).open()?;
    /// let refused = rekall.load_reranker();
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::InvalidModel));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoReranker`] or [`Error::Model`].
    pub fn load_reranker(&self) -> Result<(), Error> {
        self.opening.reranker.as_ref().ok_or(Error::NoReranker)?.lease(None).map(drop)
    }

    /// Lets the reranker go: at once, or when the last search that uses it ends. It is loaded again when needed. A host's own
    /// reranker is not touched.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, UnloadOutcome};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// assert_eq!(rekall.unload_reranker(), UnloadOutcome::NotLoaded);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unload_reranker(&self) -> UnloadOutcome {
        self.reranker_manager().map_or(UnloadOutcome::NotLoaded, ModelManager::unload)
    }

    /// Whether the reranker is in memory; a host's own is always ready.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelState, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// assert_eq!(rekall.reranker_state(), ModelState::Unloaded);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reranker_state(&self) -> ModelState {
        match self.opening.reranker.as_deref() {
            Some(OpenReranker::Own(_)) => ModelState::Ready,
            Some(OpenReranker::Managed(manager, _)) => manager.state(),
            None => ModelState::Unloaded,
        }
    }

    pub(super) fn unload_idle_reranker(&self, now: Instant) -> Option<usize> {
        self.reranker_manager()?.unload_if_idle(now)
    }

    pub(super) fn reranker_deadline(&self) -> Option<Instant> {
        self.reranker_manager()?.next_deadline()
    }

    pub(super) fn touch_reranker(&self) {
        if let Some(manager) = self.reranker_manager() {
            manager.touch();
        }
    }
}
