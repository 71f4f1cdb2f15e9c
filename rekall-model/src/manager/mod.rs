//! A model's life: loaded late, once, held while used, let go when idle.

mod clock;
mod events;
#[cfg(test)]
mod model_check;
mod options;
mod reaper;
mod slot;
mod sync;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

pub use clock::{Clock, SystemClock};
pub use events::{ManagerStats, ModelEvent, ModelState, Unload};
pub use options::{EventObserver, KeepAlive, LeaseOptions, ManagerOptions};

use self::reaper::Reaper;
use self::slot::{Entry, Occupancy, Removal, Slot};
use crate::memory::release_memory;
use crate::{Embedder, Error, Fingerprint, LoadOptions, ModelSource, load};

type Loader = Box<dyn Fn() -> Result<Arc<dyn Embedder>, Error> + Send + Sync>;
type ModelSlot = Slot<Arc<dyn Embedder>, Instant, KeepAlive>;

/// Owns at most one instance of a model and lends it out.
///
/// The first [`lease`](Self::lease) loads it, on the caller's thread; others that come meanwhile wait for that
/// load and share its outcome. A leased model is never unloaded. Once the last lease has ended and
/// the [`KeepAlive`] has passed, [`unload_if_idle`](Self::unload_if_idle) drops it: call that from an
/// event loop at [`next_deadline`](Self::next_deadline), or let a thread do so
/// ([`start_reaper`](Self::start_reaper)). No thread runs unless asked for.
///
/// Leasing a loaded model costs a lock and a reference count, well under a microsecond.
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState};
///
/// let manager =
///     ModelManager::new(ModelSource::Bundled, LoadOptions::default(), ManagerOptions::default());
/// assert_eq!(manager.state(), ModelState::Unloaded);
/// let vector = manager.lease()?.embed_query("what did we decide about caching?")?;
/// assert_eq!((vector.len(), manager.stats().loads), (256, 1));
/// manager.unload();
/// assert_eq!(manager.state(), ModelState::Unloaded);
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub struct ModelManager {
    inner: Arc<Inner>,
    reaper: Mutex<Option<Reaper>>,
}

struct Inner {
    source: String,
    loader: Loader,
    options: ManagerOptions,
    slot: ModelSlot,
    record: Mutex<Record>,
    loads: AtomicU64,
    failed_loads: AtomicU64,
    unloads: AtomicU64,
    /// Wakes the reaper when the next deadline may have changed.
    bell: reaper::Bell,
}

/// What outlives a load.
#[derive(Default)]
struct Record {
    last_load: Option<Duration>,
    /// Heap of the model now in memory.
    bytes: usize,
    fingerprint: Option<Fingerprint>,
    /// Why the last load failed, for those who waited for it.
    failure: Option<Arc<Error>>,
}

impl ModelManager {
    /// A manager of the model that [`load`] makes of `source`. Loads nothing yet.
    pub fn new(source: ModelSource, load_options: LoadOptions, options: ManagerOptions) -> Self {
        let name = source.to_string();
        Self::with_loader(name, move || load(&source, &load_options), options)
    }

    /// A manager of any model: `loader` makes it, and is called again after each unload. `name`
    /// stands in events.
    pub fn with_loader(
        name: impl Into<String>,
        loader: impl Fn() -> Result<Arc<dyn Embedder>, Error> + Send + Sync + 'static,
        options: ManagerOptions,
    ) -> Self {
        let inner = Inner {
            source: name.into(),
            loader: Box::new(loader),
            options,
            slot: Slot::new(),
            record: Mutex::default(),
            loads: AtomicU64::new(0),
            failed_loads: AtomicU64::new(0),
            unloads: AtomicU64::new(0),
            bell: reaper::Bell::default(),
        };
        Self { inner: Arc::new(inner), reaper: Mutex::new(None) }
    }

    /// The model, loaded if need be.
    ///
    /// # Errors
    /// [`Error::Load`] with the loader's error, for the caller that loaded and for all who waited.
    pub fn lease(&self) -> Result<ModelLease, Error> {
        self.lease_with(&LeaseOptions::default())
    }

    /// As [`lease`](Self::lease), with this call's own wishes.
    ///
    /// # Errors
    /// As [`lease`](Self::lease).
    pub fn lease_with(&self, options: &LeaseOptions<'_>) -> Result<ModelLease, Error> {
        self.inner.acquire(options)
    }

    /// The model if it is in memory; never loads or waits.
    pub fn lease_if_ready(&self) -> Option<ModelLease> {
        let model = self.inner.slot.enter_if_ready()?;
        Some(self.inner.leased(model, &LeaseOptions::default()))
    }

    /// Drops the model now, or, if it is in use or being loaded, when the last lease ends.
    pub fn unload(&self) -> Unload {
        match self.inner.slot.remove() {
            Removal::Taken(model) => Unload::Done { bytes: self.inner.drop_model(model) },
            Removal::InUse(leases) => Unload::Pending { leases },
            Removal::Empty => Unload::NotLoaded,
        }
    }

