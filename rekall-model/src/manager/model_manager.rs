//! The manager as its host sees it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::events::{ManagerStats, ModelState, UnloadOutcome};
use super::lifecycle::{Lifecycle, Loader, ModelLease};
use super::managed::Managed;
use super::options::{LeaseOptions, ManagerOptions};
use super::reaper::Reaper;
use super::slot::{Removal, Slot};
use super::sync::lock;
use super::wake::WakeSignal;
use crate::{Embedder, Error, Fingerprint, LoadOptions, ModelSource, Reranker, load, load_reranker};

/// Owns at most one instance of a model and leases it to callers.
///
/// The first [`lease`](Self::lease) loads it, on the caller's thread; other callers wait for that load and
/// share its outcome. A leased model is never unloaded. Once the last lease has ended and the
/// [`KeepAlive`](crate::KeepAlive) has passed, [`unload_if_idle`](Self::unload_if_idle) drops it: call that
/// from an event loop at [`next_deadline`](Self::next_deadline), or let a thread do so
/// ([`start_reaper`](Self::start_reaper)). No thread runs unless asked for.
///
/// Leasing a loaded model costs a lock and a reference count.
///
/// A reranker has a manager of its own kind, `ModelManager<dyn Reranker>`: [`for_reranker`](Self::for_reranker).
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState};
///
/// let manager =
///     ModelManager::new(ModelSource::Bundled, LoadOptions::default(), ManagerOptions::default());
/// assert_eq!(manager.state(), ModelState::Unloaded);
/// let model = manager.lease()?;
/// let vector = model.embed_query("what did we decide about caching?")?;
/// assert_eq!((vector.len(), manager.stats().loads), (model.dimensions(), 1));
/// drop(model);
/// manager.unload();
/// assert_eq!(manager.state(), ModelState::Unloaded);
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub struct ModelManager<M: Managed + ?Sized = dyn Embedder> {
    pub(super) lifecycle: Arc<Lifecycle<M>>,
    reaper: Mutex<Option<Reaper<M>>>,
}

impl ModelManager {
    /// A manager of the model that [`load`] makes of `source`. Loads nothing yet.
    ///
    /// ```
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// assert_eq!(manager.stats().loads, 0);
    /// ```
    pub fn new(source: ModelSource, load_options: LoadOptions, options: ManagerOptions) -> Self {
        let name = source.to_string();
        Self::with_loader(name, move || load(&source, &load_options), options)
    }

    /// A manager of any model: `loader` makes it, and is called again after each unload. `name` appears in
    /// events.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::sync::Arc;
    /// use rekall_model::{Embedder, LoadOptions, ManagerOptions, ModelManager, StaticEmbedder};
    ///
    /// let loader = || Ok(Arc::new(StaticEmbedder::bundled(&LoadOptions::new())?) as Arc<dyn Embedder>);
    /// let manager = ModelManager::with_loader("my model", loader, ManagerOptions::new());
    /// assert_eq!(manager.lease()?.memory_bytes(), 0, "the built-in model lies in the executable");
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn with_loader(
        name: impl Into<String>,
        loader: impl Fn() -> Result<Arc<dyn Embedder>, Error> + Send + Sync + 'static,
        options: ManagerOptions,
    ) -> Self {
        Self::made(name.into(), Box::new(loader), options)
    }

    /// The fingerprint of the model last loaded, also after it was unloaded; `None` before the first load.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// assert_eq!(manager.fingerprint(), None);
    /// drop(manager.lease()?);
    /// manager.unload();
    /// assert!(manager.fingerprint().is_some());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        lock(&self.lifecycle.record).fingerprint.clone()
    }
}

