//! Owner of the index: searches take its current view, and the first one that finds it behind the file brings it up to date.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use rekall_core::store::HitRows;
use rekall_core::{LogPosition, ReadTx, Store, VectorBatch, WriteTx};
use rekall_index::EntrySet;

use super::LOAD_BATCH;
use super::backend::{PersistOptions, Persisted};
use super::file::IndexFile;
use super::live::LiveIndex;
use super::persistence::{Persistence, Renewal, RenewalClock};
use super::read_along::ReadAlong;
use super::select;
use super::settings::IndexSettings;
use super::snapshot::{IndexView, Snapshot};
use crate::event::{Event, Events};
use crate::long_call::Watch;
use crate::{CancelToken, Error};

/// Dropping what is persisted, reading the rows, persisting.
const REBUILD_STAGES: usize = 3;

/// Changes of the log after which persisting is tried again when nothing came of it.
const RETRY_AFTER: i64 = 256;

/// Owner of the index of one open memory.
pub(crate) struct VectorIndexKeeper {
    pub(super) file: Arc<IndexFile>,
    events: Events,
    settings: IndexSettings,
    pub(super) persistence: Box<dyn Persistence>,
    renewal: RenewalClock,
    current: ArcSwapOption<IndexView>,
    /// Whether the last look at a store to which that is a round trip found that others have moved the log on since the current view was
    /// made.
    moved_on: AtomicBool,
    /// What the next view is made from, under a lock that searches need only when something changed.
    live: Mutex<Option<LiveIndex>>,
}

/// What the index takes.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) backend: Option<&'static str>,
    pub(crate) bytes: usize,
    /// Vectors in the file that it leaves out.
    pub(crate) unusable: usize,
}

impl VectorIndexKeeper {
    pub(crate) fn new(store: Arc<dyn Store>, events: Events, settings: IndexSettings) -> Self {
        Self {
            file: Arc::new(IndexFile::new(store)),
            events,
            settings,
            persistence: select::persistence_for(settings),
            renewal: RenewalClock::default(),
            current: ArcSwapOption::empty(),
            moved_on: AtomicBool::new(false),
            live: Mutex::default(),
        }
    }

    /// The view as of now.
    pub(crate) fn view(&self) -> Result<Arc<IndexView>, Error> {
        Ok(self.snapshot()?.view)
    }

    /// The view that was current last, without a look at the store; `None`: none was made yet.
    pub(crate) fn last_view(&self) -> Option<Arc<IndexView>> {
        self.current.load_full()
    }

    /// The view that was current last, where it pays to count on it: each look at the store is a round trip, and nothing is known of a
    /// change since.
    pub(crate) fn likely_view(&self) -> Option<Arc<IndexView>> {
        let store = &self.file.store;
        if !store.is_remote() || self.moved_on.load(Ordering::Relaxed) {
            return None;
        }
        let own = store.last_commit();
        let is_newer = |own: LogPosition, seen: LogPosition| {
            own.incarnation() == seen.incarnation() && own.number() > seen.number()
        };
        self.last_view().filter(|view| !own.is_some_and(|own| is_newer(own, view.position)))
    }

    /// A snapshot of this view that has what is wanted, and the vectors of it, which were read in the same round trip; `None`: the view is
    /// not the current one any more.
    pub(crate) fn snapshot_with(
        &self,
        view: &Arc<IndexView>,
        wanted: &HitRows<'_>,
        cancel: Option<&CancelToken>,
    ) -> Result<Option<(Snapshot<'_>, VectorBatch)>, Error> {
        let (tx, found) = self.file.store.read_with_hits(wanted, cancel.map(CancelToken::shared_flag))?;
        let moved_on = tx.position()? != view.position;
        self.moved_on.store(moved_on, Ordering::Relaxed);
        if moved_on {
            return Ok(None);
        }
        let along = ReadAlong::new(wanted, found.entries, found.spans);
        Ok(Some((Snapshot { view: Arc::clone(view), tx, by_rows: false, along }, found.vectors_at)))
    }

    /// The view as of now with a transaction at the very same position of the change log.
    ///
    /// When nothing changed this costs one look at the log's position, a few microseconds, and takes no lock.
    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Error> {
        self.stoppable_snapshot(None)
    }

