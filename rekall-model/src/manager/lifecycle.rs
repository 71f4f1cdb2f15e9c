//! The life of the one instance: who loads it, who waits, who drops it.

use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::events::{ModelEvent, ModelState};
use super::managed::Managed;
use super::options::{KeepAlive, LeaseOptions, ManagerOptions};
use super::slot::{Entry, Occupancy, Slot};
use super::sync::lock;
use super::wake::WakeSignal;
use crate::memory::release_memory;
use crate::{Embedder, Error, Fingerprint};

pub(super) type Loader<M> = Box<dyn Fn() -> Result<Arc<M>, Error> + Send + Sync>;
type ModelSlot<M> = Slot<Arc<M>, Instant, KeepAlive>;

/// What a manager, its leases and its reaper share.
pub(super) struct Lifecycle<M: Managed + ?Sized> {
    pub(super) source: String,
    pub(super) loader: Loader<M>,
    pub(super) options: ManagerOptions,
    pub(super) slot: ModelSlot<M>,
    pub(super) record: Mutex<LoadRecord>,
    pub(super) loads: AtomicU64,
    pub(super) failed_loads: AtomicU64,
    pub(super) unloads: AtomicU64,
    /// Wakes the reaper when the next deadline may have changed.
    pub(super) wake: WakeSignal,
}

/// What outlives a load.
#[derive(Default)]
pub(super) struct LoadRecord {
    pub(super) last_load: Option<Duration>,
    /// Heap of the model now in memory.
    pub(super) bytes: usize,
    pub(super) fingerprint: Option<Fingerprint>,
    /// Why the last load failed, for the callers that waited for it.
    pub(super) failure: Option<Arc<Error>>,
}

impl<M: Managed + ?Sized> Lifecycle<M> {
    /// The lease of a model that the slot counts as leased. Call it before any observer, because an observer
    /// may panic.
    pub(super) fn leased(self: &Arc<Self>, model: Arc<Arc<M>>, options: &LeaseOptions<'_>) -> ModelLease<M> {
        let keep_alive = options.keep_alive.unwrap_or(self.options.keep_alive);
        ModelLease { model: Some(model), keep_alive, lifecycle: Arc::clone(self) }
    }

    pub(super) fn acquire(self: &Arc<Self>, options: &LeaseOptions<'_>) -> Result<ModelLease<M>, Error> {
        let notify_caller = |event: &ModelEvent<'_>| {
            if let Some(observer) = options.observer {
                observer(event);
            }
        };
        let source = &self.source;
        let start = self.options.clock.now();
        let mut notified = false;
        loop {
            let round = match self.slot.enter() {
                Entry::Ready(model) => return Ok(self.leased(model, options)),
                Entry::MustLoad => {
                    // If the loader or an observer panics, the other callers must not wait forever.
                    let guard = LoadGuard { lifecycle: self, over: false };
                    if !notified {
                        notify_caller(&ModelEvent::Loading { source });
                    }
                    let (lease, elapsed, bytes) = self.load_now(guard, options, &notify_caller)?;
                    let event = ModelEvent::Loaded { source, elapsed, bytes };
                    self.observe(&event);
                    notify_caller(&event);
                    return Ok(lease);
                }
                Entry::Loading(round) => round,
            };
            if !notified {
                notified = true;
                notify_caller(&ModelEvent::Loading { source });
            }
            if let Some(model) = self.slot.wait(round) {
                let lease = self.leased(model, options);
                let elapsed = self.options.clock.now().saturating_duration_since(start);
                notify_caller(&ModelEvent::Loaded { source, elapsed, bytes: lease.heap_bytes() });
                return Ok(lease);
            }
            // Either that load failed, or its model was dropped before this thread woke. In the second case
            // the next round begins.
            if let Some(failure) = lock(&self.record).failure.clone() {
                let error = Error::Load { source: failure };
                notify_caller(&ModelEvent::LoadFailed { source, error: &error });
                return Err(error);
            }
        }
    }

    /// Loads the model on this thread. Returns the lease, the time it took, and the model's bytes; the caller
    /// reports success.
    fn load_now(
        self: &Arc<Self>,
        guard: LoadGuard<'_, M>,
        options: &LeaseOptions<'_>,
        notify_caller: &dyn Fn(&ModelEvent<'_>),
    ) -> Result<(ModelLease<M>, Duration, usize), Error> {
        let source = &self.source;
        lock(&self.record).failure = None;
        self.observe(&ModelEvent::Loading { source });
        tracing::debug!(%source, "loading model");
        let start = self.options.clock.now();
        let outcome = (self.loader)();
        let elapsed = self.options.clock.now().saturating_duration_since(start);
        match outcome {
            Ok(model) => {
                let bytes = model.heap_bytes();
                {
                    let mut record = lock(&self.record);
                    record.last_load = Some(elapsed);
                    record.bytes = bytes;
                    record.fingerprint = model.space().cloned();
                }
                self.loads.fetch_add(1, Ordering::Relaxed);
                let model = Arc::new(model);
                guard.succeed(Arc::clone(&model));
                let lease = self.leased(model, options);
                tracing::debug!(%source, ?elapsed, bytes, "model loaded");
                Ok((lease, elapsed, bytes))
            }
            Err(error) => {
                let error = Arc::new(error);
                guard.fail(Arc::clone(&error));
                tracing::debug!(%source, %error, "model failed to load");
                let error = Error::Load { source: error };
                let event = ModelEvent::LoadFailed { source, error: &error };
                self.observe(&event);
                notify_caller(&event);
                Err(error)
            }
        }
    }

    pub(super) fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        let expired = |model: &Arc<M>, since: &mut Instant, keep| match keep {
            KeepAlive::For(time) => {
                // A model that is shared is in use as long as any process uses it.
                *since = model.used_elsewhere().map_or(*since, |used| used.max(*since));
                now.saturating_duration_since(*since) >= time
            }
            KeepAlive::Forever => false,
            KeepAlive::Unload => true,
        };
        self.slot.take_if_idle(expired).map(|model| self.drop_model(model))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let (_, _, idle) = self.slot.snapshot();
        match idle? {
            (since, KeepAlive::For(time)) => since.checked_add(time),
            (since, KeepAlive::Unload) => Some(since),
            (_, KeepAlive::Forever) => None,
        }
    }

    /// Drops a model that was taken out of the slot; returns the bytes it held.
    pub(super) fn drop_model(&self, model: Arc<Arc<M>>) -> usize {
        let bytes = model.heap_bytes();
        let guard = DropGuard(&self.slot);
        drop(model);
        drop(guard);
        self.unloads.fetch_add(1, Ordering::Relaxed);
        let released = self.options.release_memory.then(release_memory);
        let source = &self.source;
        tracing::debug!(%source, bytes, ?released, "model unloaded");
        self.observe(&ModelEvent::Unloaded { source, bytes, released });
        bytes
    }

    pub(super) fn state(&self) -> (ModelState, usize, Option<(Instant, KeepAlive)>) {
        let (occupancy, leases, idle) = self.slot.snapshot();
        let state = match occupancy {
            Occupancy::Empty => ModelState::Unloaded,
            Occupancy::Loading => ModelState::Loading,
            Occupancy::Ready => ModelState::Ready,
        };
        (state, leases, idle)
    }

    pub(super) fn observe(&self, event: &ModelEvent<'_>) {
        if let Some(observer) = &self.options.observer {
            observer(event);
        }
    }
}

