//! The part of the index that changes: filled from the file, then brought up to date from the change log.

use std::sync::Arc;
use std::time::Instant;

use rekall_core::{Changes, LogPosition, ReadTx, Space, Store, VectorBatch};
use rekall_index::EntrySet;

use super::engine::{Engine, Lacks};
use super::persist::BadBlocks;
use super::{View, Wanted};
use crate::cancel::check_cancelled;
use crate::event::{Event, Events};
use crate::{CancelToken, Error};

/// Rows read from the file at a time: a megabyte or two.
pub(super) const LOAD_BATCH: usize = 1024;

/// Changed entries read at a time: each may have hundreds of rows.
const CHANGED_BATCH: usize = 64;

/// The part that changes, under a lock that searches need only when something changed.
pub(super) struct Writer {
    pub(super) position: LogPosition,
    pub(super) space: Option<Space>,
    pub(super) engine: Option<Engine>,
    pub(super) obsolete: Arc<EntrySet>,
    pub(super) unusable: EntrySet,
}

/// What an operation on the index needs besides the index.
pub(super) struct Context<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) events: &'a Events,
    pub(super) wanted: Wanted,
    /// Stops the reading of all rows.
    pub(super) cancel: Option<&'a CancelToken>,
    pub(super) bad: &'a Arc<BadBlocks>,
}

/// Follows the change log, or reads everything where that is not enough.
pub(super) fn bring_up_to_date(
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
    pub(super) fn tell_unusable(&self, before: u64, writer: &Writer) {
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
        position: LogPosition,
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
    pub(super) fn refresh(
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

    pub(super) fn view(&mut self, context: &Context<'_>) -> Result<View, Error> {
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