    /// Restarts the idle time, as if a lease had just ended. Loads nothing.
    pub fn touch(&self) {
        self.inner.slot.touch(self.inner.options.clock.now());
        self.inner.bell.ring();
    }

    /// Drops the model if its idle time is over at `now`; returns the bytes it held.
    pub fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        self.inner.unload_if_idle(now)
    }

    /// When [`unload_if_idle`](Self::unload_if_idle) will next have something to do; `None` while the
    /// model is unloaded, in use, or kept forever.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.inner.next_deadline()
    }

    /// Starts a thread that unloads the idle model in time. It sleeps until the next deadline, and
    /// is stopped and joined when the manager is dropped. A second call does nothing.
    ///
    /// The thread sleeps in real time: with a clock of your own, call
    /// [`unload_if_idle`](Self::unload_if_idle) instead.
    ///
    /// # Errors
    /// [`Error::Compute`] if the operating system gives no thread.
    pub fn start_reaper(&self) -> Result<(), Error> {
        let mut reaper = lock(&self.reaper);
        if reaper.is_none() {
            *reaper = Some(Reaper::start(&self.inner)?);
        }
        Ok(())
    }

    /// The state now.
    pub fn state(&self) -> ModelState {
        self.inner.state().0
    }

    /// The fingerprint of the model last loaded, also after it was unloaded; `None` before.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        lock(&self.inner.record).fingerprint.clone()
    }

    /// Counts, times and bytes.
    pub fn stats(&self) -> ManagerStats {
        let inner = &self.inner;
        let (state, leases, idle) = inner.state();
        let record = lock(&inner.record);
        ManagerStats {
            state,
            leases,
            loads: inner.loads.load(Ordering::Relaxed),
            failed_loads: inner.failed_loads.load(Ordering::Relaxed),
            unloads: inner.unloads.load(Ordering::Relaxed),
            last_load: record.last_load,
            idle: idle.map(|(since, _)| inner.options.clock.now().saturating_duration_since(since)),
            bytes: if state == ModelState::Ready { record.bytes } else { 0 },
        }
    }
}

impl fmt::Debug for ModelManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelManager")
            .field("source", &self.inner.source)
            .field("stats", &self.stats())
            .finish()
    }
}

impl Inner {
    /// The lease of a model that the slot counts as leased. To be made before any observer is told, as one may panic.
    fn leased(self: &Arc<Self>, model: Arc<Arc<dyn Embedder>>, options: &LeaseOptions<'_>) -> ModelLease {
        let keep_alive = options.keep_alive.unwrap_or(self.options.keep_alive);
        ModelLease { model: Some(model), keep_alive, inner: Arc::clone(self) }
    }

