//! The vector index in memory: filled from the file, kept in step by the change log.

mod base;
#[cfg(test)]
mod conformance;
mod engine;
mod overlay;
mod persist;
mod scan;
mod source;
#[cfg(feature = "sqlite-vec")]
mod vec0;
mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use rekall_core::{ReadTx, Space, Store, VectorBatch};
use rekall_index::{EntrySet, Error as IndexError, Key, VectorSearch};

use crate::event::Events;
use crate::{CancelToken, Error, VectorBackend, Watch};
use persist::BadBlocks;
pub(crate) use scan::keep_best;
use writer::{Context, Writer, bring_up_to_date};

/// Dropping what was laid by, reading the rows, laying by.
const REBUILD_STAGES: usize = 3;

/// What is asked of the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) backend: VectorBackend,
    pub(crate) memory_budget: Option<usize>,
    /// Rows that an approximate search rescores.
    pub(crate) rescored_rows: usize,
}

/// What searches use: the index as it was at one position of the change log. Never changes.
pub(crate) struct View {
    /// The change log's position that everything here stands for.
    pub(crate) position: i64,
    /// The file's active space, if it has vectors at all.
    pub(crate) space: Option<Space>,
    /// The vectors; `None` without a space.
    pub(crate) search: Option<Arc<dyn VectorSearch + Send + Sync>>,
    /// Which sort of index it is.
    pub(crate) backend: Option<&'static str>,
    /// Rows that a search reads one by one because no index is laid by.
    pub(crate) unindexed: usize,
    /// Entries that no longer hold, which a search leaves out unless asked.
    pub(crate) obsolete: Arc<EntrySet>,
    /// Vectors in the file that cannot be used.
    pub(crate) unusable: usize,
}

/// A view, and a transaction that sees exactly the rows that the view was made from.
pub(crate) struct Snapshot<'s> {
    pub(crate) view: Arc<View>,
    pub(crate) tx: ReadTx<'s>,
}

/// What the index takes.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) backend: Option<&'static str>,
    pub(crate) bytes: usize,
    /// Vectors in the file that it leaves out.
    pub(crate) unusable: usize,
}

/// Owner of the index. Searches take the current [`View`]; whoever finds it behind the file brings it up to date.
pub(crate) struct Resident {
    wanted: Wanted,
    current: ArcSwapOption<View>,
    writer: Mutex<Option<Writer>>,
    bad: Arc<BadBlocks>,
}

