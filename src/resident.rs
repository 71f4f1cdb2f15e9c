//! The vector index in memory: filled from the file, kept in step by the change log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use rekall_core::{Changes, ReadTx, Space, Store, VectorBatch, VectorKey};
use rekall_index::{EntrySet, FlatIndex, Key, ResidentIndex, VectorSearch};

use crate::Error;
use crate::event::{Event, Events};

/// Rows read from the file at a time: a megabyte or two.
const LOAD_BATCH: usize = 1024;

/// What searches use: the index as it was at one position of the change log. Never changes.
pub(crate) struct View {
    /// The change log's position that everything here stands for.
    pub(crate) position: i64,
    /// The file's active space, if it has vectors at all.
    pub(crate) space: Option<Space>,
    /// The vectors; `None` without a space.
    pub(crate) search: Option<Arc<dyn VectorSearch + Send + Sync>>,
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

/// Owner of the index. Searches take the current [`View`]; whoever finds it behind the file brings it up to date.
#[derive(Default)]
pub(crate) struct Resident {
    current: ArcSwapOption<View>,
    writer: Mutex<Option<Writer>>,
}

/// The part that changes, under a lock that searches need only when something changed.
struct Writer {
    position: i64,
    space: Option<Space>,
    index: Option<Box<dyn ResidentIndex>>,
    obsolete: Arc<EntrySet>,
    unusable: EntrySet,
}

impl Resident {
    /// The view as of now.
    pub(crate) fn view(&self, store: &Store, events: &Events) -> Result<Arc<View>, Error> {
        Ok(self.snapshot(store, events)?.view)
    }

    /// The view as of now with a transaction at the very same position of the change log.
    ///
    /// When nothing changed this costs one look at the log's position, a few microseconds, and takes no lock.
    pub(crate) fn snapshot<'s>(&self, store: &'s Store, events: &Events) -> Result<Snapshot<'s>, Error> {
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
                let result = bring_up_to_date(&mut writer, &tx, events);
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

    /// Bytes of memory and rows of the index, without bringing it up to date.
    pub(crate) fn usage(&self) -> (usize, usize) {
        self.current.load().as_ref().map_or((0, 0), |view| {
            let bytes = view.search.as_ref().map_or(0, |search| search.memory_bytes());
            let rows = view.search.as_ref().map_or(0, |search| search.len());
            (bytes + view.obsolete.memory_bytes(), rows)
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

fn bring_up_to_date(slot: &mut Option<Writer>, tx: &ReadTx<'_>, events: &Events) -> Result<View, Error> {
    let unusable_before = slot.as_ref().map_or(0, |writer| writer.unusable.len());
    let changes = match slot {
        Some(writer) => tx.changes_since(writer.position)?,
        None => Changes::Lost { position: tx.position()? },
    };
    let writer = match (slot.take(), changes) {
        (Some(writer), Changes::Entries { position, entries, spaces })
            if !spaces || tx.active_space()? == writer.space =>
        {
            slot.insert(writer.applied(tx, position, &entries)?)
        }
        _ => slot.insert(Writer::loaded(tx, events)?),
    };
    let unusable = writer.unusable.len();
    if unusable > unusable_before {
        events.send(&Event::UnusableVectors { count: usize::try_from(unusable).unwrap_or(usize::MAX) });
    }
    Ok(writer.view())
}

impl Writer {
    /// Everything from the file.
    fn loaded(tx: &ReadTx<'_>, events: &Events) -> Result<Self, Error> {
        let started = Instant::now();
        let space = tx.active_space()?;
        let mut writer = Self {
            position: tx.position()?,
            index: None,
            obsolete: Arc::new(tx.obsolete()?.into_iter().collect()),
            unusable: EntrySet::new(),
            space: None,
        };
        if let Some(space) = space {
            writer.index = Some(Box::new(FlatIndex::new(space.dimensions)?));
            tx.vectors(&space, LOAD_BATCH, |batch| writer.upsert(batch))?;
            writer.space = Some(space);
            let rows = writer.index.as_ref().map_or(0, |index| index.len());
            events.send(&Event::IndexLoaded { rows, elapsed: started.elapsed() });
        }
        Ok(writer)
    }

    /// Just the entries that changed: each is dropped and, if it is still there, read again.
    fn applied(mut self, tx: &ReadTx<'_>, position: i64, entries: &[i64]) -> Result<Self, Error> {
        self.position = position;
        for &entry in entries {
            if let Some(index) = &mut self.index {
                index.remove_entry(entry)?;
            }
            self.unusable.remove(entry);
        }
        if let Some(space) = self.space.take() {
            let batch = tx.vectors_of(&space, entries)?;
            self.space = Some(space);
            self.upsert(&batch)?;
        }
        self.note_obsolete(tx, entries)?;
        Ok(self)
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

    fn upsert(&mut self, batch: &VectorBatch) -> Result<(), Error> {
        let keys: Vec<Key> = batch.keys.iter().map(index_key).collect();
        if let Some(index) = &mut self.index {
            index.upsert(&keys, &batch.rows)?;
        }
        self.unusable.extend(batch.unusable.iter().map(|key| key.entry));
        Ok(())
    }

    fn view(&self) -> View {
        View {
            position: self.position,
            space: self.space.clone(),
            search: self.index.as_ref().map(|index| index.snapshot()),
            obsolete: Arc::clone(&self.obsolete),
            unusable: usize::try_from(self.unusable.len()).unwrap_or(usize::MAX),
        }
    }
}

fn index_key(key: &VectorKey) -> Key {
    Key::new(key.entry, key.role, key.chunk)
}