    fn stoppable_snapshot(&self, cancel: Option<&CancelToken>) -> Result<Snapshot<'_>, Error> {
        // A look without the lock would be in vain.
        if self.current.load().is_some() && !self.moved_on.load(Ordering::Relaxed) {
            let tx = self.file.store.read()?;
            if let Some(view) = self.current.load_full() {
                let position = tx.position()?;
                if view.position == position {
                    return Ok(Snapshot { view, tx, by_rows: false, along: ReadAlong::default() });
                }
                let store = &self.file.store;
                let others = store.is_remote() && store.last_commit() != Some(position);
                self.moved_on.store(others, Ordering::Relaxed);
            }
        }
        let mut live = self.lock();
        // Under the lock nobody else moves the index on, so a transaction begun now is not older than it.
        let tx = self.file.store.read()?;
        let view = match self.current.load_full() {
            Some(view) if view.position == tx.position()? => {
                self.moved_on.store(false, Ordering::Relaxed);
                view
            }
            _ => self.catch_up(&mut live, &*tx, cancel)?,
        };
        Ok(Snapshot { view, tx, by_rows: false, along: ReadAlong::default() })
    }

    /// Follows the change log, or reads everything where that is not enough.
    fn catch_up(
        &self,
        slot: &mut Option<LiveIndex>,
        tx: &dyn ReadTx,
        cancel: Option<&CancelToken>,
    ) -> Result<Arc<IndexView>, Error> {
        // After an error the slot stays empty: what was half applied is never searched.
        let before = slot.take();
        let known_unusable = before.as_ref().map_or(0, LiveIndex::unusable_entries);
        let followed = match before {
            Some(live) => live.caught_up(tx)?,
            None => None,
        };
        let (mut live, loading_since) = match followed {
            Some(live) => (live, None),
            None => {
                // Everything may be another: the history of the file, its space, what is persisted.
                self.renewal.set(None);
                let started = Instant::now();
                (LiveIndex::load(&self.file, self.settings, tx, cancel)?, Some(started))
            }
        };
        let view = Arc::new(live.view()?);
        if let (Some(started), Some(search)) = (loading_since, &view.search) {
            self.events.send(&Event::IndexLoaded { rows: search.len(), elapsed: started.elapsed() });
        }
        self.publish(slot, live, Arc::clone(&view), known_unusable);
        Ok(view)
    }

    fn publish(
        &self,
        slot: &mut Option<LiveIndex>,
        live: LiveIndex,
        view: Arc<IndexView>,
        known_unusable: usize,
    ) {
        *slot = Some(live);
        if view.unusable > known_unusable {
            self.events.send(&Event::UnusableVectors { count: view.unusable });
        }
        self.current.store(Some(view));
    }

    /// Gives up a view that searches can no longer use. Usually the log has moved on and the next search makes another one
    /// anyhow; but what is persisted is also replaced without any change to the rows.
    pub(super) fn discard(&self, view: &Arc<IndexView>) {
        let mut live = self.lock();
        if self.is_current(view) {
            *live = None;
            self.current.store(None);
        }
    }

    /// Reads an entry's rows again, because one of those in the index can no longer be read from the file although no change
    /// of it was logged: what is left of the entry stays, and what cannot be used is reported as such. With `all` the rows of
    /// every entry of which that holds, found in one pass over the rows.
    pub(super) fn reread(&self, view: &Arc<IndexView>, entry: i64, all: bool) -> Result<(), Error> {
        let mut slot = self.lock();
        let tx = self.file.store.read()?;
        if !self.is_current(view) || tx.position()? != view.position {
            // Another thread was faster, or the file moved on: the search starts over with another view.
            return Ok(());
        }
        let (Some(mut live), Some(space)) = (slot.take(), &view.space) else { return Ok(()) };
        let known_unusable = live.unusable_entries();
        // Until it is whole again nobody may search it.
        self.current.store(None);
        let mut entries = EntrySet::from_iter([entry]);
        if all {
            tx.vectors(space, LOAD_BATCH, |batch| {
                entries.extend(batch.unusable.iter().map(|key| key.entry));
                Ok::<(), Error>(())
            })?;
        }
        let entries: Vec<i64> = entries.iter().collect();
        if live.refresh(&*tx, &entries)? {
            let view = Arc::new(live.view()?);
            self.publish(&mut slot, live, view, known_unusable);
        }
        Ok(())
    }

    fn is_current(&self, view: &Arc<IndexView>) -> bool {
        self.current.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, view))
    }

    /// Drops what is persisted, and persists what this backend uses.
    pub(crate) fn rebuild(&self, watch: &mut Watch<'_>) -> Result<(), Error> {
        let cancel = watch.token();
        let cancel = cancel.as_ref();
        let mut done = |stages| {
            watch.report(stages, REBUILD_STAGES);
            watch.check_cancelled()
        };
        done(0)?;
        self.clear();
        self.persistence.reset(&self.file, cancel)?;
        self.clear();
        done(1)?;
        // Told while no lock is held: the host's function may search.
        self.stoppable_snapshot(cancel)?;
        done(2)?;
        self.persist(PersistOptions { cancel, at_once: true })?;
        // Too late to be stopped.
        let _ = done(REBUILD_STAGES);
        Ok(())
    }

    /// Writes the index to the file for the next process, and says whether it did.
    fn persist(&self, options: PersistOptions<'_>) -> Result<bool, Error> {
        self.stoppable_snapshot(options.cancel)?;
        // The lock is not held while the file is written.
        let job = self.lock().as_ref().and_then(LiveIndex::persist);
        let Some(job) = job else { return Ok(false) };
        match job(options)? {
            Persisted::Not => Ok(false),
            Persisted::ForLater => Ok(true),
            Persisted::ForUse => {
                self.clear();
                Ok(true)
            }
        }
    }

    /// Before the commit of every write: a transaction that erases vectors erases all copies of them.
    pub(crate) fn before_commit(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        if tx.erases_vectors() { self.persistence.erase_copies(tx) } else { Ok(()) }
    }

    /// After a write: renews what is persisted when so much was written since that catching up would take long. Costs next to
    /// nothing when nothing is due.
    pub(crate) fn after_write(&self) {
        if let Err(error) = self.renew_if_due() {
            // The caller's write is done and stays so; only searches start more slowly.
            tracing::warn!(%error, "the index was not persisted");
        }
    }

    fn renew_if_due(&self) -> Result<(), Error> {
        let store = &self.file.store;
        let written_to = store.last_commit();
        // Rows are being read one by one: the log may be short, but what was written is not, or what is persisted is damaged.
        let is_slow = self.current.load().as_ref().is_some_and(|view| view.unindexed > 0);
        let must_look = is_slow || self.file.knows_damage() || store.deletes_securely();
        if !must_look && written_to.is_some_and(|position| !self.renewal.has_struck(position)) {
            return Ok(());
        }
        let retry = written_to.map(|at| at.later_by(RETRY_AFTER));
        match self.persistence.check(&self.file)? {
            Renewal::Never => {}
            Renewal::Done => {
                self.clear();
                self.renewal.set(None);
            }
            Renewal::NotBefore(next) if !is_slow => self.renewal.set(Some(next)),
            Renewal::NotBefore(_) | Renewal::Due => {
                let written = self.persist(PersistOptions { cancel: None, at_once: false })?;
                self.renewal.set(retry.filter(|_| !written));
            }
        }
        Ok(())
    }

    /// The index as it is, without bringing it up to date.
    pub(crate) fn usage(&self) -> Usage {
        self.current.load().as_ref().map_or(Usage::default(), |view| Usage {
            backend: view.backend,
            unusable: view.unusable,
            bytes: view.search.as_ref().map_or(0, |search| search.memory_bytes())
                + view.obsolete.memory_bytes()
                + view.expiring.memory_bytes(),
        })
    }

    /// Drops everything in memory; the next search reads it again.
    pub(crate) fn clear(&self) {
        let mut live = self.lock();
        *live = None;
        self.current.store(None);
    }

    fn lock(&self) -> MutexGuard<'_, Option<LiveIndex>> {
        self.live.lock().unwrap_or_else(|poisoned| {
            // A panic while the index was being changed: it is read again.
            self.live.clear_poison();
            let mut live = PoisonError::into_inner(poisoned);
            *live = None;
            live
        })
    }
}
