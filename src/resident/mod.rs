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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use rekall_core::{Changes, ReadTx, Space, Store, VectorBatch};
use rekall_index::{EntrySet, Error as IndexError, Key, VectorSearch};

use crate::engine::check_cancelled;
use crate::event::{Event, Events};
use crate::{CancelToken, Error, VectorBackend, Watch};
use engine::{Engine, Lacks};
use persist::BadBlocks;
pub(crate) use scan::keep_best;

/// Rows read from the file at a time: a megabyte or two.
const LOAD_BATCH: usize = 1024;

/// Dropping what was laid by, reading the rows, laying by.
const REBUILD_STAGES: usize = 3;

/// Changed entries read at a time: each may have hundreds of rows.
const CHANGED_BATCH: usize = 64;

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

/// The part that changes, under a lock that searches need only when something changed.
struct Writer {
    position: i64,
    space: Option<Space>,
    engine: Option<Engine>,
    obsolete: Arc<EntrySet>,
    unusable: EntrySet,
}

/// What an operation on the index needs besides the index.
struct Context<'a> {
    store: &'a Arc<Store>,
    events: &'a Events,
    wanted: Wanted,
    /// Stops the reading of all rows.
    cancel: Option<&'a CancelToken>,
    bad: &'a Arc<BadBlocks>,
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
            writer.refresh(&tx, space, &[entry], self.wanted)?;
            context.tell_unusable(unusable_before, &writer);
            let view = writer.view(&context)?;
            *slot = Some(writer);
            self.current.store(Some(Arc::new(view)));
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
        self.lay_by(store, events, cancel)?;
        let _ = done(REBUILD_STAGES);
        Ok(())
    }

    /// Lays the codes by for the next process, if this backend has codes.
    fn lay_by(&self, store: &Arc<Store>, events: &Events, cancel: Option<&CancelToken>) -> Result<(), Error> {
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
            Some(codes) => persist::save(store, &space, &codes, position, &self.bad),
            None => {
                persist::save_from_rows(store, &space, cancel, &self.bad)?;
                self.clear();
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
        if due || is_slow { self.lay_by(store, events, None) } else { Ok(()) }
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

fn bring_up_to_date(
    slot: &mut Option<Writer>,
    context: &Context<'_>,
    tx: &ReadTx<'_>,
) -> Result<View, Error> {
    let unusable_before = slot.as_ref().map_or(0, |writer| writer.unusable.len());
    let changes = match slot {
        Some(writer) => tx.changes_since(writer.position)?,
        None => Changes::Lost { position: tx.position()? },
    };
    let writer = match (slot.take(), changes) {
        (Some(writer), Changes::Entries { position, entries, spaces })
            if !writer.outgrown(context.wanted) && (!spaces || tx.active_space()? == writer.space) =>
        {
            match writer.applied(tx, position, &entries, context.wanted)? {
                Some(writer) => slot.insert(writer),
                // What was written is too much for this engine: never more than the budget, not even once.
                None => slot.insert(Writer::loaded(context, tx)?),
            }
        }
        _ => slot.insert(Writer::loaded(context, tx)?),
    };
    context.tell_unusable(unusable_before, writer);
    writer.view(context)
}

impl Context<'_> {
    fn tell_unusable(&self, before: u64, writer: &Writer) {
        let unusable = writer.unusable.len();
        if unusable > before {
            let count = usize::try_from(unusable).unwrap_or(usize::MAX);
            self.events.send(&Event::UnusableVectors { count });
        }
    }
}

impl Writer {
    fn outgrown(&self, wanted: Wanted) -> bool {
        match (&self.engine, &self.space) {
            (Some(engine), Some(space)) => engine.outgrown(space.dimensions, wanted),
            _ => false,
        }
    }

    /// Everything from the file.
    fn loaded(context: &Context<'_>, tx: &ReadTx<'_>) -> Result<Self, Error> {
        let started = Instant::now();
        let mut writer = Self {
            position: tx.position()?,
            space: None,
            engine: None,
            obsolete: Arc::new(tx.obsolete()?.into_iter().collect()),
            unusable: EntrySet::new(),
        };
        let Some(space) = tx.active_space()? else { return Ok(writer) };
        let begun = Engine::begin(context.store, tx, &space, context.wanted, context.bad)?;
        writer.engine = Some(begun.engine);
        match begun.lacks {
            Lacks::Changed(entries) => {
                if !writer.refresh(tx, &space, &entries, context.wanted)? {
                    writer.engine = Some(Engine::on_rows(tx, &space)?);
                }
            }
            Lacks::Everything => tx.vectors(&space, LOAD_BATCH, |batch| {
                check_cancelled(context.cancel)?;
                writer.add(batch)
            })?,
        }
        writer.space = Some(space);
        let rows = writer.view(context)?.search.map_or(0, |search| search.len());
        context.events.send(&Event::IndexLoaded { rows, elapsed: started.elapsed() });
        Ok(writer)
    }

    /// Just the entries that changed; `None` if the engine has outgrown what is wanted of it.
    fn applied(
        mut self,
        tx: &ReadTx<'_>,
        position: i64,
        entries: &[i64],
        wanted: Wanted,
    ) -> Result<Option<Self>, Error> {
        self.position = position;
        if let Some(space) = self.space.take() {
            if !self.refresh(tx, &space, entries, wanted)? {
                return Ok(None);
            }
            self.space = Some(space);
        }
        self.note_obsolete(tx, entries)?;
        Ok(Some(self))
    }

    /// Each entry is dropped and, if it is still there, read again. False if that came to more than is wanted, and was left
    /// undone.
    fn refresh(
        &mut self,
        tx: &ReadTx<'_>,
        space: &Space,
        entries: &[i64],
        wanted: Wanted,
    ) -> Result<bool, Error> {
        for &entry in entries {
            if let Some(engine) = &mut self.engine {
                engine.drop_entry(entry)?;
            }
            self.unusable.remove(entry);
        }
        for entries in entries.chunks(CHANGED_BATCH) {
            self.add(&tx.vectors_of(space, entries)?)?;
            let held = matches!(&self.engine, Some(engine) if !matches!(engine, Engine::Rows { .. }));
            if held && self.engine.as_ref().is_some_and(|engine| engine.outgrown(space.dimensions, wanted)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note_obsolete(&mut self, tx: &ReadTx<'_>, entries: &[i64]) -> Result<(), Error> {
        let now: EntrySet = tx.obsolete_among(entries)?.into_iter().collect();
        for &entry in entries {
            if self.obsolete.contains(entry) != now.contains(entry) {
                // Copied only when it changes, and then only if a search still holds the old one.
                let obsolete = Arc::make_mut(&mut self.obsolete);
                if now.contains(entry) {
                    obsolete.insert(entry)
                } else {
                    obsolete.remove(entry)
                };
            }
        }
        Ok(())
    }

    fn add(&mut self, batch: &VectorBatch) -> Result<(), Error> {
        if let Some(engine) = &mut self.engine {
            engine.add(batch)?;
        }
        self.unusable.extend(batch.unusable.iter().map(|key| key.entry));
        Ok(())
    }

    fn view(&mut self, context: &Context<'_>) -> Result<View, Error> {
        let (search, unindexed) = match (&mut self.engine, &self.space) {
            (Some(engine), Some(space)) => (
                Some(engine.snapshot(context.store, space, self.position)?),
                engine.unindexed(space.dimensions, context.wanted),
            ),
            _ => (None, 0),
        };
        Ok(View {
            position: self.position,
            space: self.space.clone(),
            search,
            backend: self.engine.as_ref().map(Engine::name),
            unindexed,
            obsolete: Arc::clone(&self.obsolete),
            unusable: usize::try_from(self.unusable.len()).unwrap_or(usize::MAX),
        })
    }
}

/// The batch's keys, as the index names rows.
fn index_keys(batch: &VectorBatch) -> Vec<Key> {
    batch.keys.iter().map(|key| Key::new(key.entry, key.role, key.chunk)).collect()
}