/// Frees the slot once the model is dropped, also if its destructor panics.
struct DropGuard<'a, M: ?Sized>(&'a ModelSlot<M>);

impl<M: ?Sized> Drop for DropGuard<'_, M> {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

/// Ends a load exactly once, also if the loader panics.
struct LoadGuard<'a, M: Managed + ?Sized> {
    lifecycle: &'a Lifecycle<M>,
    over: bool,
}

impl<M: Managed + ?Sized> LoadGuard<'_, M> {
    fn succeed(mut self, model: Arc<Arc<M>>) {
        self.over = true;
        self.lifecycle.slot.loaded(model);
    }

    fn fail(mut self, error: Arc<Error>) {
        self.over = true;
        self.end_with(error);
    }

    fn end_with(&self, error: Arc<Error>) {
        self.lifecycle.failed_loads.fetch_add(1, Ordering::Relaxed);
        lock(&self.lifecycle.record).failure = Some(error);
        self.lifecycle.slot.failed();
    }
}

impl<M: Managed + ?Sized> Drop for LoadGuard<'_, M> {
    fn drop(&mut self) {
        if !self.over {
            self.end_with(Arc::new(Error::Compute { reason: "the loader or an observer panicked".into() }));
        }
    }
}

/// The right to use a loaded model; dereferences to it: an [`Embedder`], or a [`Reranker`](crate::Reranker).
/// Dropping it ends the use.
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use rekall_model::{LoadOptions, ManagerOptions, ModelManager, ModelSource};
///
/// let manager = ModelManager::new(ModelSource::Bundled, LoadOptions::new(), ManagerOptions::new());
/// let lease = manager.lease()?;
/// assert_eq!(manager.stats().leases, 1);
/// let vector = lease.embed_query("which server is down?")?;
/// drop(lease);
/// assert_eq!(manager.stats().leases, 0);
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub struct ModelLease<M: Managed + ?Sized = dyn Embedder> {
    /// `None` only while being dropped.
    model: Option<Arc<Arc<M>>>,
    keep_alive: KeepAlive,
    lifecycle: Arc<Lifecycle<M>>,
}

impl<M: Managed + ?Sized> Deref for ModelLease<M> {
    type Target = M;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &M {
        self.model.as_ref().expect("a lease holds its model until it is dropped")
    }
}

impl<M: Managed + ?Sized> Drop for ModelLease<M> {
    fn drop(&mut self) {
        // Release this reference before the lease is counted as ended: the thread that then takes the model
        // out holds the last one.
        self.model = None;
        let now = self.lifecycle.options.clock.now();
        let at_once = self.keep_alive == KeepAlive::Unload;
        if let Some(model) = self.lifecycle.slot.release(now, self.keep_alive, at_once) {
            let lifecycle = &self.lifecycle;
            let drop_it = AssertUnwindSafe(|| lifecycle.drop_model(model));
            if std::thread::panicking() {
                // A second panic, from an observer, would abort the process.
                drop(catch_unwind(drop_it));
            } else {
                drop_it();
            }
        }
        self.lifecycle.wake.notify();
    }
}

impl<M: Managed + ?Sized> fmt::Debug for ModelLease<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelLease").field("source", &self.lifecycle.source).finish_non_exhaustive()
    }
}