    fn acquire(self: &Arc<Self>, options: &LeaseOptions<'_>) -> Result<ModelLease, Error> {
        let tell = |event: &ModelEvent<'_>| {
            if let Some(observer) = options.observer {
                observer(event);
            }
        };
        let source = &self.source;
        let start = self.options.clock.now();
        let mut told = false;
        loop {
            let round = match self.slot.enter() {
                Entry::Ready(model) => return Ok(self.leased(model, options)),
                Entry::MustLoad => {
                    // If the loader or an observer panics, the others must not wait forever.
                    let turn = Turn { inner: self, over: false };
                    if !told {
                        tell(&ModelEvent::Loading { source });
                    }
                    let (lease, elapsed, bytes) = self.load_now(turn, options, &tell)?;
                    let event = ModelEvent::Loaded { source, elapsed, bytes };
                    self.observe(&event);
                    tell(&event);
                    return Ok(lease);
                }
                Entry::Loading(round) => round,
            };
            if !told {
                told = true;
                tell(&ModelEvent::Loading { source });
            }
            if let Some(model) = self.slot.wait(round) {
                let lease = self.leased(model, options);
                let elapsed = self.options.clock.now().saturating_duration_since(start);
                tell(&ModelEvent::Loaded { source, elapsed, bytes: lease.memory_bytes() });
                return Ok(lease);
            }
            // Either that load failed, or its model was dropped before this thread woke: then the
            // next round begins.
            if let Some(failure) = lock(&self.record).failure.clone() {
                let error = Error::Load { source: failure };
                tell(&ModelEvent::LoadFailed { source, error: &error });
                return Err(error);
            }
        }
    }

    /// The one load: this thread was told to do it. The model, how long it took, and its bytes; that all went well is
    /// for the caller to tell.
    fn load_now(
        self: &Arc<Self>,
        turn: Turn<'_>,
        options: &LeaseOptions<'_>,
        tell: &dyn Fn(&ModelEvent<'_>),
    ) -> Result<(ModelLease, Duration, usize), Error> {
        let source = &self.source;
        lock(&self.record).failure = None;
        self.observe(&ModelEvent::Loading { source });
        tracing::debug!(%source, "loading model");
        let start = self.options.clock.now();
        let outcome = (self.loader)();
        let elapsed = self.options.clock.now().saturating_duration_since(start);
        match outcome {
            Ok(model) => {
                let bytes = model.memory_bytes();
                {
                    let mut record = lock(&self.record);
                    record.last_load = Some(elapsed);
                    record.bytes = bytes;
                    record.fingerprint = Some(model.fingerprint().clone());
                }
                self.loads.fetch_add(1, Ordering::Relaxed);
                let model = Arc::new(model);
                turn.succeed(Arc::clone(&model));
                let lease = self.leased(model, options);
                tracing::debug!(%source, ?elapsed, bytes, "model loaded");
                Ok((lease, elapsed, bytes))
            }
            Err(error) => {
                let error = Arc::new(error);
                turn.fail(Arc::clone(&error));
                tracing::debug!(%source, %error, "model failed to load");
                let error = Error::Load { source: error };
                let event = ModelEvent::LoadFailed { source, error: &error };
                self.observe(&event);
                tell(&event);
                Err(error)
            }
        }
    }

    fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        let expired = |since: Instant, keep| match keep {
            KeepAlive::For(time) => now.saturating_duration_since(since) >= time,
            KeepAlive::Forever => false,
            KeepAlive::Unload => true,
        };
        self.slot.take_if_idle(expired).map(|model| self.drop_model(model))
    }

    fn next_deadline(&self) -> Option<Instant> {
        let (_, _, idle) = self.slot.look();
        match idle? {
            (since, KeepAlive::For(time)) => since.checked_add(time),
            (since, KeepAlive::Unload) => Some(since),
            (_, KeepAlive::Forever) => None,
        }
    }

    /// Drops a model that was taken out of the slot; returns the bytes it held.
    fn drop_model(&self, model: Arc<Arc<dyn Embedder>>) -> usize {
        let bytes = model.memory_bytes();
        let leaving = Leaving(&self.slot);
        drop(model);
        drop(leaving);
        self.unloads.fetch_add(1, Ordering::Relaxed);
        let released = self.options.release_memory.then(release_memory);
        let source = &self.source;
        tracing::debug!(%source, bytes, ?released, "model unloaded");
        self.observe(&ModelEvent::Unloaded { source, bytes, released });
        bytes
    }

    fn state(&self) -> (ModelState, usize, Option<(Instant, KeepAlive)>) {
        let (occupancy, leases, idle) = self.slot.look();
        let state = match occupancy {
            Occupancy::Empty => ModelState::Unloaded,
            Occupancy::Loading => ModelState::Loading,
            Occupancy::Ready => ModelState::Ready,
        };
        (state, leases, idle)
    }

    fn observe(&self, event: &ModelEvent<'_>) {
        if let Some(observer) = &self.options.observer {
            observer(event);
        }
    }
}

/// Opens the slot again once the model is dropped, also if its destructor panics.
struct Leaving<'a>(&'a ModelSlot);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.gone();
    }
}

/// The duty to end a load, one way or another.
struct Turn<'a> {
    inner: &'a Inner,
    over: bool,
}

impl Turn<'_> {
    fn succeed(mut self, model: Arc<Arc<dyn Embedder>>) {
        self.over = true;
        self.inner.slot.loaded(model);
    }

    fn fail(mut self, error: Arc<Error>) {
        self.over = true;
        self.end_with(error);
    }

    fn end_with(&self, error: Arc<Error>) {
        self.inner.failed_loads.fetch_add(1, Ordering::Relaxed);
        lock(&self.inner.record).failure = Some(error);
        self.inner.slot.failed();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.end_with(Arc::new(Error::Compute { reason: "the loader or an observer panicked".into() }));
        }
    }
}

/// The right to use a loaded model; dereferences to it. Dropping it ends the use.
pub struct ModelLease {
    /// `None` only while being dropped.
    model: Option<Arc<Arc<dyn Embedder>>>,
    keep_alive: KeepAlive,
    inner: Arc<Inner>,
}

impl Deref for ModelLease {
    type Target = dyn Embedder;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &(dyn Embedder + 'static) {
        &***self.model.as_ref().expect("a lease holds its model until it is dropped")
    }
}

impl Drop for ModelLease {
    fn drop(&mut self) {
        // First let go of the model, then say so: whoever takes it out then holds the last one.
        self.model = None;
        let now = self.inner.options.clock.now();
        let at_once = self.keep_alive == KeepAlive::Unload;
        if let Some(model) = self.inner.slot.release(now, self.keep_alive, at_once) {
            let inner = &self.inner;
            let drop_it = AssertUnwindSafe(|| inner.drop_model(model));
            if std::thread::panicking() {
                // A second panic, an observer's, would end the process; the first is on its way already.
                drop(catch_unwind(drop_it));
            } else {
                drop_it();
            }
        }
        self.inner.bell.ring();
    }
}

impl fmt::Debug for ModelLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelLease").field("source", &self.inner.source).finish_non_exhaustive()
    }
}

/// Nothing panics while such a lock is held, so poison carries no news.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
