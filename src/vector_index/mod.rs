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
use rekall_core::{LogPosition, ReadTx, Space, Store, VectorBatch};
use rekall_index::{EntrySet, Error as IndexError, Key, Neighbor, SearchOptions, VectorSearch};

use crate::event::Events;
use crate::{CancelToken, Error, VectorBackend, Watch};
use persist::BadBlocks;
use scan::TxRows;
pub(crate) use scan::keep_best;
use writer::{Context, LOAD_BATCH, Writer, bring_up_to_date};

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

impl Wanted {
    /// Kind of what is laid by in the file for it.
    fn laid_by_as(self) -> &'static str {
        match self.backend {
            #[cfg(feature = "sqlite-vec")]
            VectorBackend::SqliteVec => vec0::MARK,
            _ => persist::SQ8,
        }
    }
}

/// What searches use: the index as it was at one position of the change log. Never changes.
pub(crate) struct View {
    /// The change log's position that everything here stands for.
    pub(crate) position: LogPosition,
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
    /// The index failed often enough: the rows themselves are searched, in `tx`.
    by_rows: bool,
}

impl Snapshot<'_> {
    /// The vectors; `None` without a space.
    pub(crate) fn search(&self) -> Option<Searched<'_>> {
        match (&self.view.search, &self.view.space) {
            (Some(_), Some(space)) if self.by_rows => Some(Searched::Rows(TxRows { tx: &self.tx, space })),
            (Some(search), _) => Some(Searched::Index(&**search)),
            (None, _) => None,
        }
    }
}

/// What a search by meaning looks through: both find the same.
pub(crate) enum Searched<'a> {
    Index(&'a (dyn VectorSearch + Send + Sync)),
    Rows(TxRows<'a>),
}

impl Searched<'_> {
    fn get(&self) -> &dyn VectorSearch {
        match self {
            Self::Index(index) => *index,
            Self::Rows(rows) => rows,
        }
    }
}

impl VectorSearch for Searched<'_> {
    fn dimensions(&self) -> usize {
        self.get().dimensions()
    }

    fn len(&self) -> usize {
        self.get().len()
    }

    fn search(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Neighbor>,
    ) -> Result<(), IndexError> {
        self.get().search(query, options, out)
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Vec<Neighbor>>,
    ) -> Result<(), IndexError> {
        self.get().search_batch(queries, options, out)
    }

    fn memory_bytes(&self) -> usize {
        self.get().memory_bytes()
    }
}

/// How often a search may begin anew before it goes by the rows: in all, and while nothing is written at all. The first
/// bound is for writers who never pause, the second for what a new view does not mend.
const MOST_FAILURES: usize = 16;
const MOST_FAILURES_AT_REST: usize = 5;
/// Failures at rest up to which rows that cannot be read are left out of the index as it is.
const MOST_SET_ASIDE: usize = 4;

/// How often a search had to begin anew.
#[derive(Default)]
struct Failures {
    all: usize,
    /// Those at `position`.
    at_rest: usize,
    position: Option<LogPosition>,
}

impl Failures {
    fn note(&mut self, position: LogPosition) {
        self.all += 1;
        self.at_rest = if self.position == Some(position) { self.at_rest + 1 } else { 1 };
        self.position = Some(position);
    }

    fn enough(&self, position: LogPosition) -> bool {
        self.all >= MOST_FAILURES || self.at_rest >= MOST_FAILURES_AT_REST && self.position == Some(position)
    }
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
pub(crate) struct VectorIndexKeeper {
    wanted: Wanted,
    current: ArcSwapOption<View>,
    writer: Mutex<Option<Writer>>,
    bad: Arc<BadBlocks>,
}

impl VectorIndexKeeper {
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
            return Ok(Snapshot { view, tx, by_rows: false });
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
        Ok(Snapshot { view, tx, by_rows: false })
    }

    fn context<'a>(
        &'a self,
        store: &'a Arc<Store>,
        events: &'a Events,
        cancel: Option<&'a CancelToken>,
    ) -> Context<'a> {
        Context { store, events, wanted: self.wanted, cancel, bad: &self.bad }
    }

    /// Searches over a consistent snapshot; begins anew when a row that the search wanted was changed meanwhile, without what
    /// is laid by in the file when that turns out to be damaged, and without a row that turns out to be. Ends in any case: when
    /// that does not help, the rows themselves are searched, in the snapshot's own transaction. The token stops
    /// the search's statements, in their middle; not the making of a view, which is of use to the next search.
    pub(crate) fn consistently<T>(
        &self,
        store: &Arc<Store>,
        events: &Events,
        cancel: Option<&CancelToken>,
        mut search: impl FnMut(&Snapshot<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failures = Failures::default();
        loop {
            let mut snapshot = self.snapshot(store, events)?;
            snapshot.by_rows = failures.enough(snapshot.view.position);
            if let Some(token) = cancel {
                snapshot.tx.stop_when(token.shared_flag())?;
            }
            let error = match search(&snapshot) {
                Err(Error::Index(error)) if !snapshot.by_rows => error,
                result => return result,
            };
            let Snapshot { view, tx, .. } = snapshot;
            drop(tx);
            failures.note(view.position);
            match error {
                error if source::is_stale(&error) => self.leave(&view),
                // Whoever read them has noted which they are, so the next view is made without.
                IndexError::Corrupt { .. } => self.leave(&view),
                IndexError::MissingRow { key } if failures.at_rest < MOST_SET_ASIDE => {
                    // Where there is a second one there may be hundreds: one look at all of them, or each would take a search.
                    let all = failures.at_rest > 1;
                    self.set_aside(store, events, &view, key.entry, all)?;
                }
                IndexError::MissingRow { .. } => {
                    // Rows that went without a word: everything is read anew.
                    if let Some(space) = &view.space {
                        persist::doubt(store, space, self.wanted.laid_by_as(), &self.bad)?;
                    }
                    self.leave(&view);
                }
                error => return Err(error.into()),
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
    /// of it was logged: what is left of the entry stays, and what cannot be used is reported as such. With `all` those of
    /// every entry of which that holds, found in one pass over the rows.
    fn set_aside(
        &self,
        store: &Arc<Store>,
        events: &Events,
        view: &Arc<View>,
        entry: i64,
        all: bool,
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
            let mut entries = EntrySet::from_iter([entry]);
            if all {
                tx.vectors(space, LOAD_BATCH, |batch| {
                    entries.extend(batch.unusable.iter().map(|key| key.entry));
                    Ok::<(), Error>(())
                })?;
            }
            let entries: Vec<i64> = entries.iter().collect();
            if writer.refresh(&tx, space, &entries, self.wanted)? {
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
        #[cfg(feature = "sqlite-vec")]
        if self.wanted.backend == VectorBackend::SqliteVec {
            done(1)?;
            vec0::renew(store, &self.bad, cancel)?;
            self.clear();
            // Too late to be stopped; so below.
            let _ = done(REBUILD_STAGES);
            return Ok(());
        }
        let mut tx = store.write()?;
        tx.drop_all_index_blocks()?;
        // Whatever wrote the table: only the one backend keeps it up to date. In the same transaction as the mark that
        // vouches for it.
        #[cfg(feature = "sqlite-vec")]
        vec0::discard(&mut tx)?;
        tx.commit()?;
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
            if vec0::sync(store, store.deletes_securely(), &self.bad)? {
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