impl ModelManager<dyn Reranker> {
    /// A manager of the reranker that [`load_reranker`] makes of `source`. Loads nothing yet.
    ///
    /// ```no_run
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager};
    ///
    /// let source = "hub:cross-encoder/ms-marco-MiniLM-L6-v2".parse()?;
    /// let manager = ModelManager::for_reranker(source, LoadOptions::new(), ManagerOptions::new());
    /// let scores = manager.lease()?.scores("why is it slow?", &["the disk is full", "a recipe for bread"])?;
    /// assert!(scores[0] > scores[1]);
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn for_reranker(source: ModelSource, load_options: LoadOptions, options: ManagerOptions) -> Self {
        let name = source.to_string();
        Self::with_reranker_loader(name, move || load_reranker(&source, &load_options), options)
    }

    /// A manager of any reranker: `loader` makes it, and is called again after each unload. `name` appears in
    /// events.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rekall_model::{Error, ManagerOptions, ModelManager, Reranker};
    ///
    /// /// Prefers short passages.
    /// struct Short;
    ///
    /// impl Reranker for Short {
    ///     fn model(&self) -> &str {
    ///         "short"
    ///     }
    ///     fn max_tokens(&self) -> Option<usize> {
    ///         None
    ///     }
    ///     fn scores(&self, _: &str, passages: &[&str]) -> Result<Vec<f32>, Error> {
    ///         Ok(passages.iter().map(|passage| -(passage.len() as f32)).collect())
    ///     }
    ///     fn memory_bytes(&self) -> usize {
    ///         0
    ///     }
    /// }
    ///
    /// let loader = || Ok(Arc::new(Short) as Arc<dyn Reranker>);
    /// let manager = ModelManager::with_reranker_loader("short", loader, ManagerOptions::new());
    /// assert_eq!(manager.lease()?.scores("", &["a", "bc"])?, [-1.0, -2.0]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn with_reranker_loader(
        name: impl Into<String>,
        loader: impl Fn() -> Result<Arc<dyn Reranker>, Error> + Send + Sync + 'static,
        options: ManagerOptions,
    ) -> Self {
        Self::made(name.into(), Box::new(loader), options)
    }
}

impl<M: Managed + ?Sized> ModelManager<M> {
    fn made(source: String, loader: Loader<M>, options: ManagerOptions) -> Self {
        let lifecycle = Lifecycle {
            source,
            loader,
            options,
            slot: Slot::new(),
            record: Mutex::default(),
            loads: AtomicU64::new(0),
            failed_loads: AtomicU64::new(0),
            unloads: AtomicU64::new(0),
            wake: WakeSignal::default(),
        };
        Self { lifecycle: Arc::new(lifecycle), reaper: Mutex::new(None) }
    }

