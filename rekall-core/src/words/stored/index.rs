//! The word index as one transaction sees it.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::segment::{SegmentState, WordSegment};
use super::view::{self, WordView};
use super::{WordTables, inspect};
use crate::Error;
use crate::lock::lock;
use crate::words::index::{Docs, Scratch};

/// What searches of one store share in memory: what the last one saw of the index, and room for the next one's numbers.
#[derive(Debug, Default)]
pub struct WordMemory {
    view: Mutex<Option<Arc<WordView>>>,
    scratch: Mutex<Option<Scratch>>,
}

impl WordMemory {
    /// Bytes of heap that are kept of the index.
    #[must_use]
    pub fn bytes(&self) -> usize {
        lock(&self.view).as_ref().map_or(0, |view| view.memory_bytes())
    }

    /// Gives it back; the next search reads again.
    pub fn release(&self) {
        *lock(&self.view) = None;
        *lock(&self.scratch) = None;
    }

    /// Runs a search with room that is used again.
    pub(super) fn with_scratch<T>(&self, search: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = lock(&self.scratch).take().unwrap_or_default();
        let found = search(&mut scratch);
        *lock(&self.scratch) = Some(scratch);
        found
    }
}

/// The word index as one transaction sees it.
#[derive(Clone, Copy)]
pub struct WordIndex<'t> {
    pub(super) tables: &'t dyn WordTables,
    pub(super) memory: &'t WordMemory,
    writes: bool,
}

impl<'t> WordIndex<'t> {
    /// The index in these tables. `writes`: whether the transaction may hold changes that nobody else sees yet.
    #[must_use]
    pub fn new(tables: &'t dyn WordTables, memory: &'t WordMemory, writes: bool) -> Self {
        Self { tables, memory, writes }
    }

    /// What the index holds. If nothing changed since the last search, this costs three small reads; else O(what changed), and
    /// the first time a read of every segment's table of passages.
    pub(super) fn view(&self, cancel: Option<&AtomicBool>) -> Result<Arc<WordView>, Error> {
        let position = self.tables.position()?;
        let listed = self.tables.segments(SegmentState::Ready)?;
        let mut current = lock(&self.memory.view);
        if let Some(view) = &*current
            && view.is_of(position, &listed)
        {
            return Ok(Arc::clone(view));
        }
        let is_older = current.as_ref().is_some_and(|view| view.is_newer_than(position));
        if self.writes || is_older {
            // Nobody else is to see what may be undone, nor a moment that has passed.
            let base = current.as_ref().map(|view| Arc::new(view.apart()));
            drop(current);
            return Ok(Arc::new(WordView::caught_up(base, self.tables, position, &listed, cancel)?));
        }
        // Under the lock: of several searches that find it out of date, one brings it up to date.
        let base = current.take();
        let view = Arc::new(WordView::caught_up(base, self.tables, position, &listed, cancel)?);
        *current = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The index, read from the tables whatever a search has read before.
    pub(crate) fn view_anew(&self) -> Result<WordView, Error> {
        let listed = self.tables.segments(SegmentState::Ready)?;
        WordView::caught_up(None, self.tables, self.tables.position()?, &listed, None)
    }

    /// The segments with their tables, from the oldest to the newest; that of one which cannot be read is empty. Those that a
    /// search has read before are not read again.
    pub(super) fn segment_tables(&self) -> Result<Vec<(WordSegment, Arc<Docs>)>, Error> {
        let position = self.tables.position()?;
        let listed = self.tables.segments(SegmentState::Ready)?;
        let known = lock(&self.memory.view).clone();
        view::segment_tables(self.tables, known.as_deref(), position, &listed)
    }

    /// What a search by words misses, of so many entries, as far as a quick look shows: a segment, or pages of one. O(passages), and
    /// counting the pages. [`SearchWords::fault_of_words`](crate::store::SearchWords::fault_of_words) asks for it.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn fault(&self, entries: u64) -> Result<Option<String>, Error> {
        self.view(None)?.fault(self.tables, entries)
    }

    /// All in which the index and these entries differ, as sentences; reads every page, and every entry's text.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn faults(&self, rows: &[i64]) -> Result<Vec<String>, Error> {
        let view = self.view_anew()?;
        let mut inspection = inspect::Inspection::new(self.tables, &view);
        let mut faults = inspection.faults_of_segments()?;
        for &row in rows {
            faults.extend(inspection.fault_of_entry(row)?.map(|fault| format!("row {row}: {fault}")));
        }
        let rows: HashSet<i64> = rows.iter().copied().collect();
        let strangers = view.rows().filter(|row| !rows.contains(row));
        faults.extend(strangers.map(|row| format!("row {row}: the word index has words of no entry")));
        Ok(faults)
    }
}

impl std::fmt::Debug for WordIndex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordIndex").field("writes", &self.writes).finish_non_exhaustive()
    }
}