impl Resident {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self { wanted, current: ArcSwapOption::empty(), writer: Mutex::default(), bad: Arc::default() }
    }

    /// The view as of now.
    pub(crate) fn view(&self, store: &Arc<Store>, events: &Events) -> Result<Arc<View>, Error> {
        Ok(self.snapshot(store, events)?.view)
    }

    /// The view as of now with a transaction at the very same position of the change log.
    ///
    /// When nothing changed this costs one look at the log's position, a few microseconds, and takes no lock.
    pub(crate) fn snapshot<'s>(&self, store: &'s Arc<Store>, events: &Events) -> Result<Snapshot<'s>, Error> {
        self.stoppable_snapshot(store, events, None)
    }

    fn stoppable_snapshot<'s>(
        &self,
        store: &'s Arc<Store>,
        events: &Events,
        cancel: Option<&CancelToken>,
    ) -> Result<Snapshot<'s>, Error> {
        let tx = store.read()?;
        if let Some(view) = self.current.load_full()
            && view.position == tx.position()?
        {
            return Ok(Snapshot { view, tx });
        }
        drop(tx);
        let mut writer = self.lock();
        // Under the lock nobody else moves the index on, so a transaction begun now is not older than it.
        let tx = store.read()?;
        let view = match self.current.load_full() {
            Some(view) if view.position == tx.position()? => view,
            _ => {
                let context = self.context(store, events, cancel);
                let result = bring_up_to_date(&mut writer, &context, &tx);
                if result.is_err() {
                    // Half applied: never to be searched.
                    *writer = None;
                }
                let view = Arc::new(result?);
                self.current.store(Some(Arc::clone(&view)));
                view
            }
        };
        Ok(Snapshot { view, tx })
    }

    fn context<'a>(
        &'a self,
        store: &'a Arc<Store>,
        events: &'a Events,
        cancel: Option<&'a CancelToken>,
    ) -> Context<'a> {
        Context { store, events, wanted: self.wanted, cancel, bad: &self.bad }
    }

    /// Searches over a consistent snapshot; begins anew when a row that the search wanted was changed meanwhile, without the
    /// blocks in the file when they turn out to be damaged, and without a row that turns out to be.
    pub(crate) fn consistently<T>(
        &self,
        store: &Arc<Store>,
        events: &Events,
        mut search: impl FnMut(&Snapshot<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut set_aside = Vec::new();
        loop {
            let snapshot = self.snapshot(store, events)?;
            match search(&snapshot) {
                Err(Error::Index(error)) if source::is_stale(&error) => self.leave(&snapshot.view),
                // Whoever read them has noted which they are, so the next view is made without.
                Err(Error::Index(IndexError::Corrupt { .. })) => self.leave(&snapshot.view),
                Err(Error::Index(IndexError::MissingRow { key })) if !set_aside.contains(&key.entry) => {
                    set_aside.push(key.entry);
                    let Snapshot { view, tx } = snapshot;
                    drop(tx);
                    self.set_aside(store, events, &view, key.entry)?;
                }
                result => return result,
            }
        }
    }

    /// Gives up a view that searches can no longer use. Usually the log has moved on and the next look at it makes
    /// another one anyhow; but a base in the file is also replaced without any change to the rows.
    fn leave(&self, view: &Arc<View>) {
        let mut writer = self.lock();
        if self.current.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, view)) {
            *writer = None;
            self.current.store(None);
        }
    }

    /// Takes in an entry's rows anew, because one of those in the index can no longer be read from the file although no change
    /// of it was logged: what is left of the entry stays, and what cannot be used is reported as such.
    fn set_aside(
        &self,
        store: &Arc<Store>,
        events: &Events,
        view: &Arc<View>,
        entry: i64,
    ) -> Result<(), Error> {
        let mut slot = self.lock();
        let tx = store.read()?;
        let is_current = self.current.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, view));
        if !is_current || tx.position()? != view.position {
            // Somebody else was faster, or the file moved on: the search begins anew with another view.
            return Ok(());
        }
        let context = self.context(store, events, None);
        if let (Some(mut writer), Some(space)) = (slot.take(), &view.space) {
            let unusable_before = writer.unusable.len();
            // Until it is whole again nobody may search it.
            self.current.store(None);
            if writer.refresh(&tx, space, &[entry], self.wanted)? {
                context.tell_unusable(unusable_before, &writer);
                let view = writer.view(&context)?;
                *slot = Some(writer);
                self.current.store(Some(Arc::new(view)));
            }
        }
        Ok(())
    }

    /// Drops what was laid by in the file, and lays by anew what this backend uses.
    pub(crate) fn rebuild(
        &self,
        store: &Arc<Store>,
        events: &Events,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        let cancel = watch.token();
        let cancel = cancel.as_ref();
        let mut done = |stages| {
            watch.tell(stages, REBUILD_STAGES);
            watch.check_cancelled()
        };
        done(0)?;
        self.clear();
        store.write()?.drop_all_index_blocks()?;
        #[cfg(feature = "sqlite-vec")]
        {
            // Whatever wrote the table: only the one backend keeps it up to date.
            vec0::discard(store)?;
            if self.wanted.backend == VectorBackend::SqliteVec {
                done(1)?;
                vec0::sync(store, true, cancel)?;
                // Too late to be stopped; so below.
                let _ = done(REBUILD_STAGES);
                return Ok(());
            }
        }
        done(1)?;
        // Told while no lock is held: the host's function may search.
        self.stoppable_snapshot(store, events, cancel)?;
        done(2)?;
        self.lay_by(store, events, cancel, true)?;
        let _ = done(REBUILD_STAGES);
        Ok(())
    }

    /// Lays the codes by for the next process, if this backend has codes; at once, or unless another process is at it.
    fn lay_by(
        &self,
        store: &Arc<Store>,
        events: &Events,
        cancel: Option<&CancelToken>,
        at_once: bool,
    ) -> Result<(), Error> {
        self.stoppable_snapshot(store, events, cancel)?;
        // A clone costs nothing, and the lock is not held while the file is written.
        let (codes, space, position) = {
            let writer = self.lock();
            let Some(Writer { space: Some(space), engine: Some(engine), position, unusable, .. }) = &*writer
            else {
                return Ok(());
            };
            // Blocks know nothing of unusable vectors: without the rows they would no longer be reported.
            if !unusable.is_empty() || !engine.lays_codes_by(self.wanted) {
                return Ok(());
            }
            (engine.codes().cloned(), space.clone(), *position)
        };
        match codes {
            Some(codes) => persist::save(store, &space, &codes, position, at_once, &self.bad),
            None => {
                if persist::save_from_rows(store, &space, cancel, at_once, &self.bad)? {
                    self.clear();
                }
                Ok(())
            }
        }
    }

    /// After a write: renews what is laid by when so much was written since that catching up would take long.
    pub(crate) fn after_write(&self, store: &Arc<Store>, events: &Events) {
        if let Err(error) = self.renew_if_due(store, events) {
            // The caller's write is done and stays so; only searches start more slowly.
            tracing::warn!(%error, "the index was not laid by");
        }
    }

    fn renew_if_due(&self, store: &Arc<Store>, events: &Events) -> Result<(), Error> {
        #[cfg(feature = "sqlite-vec")]
        if self.wanted.backend == VectorBackend::SqliteVec {
            if vec0::sync(store, store.deletes_securely(), None)? {
                self.clear();
            }
            return Ok(());
        }
        if !matches!(self.wanted.backend, VectorBackend::Auto | VectorBackend::Sq8) {
            return Ok(());
        }
        // Rows are being read one by one: the log may be short, but what was written is not, or the blocks are bad.
        let is_slow = self.current.load().as_ref().is_some_and(|view| view.unindexed > 0);
        let due = persist::is_due(store, &self.bad, |dimensions| {
            self.wanted.memory_budget.map(|_| self.wanted.most_over_base(dimensions))
        })?;
        if due || is_slow { self.lay_by(store, events, None, false) } else { Ok(()) }
    }

    /// The index as it is, without bringing it up to date.
    pub(crate) fn usage(&self) -> Usage {
        self.current.load().as_ref().map_or(Usage::default(), |view| Usage {
            backend: view.backend,
            unusable: view.unusable,
            bytes: view.search.as_ref().map_or(0, |search| search.memory_bytes())
                + view.obsolete.memory_bytes(),
        })
    }

    /// Drops everything; the next search fills it anew.
    pub(crate) fn clear(&self) {
        let mut writer = self.lock();
        *writer = None;
        self.current.store(None);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(|poisoned| {
            // A panic while the index was being changed: start over.
            self.writer.clear_poison();
            let mut writer = PoisonError::into_inner(poisoned);
            *writer = None;
            writer
        })
    }
}

/// The batch's keys, as the index names rows.
fn index_keys(batch: &VectorBatch) -> Vec<Key> {
    batch.keys.iter().map(|key| Key::new(key.entry, key.role, key.chunk)).collect()
}