    /// Leases the model, and loads it if necessary.
    ///
    /// # Errors
    /// [`Error::Load`] with the loader's error, for the caller that loaded it and for all that waited.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// let model = manager.lease()?;
    /// let vector = model.embed_query("what did we decide about caching?")?;
    /// assert_eq!(vector.len(), model.dimensions());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn lease(&self) -> Result<ModelLease<M>, Error> {
        self.lease_with(&LeaseOptions::default())
    }

    /// As [`lease`](Self::lease), with options for this call.
    ///
    /// # Errors
    /// As [`lease`](Self::lease).
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{KeepAlive, LeaseOptions, LoadOptions, ManagerOptions, ModelManager};
    /// use rekall_model::{ModelSource, ModelState};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// // A rare batch job: unload the model as soon as it is done.
    /// let once = LeaseOptions::new().keep_alive(KeepAlive::Unload);
    /// drop(manager.lease_with(&once)?);
    /// assert_eq!(manager.state(), ModelState::Unloaded);
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn lease_with(&self, options: &LeaseOptions<'_>) -> Result<ModelLease<M>, Error> {
        self.lifecycle.acquire(options)
    }

    /// Leases the model if it is in memory; never loads or waits.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// assert!(manager.lease_if_ready().is_none());
    /// drop(manager.lease()?);
    /// assert!(manager.lease_if_ready().is_some());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn lease_if_ready(&self) -> Option<ModelLease<M>> {
        let model = self.lifecycle.slot.enter_if_ready()?;
        Some(self.lifecycle.leased(model, &LeaseOptions::default()))
    }

    /// Drops the model now, or, if it is in use or being loaded, when the last lease ends.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource, UnloadOutcome};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// assert_eq!(manager.unload(), UnloadOutcome::NotLoaded);
    /// let model = manager.lease()?;
    /// assert_eq!(manager.unload(), UnloadOutcome::Pending { leases: 1 });
    /// assert!(model.embed_query("cache").is_ok(), "a leased model stays usable");
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn unload(&self) -> UnloadOutcome {
        match self.lifecycle.slot.remove() {
            Removal::Taken(model) => UnloadOutcome::Done { bytes: self.lifecycle.drop_model(model) },
            Removal::InUse(leases) => UnloadOutcome::Pending { leases },
            Removal::Empty => UnloadOutcome::NotLoaded,
        }
    }

    /// Restarts the idle time, as if a lease had just ended. Loads nothing.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::time::Duration;
    /// use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let minute = Duration::from_secs(60);
    /// let options = ManagerOptions::new().keep_alive(KeepAlive::For(minute));
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), options);
    /// drop(manager.lease()?);
    /// let before = manager.next_deadline();
    /// manager.touch();
    /// assert!(manager.next_deadline() >= before);
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn touch(&self) {
        self.lifecycle.slot.touch(self.lifecycle.options.clock.now());
        self.lifecycle.wake.notify();
    }

    /// Drops the model if its idle time is over at `now`, and returns the bytes it held; `None` if nothing
    /// was dropped.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::time::{Duration, Instant};
    /// use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let minute = Duration::from_secs(60);
    /// let options = ManagerOptions::new().keep_alive(KeepAlive::For(minute));
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), options);
    /// drop(manager.lease()?);
    /// assert_eq!(manager.unload_if_idle(Instant::now()), None, "the minute is not over");
    /// assert!(manager.unload_if_idle(Instant::now() + minute).is_some());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        self.lifecycle.unload_if_idle(now)
    }

    /// When [`unload_if_idle`](Self::unload_if_idle) will next drop the model; `None` while the
    /// model is unloaded, in use, or kept forever.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::time::Duration;
    /// use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let minute = Duration::from_secs(60);
    /// let options = ManagerOptions::new().keep_alive(KeepAlive::For(minute));
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), options);
    /// assert_eq!(manager.next_deadline(), None);
    /// drop(manager.lease()?);
    /// // An event loop sleeps until then at the latest.
    /// assert!(manager.next_deadline().is_some());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn next_deadline(&self) -> Option<Instant> {
        self.lifecycle.next_deadline()
    }

    /// Starts a thread that unloads the model when its idle time is over. It sleeps until the next deadline,
    /// and is stopped and joined when the manager is dropped. A second call does nothing.
    ///
    /// The thread sleeps in real time: with a clock of your own, call
    /// [`unload_if_idle`](Self::unload_if_idle) instead.
    ///
    /// # Errors
    /// [`Error::Compute`] if the operating system refuses a thread.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::time::Duration;
    /// use rekall_model::{KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let minute = Duration::from_secs(60);
    /// let options = ManagerOptions::new().keep_alive(KeepAlive::For(minute));
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), options);
    /// manager.start_reaper()?;
    /// drop(manager.lease()?);
    /// // A minute after the last lease the thread unloads the model. It ends with the manager.
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn start_reaper(&self) -> Result<(), Error> {
        let mut reaper = lock(&self.reaper);
        if reaper.is_none() {
            *reaper = Some(Reaper::start(&self.lifecycle)?);
        }
        Ok(())
    }

    /// The state now.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// assert_eq!(manager.state(), ModelState::Unloaded);
    /// drop(manager.lease()?);
    /// assert_eq!(manager.state(), ModelState::Ready);
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn state(&self) -> ModelState {
        self.lifecycle.state().0
    }

    /// Why the last load failed; `None` once one has succeeded or begun, and before the first.
    ///
    /// ```
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let source = ModelSource::Path("no/such/folder".into());
    /// let manager = ModelManager::new(source, LoadOptions::new(), ManagerOptions::new());
    /// assert!(manager.last_failure().is_none());
    /// assert!(manager.lease().is_err());
    /// assert!(manager.last_failure().is_some_and(|error| error.is_permanent()));
    /// ```
    pub fn last_failure(&self) -> Option<Arc<Error>> {
        lock(&self.lifecycle.record).failure.clone()
    }

    /// Counts, times and bytes.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
    ///
    /// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
    /// let lease = manager.lease()?;
    /// let stats = manager.stats();
    /// assert_eq!((stats.loads, stats.leases, stats.idle), (1, 1, None));
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn stats(&self) -> ManagerStats {
        let lifecycle = &self.lifecycle;
        let (state, leases, idle) = lifecycle.state();
        let record = lock(&lifecycle.record);
        ManagerStats {
            state,
            leases,
            loads: lifecycle.loads.load(Ordering::Relaxed),
            failed_loads: lifecycle.failed_loads.load(Ordering::Relaxed),
            unloads: lifecycle.unloads.load(Ordering::Relaxed),
            last_load: record.last_load,
            idle: idle.map(|(since, _)| lifecycle.options.clock.now().saturating_duration_since(since)),
            bytes: if state == ModelState::Ready { record.bytes } else { 0 },
        }
    }
}

impl<M: Managed + ?Sized> fmt::Debug for ModelManager<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelManager")
            .field("source", &self.lifecycle.source)
            .field("stats", &self.stats())
            .finish()
    }
}
