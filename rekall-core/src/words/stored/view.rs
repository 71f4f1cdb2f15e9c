//! What a search by words sees: the segments of the store, and the entries that no segment has yet, indexed in memory.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::entry_words::EntryIndexer;
use super::fetched::Fetched;
use super::known_pages::KnownPages;
use super::pages::StoredPages;
use super::{WordSegment, WordTables};
use crate::Error;
use crate::store::LogPosition;
use crate::words::index::{Builder, Dead, Docs, PassageKey, Segment, Source};

/// The word index at one moment of the store. Immutable; the pages of its segments are read from the store by each search, or kept from
/// an earlier one.
#[derive(Debug)]
pub(crate) struct WordView {
    position: LogPosition,
    /// From the oldest to the newest.
    segments: Vec<SeenSegment>,
    /// Entries that wait, as they are now.
    delta: Arc<Builder>,
    /// These entries, with the position of the newest change of each.
    waiting: HashMap<i64, Option<i64>>,
    /// Pages of the segments, shared with the views made from this one.
    pages: Arc<KnownPages>,
}

#[derive(Debug, Clone)]
struct SeenSegment {
    stored: WordSegment,
    docs: Arc<Docs>,
    /// The passages that a newer segment or the delta is right about.
    dead: Arc<Dead>,
    /// Why its table cannot be used. Its passages are not found.
    fault: Option<String>,
}

/// The segments listed with their tables, those of a view as they are known there; that of one which cannot be read is empty.
pub(super) fn segment_tables(
    tables: &dyn WordTables,
    known: Option<&WordView>,
    position: LogPosition,
    listed: &[WordSegment],
) -> Result<Vec<(WordSegment, Arc<Docs>)>, Error> {
    let known = known.filter(|view| view.position.same_history(position));
    let known = known.map_or_else(Vec::new, |view| view.segments.clone());
    let seen = load(tables, known, listed)?;
    Ok(seen.into_iter().map(|seen| (seen.stored, seen.docs)).collect())
}

impl WordView {
    pub(super) fn is_of(&self, position: LogPosition, listed: &[WordSegment]) -> bool {
        self.position == position && self.segments.iter().map(|seen| &seen.stored).eq(listed)
    }

    /// Whether it is of a later moment of the same history.
    pub(super) fn is_newer_than(&self, position: LogPosition) -> bool {
        self.position.same_history(position) && self.position.number() > position.number()
    }

    /// The view of this moment, made from an older or newer one as far as that is of use.
    pub(super) fn caught_up(
        base: Option<Arc<Self>>,
        tables: &dyn WordTables,
        position: LogPosition,
        listed: &[WordSegment],
        cancel: Option<&AtomicBool>,
    ) -> Result<Self, Error> {
        // Numbers of segments are given anew when an older state is put into the file.
        let base = base.filter(|base| base.position.same_history(position));
        let base = base.map_or_else(
            || Self {
                position,
                segments: Vec::new(),
                delta: Arc::default(),
                waiting: HashMap::new(),
                pages: Arc::default(),
            },
            |base| Arc::try_unwrap(base).unwrap_or_else(|shared| shared.copied()),
        );
        let Self { mut segments, mut delta, waiting: mut known, pages, .. } = base;
        let waiting = tables.waiting()?;
        let still_waits = |row: &i64| waiting.binary_search_by_key(row, |(row, _)| *row).is_ok();
        let mut is_same_base = segments.iter().map(|seen| &seen.stored).eq(listed);
        if !known.keys().all(still_waits) {
            // A builder cannot forget that it speaks for an entry.
            delta = Arc::default();
            known.clear();
            is_same_base = false;
        }
        if !is_same_base {
            // Only of segments that are the same in all: a server's tables may be emptied, or lose what was not yet on its disk, and give a
            // number again.
            let same: Vec<i64> = segments
                .iter()
                .filter(|seen| listed.contains(&seen.stored))
                .map(|seen| seen.stored.id)
                .collect();
            pages.retain(&same);
            segments = load(tables, segments, listed)?;
        }
        let mut indexer = EntryIndexer::new();
        let as_before =
            |(row, change): &(i64, Option<i64>)| change.is_some() && known.get(row) == Some(change);
        let news: Vec<(i64, Option<i64>)> =
            waiting.iter().filter(|waits| !as_before(waits)).copied().collect();
        let changed: Vec<i64> = news.iter().map(|&(row, _)| row).collect();
        known.extend(news);
        tables.texts(&changed, &mut |row, text| {
            if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                return Err(Error::Interrupted);
            }
            // Copied only if a search still holds the one before.
            indexer.index(row, text.as_ref(), Arc::make_mut(&mut delta));
            Ok(ControlFlow::Continue(()))
        })?;
        match is_same_base {
            true => segments.iter_mut().for_each(|seen| seen.mark_dead(&changed)),
            false => mark_all_dead(&mut segments, &delta),
        }
        Ok(Self { position, segments, delta, waiting: known, pages })
    }

    fn copied(&self) -> Self {
        let Self { position, segments, delta, waiting, pages } = self;
        let (segments, delta, waiting) = (segments.clone(), Arc::clone(delta), waiting.clone());
        Self { position: *position, segments, delta, waiting, pages: Arc::clone(pages) }
    }

    /// The same that shares nothing which is kept of the store: for a writer, whose segments may be undone and their numbers given again.
    pub(super) fn apart(&self) -> Self {
        Self { pages: Arc::default(), ..self.copied() }
    }

    /// Calls `search` with everything that is to be searched for these terms.
    pub(super) fn with_sources<T>(
        &self,
        tables: &dyn WordTables,
        terms: &[&[u8]],
        search: impl FnOnce(&[&dyn Source]) -> T,
    ) -> Result<T, Error> {
        let ids: Vec<i64> = self.segments.iter().map(|seen| seen.stored.id).collect();
        let fetched = Fetched::read(tables, &ids, terms, &self.pages)?;
        let segments: Vec<Segment<StoredPages<'_>>> = self
            .segments
            .iter()
            .map(|seen| {
                let pages = StoredPages::with(tables, seen.stored.id, fetched.as_ref());
                Segment::new(Arc::clone(&seen.docs), Arc::clone(&seen.dead), pages)
            })
            .collect();
        let mut sources: Vec<&dyn Source> = segments.iter().map(|segment| segment as &dyn Source).collect();
        sources.push(&*self.delta);
        Ok(search(&sources))
    }

    /// Bytes of heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        let segments: usize =
            self.segments.iter().map(|seen| seen.docs.memory_bytes() + seen.dead.memory_bytes()).sum();
        segments + self.delta.memory_bytes() + self.pages.memory_bytes()
    }

    /// Number of entries that are found if their words are searched. O(passages).
    fn entries(&self) -> u64 {
        let tables = self.segments.iter().map(|seen| (seen.docs.passages(), &*seen.dead));
        let tables = tables.chain([(self.delta.passages(), self.delta.dead())]);
        tables
            .map(|(passages, dead)| {
                let mut last = None;
                (0..passages.len() as u32)
                    .filter(|&ordinal| !dead.contains(ordinal))
                    .filter(|&ordinal| last.replace(passages.row(ordinal)) != Some(passages.row(ordinal)))
                    .count() as u64
            })
            .sum()
    }

    /// What is missing, as far as a quick look shows: a segment, or pages of one. O(passages) and O(pages), from an index.
    pub(super) fn fault(&self, tables: &dyn WordTables, entries: u64) -> Result<Option<String>, Error> {
        for (id, _, fault) in self.tables() {
            if let Some(fault) = fault {
                return Ok(Some(format!("segment {id} of the word index cannot be read: {fault}")));
            }
        }
        if let Some(missing) = self.missing_pages(tables)?.pop() {
            return Ok(Some(missing));
        }
        let found = self.entries();
        Ok((found != entries).then(|| format!("the word index has {found} of {entries} entries")))
    }

    /// The segments that do not have as many pages as they should.
    pub(crate) fn missing_pages(&self, tables: &dyn WordTables) -> Result<Vec<String>, Error> {
        let segments: Vec<i64> = self.segments.iter().map(|seen| seen.stored.id).collect();
        let found = tables.count_pages(&segments)?;
        let differ = self.segments.iter().zip(found).filter(|(seen, found)| seen.stored.pages != *found);
        let sentence = |(seen, found): (&SeenSegment, u64)| {
            let WordSegment { id, pages: expected, .. } = seen.stored;
            format!("segment {id} of the word index must have {expected} pages, got {found}")
        };
        Ok(differ.map(sentence).collect())
    }

    /// The number of each segment, its table, and why it cannot be read.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (i64, &Docs, Option<&str>)> {
        self.segments.iter().map(|seen| (seen.stored.id, &*seen.docs, seen.fault.as_deref()))
    }

    /// Whether no segment has the entry as it is now.
    pub(crate) fn waits(&self, row: i64) -> bool {
        self.waiting.contains_key(&row)
    }

    /// The entries that have passages in a segment which count.
    pub(crate) fn rows(&self) -> impl Iterator<Item = i64> {
        self.segments.iter().flat_map(|seen| {
            let lives = |row: &i64| seen.docs.passages_of(*row).any(|ordinal| !seen.dead.contains(ordinal));
            seen.docs.rows().iter().copied().filter(lives)
        })
    }

    /// What the newest segment that speaks for an entry has of it: key, length and check of each passage.
    pub(crate) fn passages_of(&self, row: i64) -> Option<Vec<(PassageKey, u32, u32)>> {
        let newest = self.segments.iter().rev().find(|seen| seen.docs.speaks_for(row))?;
        let passages = newest.docs.passages();
        let of = |ordinal| (passages.key(ordinal), passages.length(ordinal), passages.check(ordinal));
        Some(newest.docs.passages_of(row).map(of).collect())
    }
}

/// The segments listed, those that are known already as they are.
fn load(
    tables: &dyn WordTables,
    known: Vec<SeenSegment>,
    listed: &[WordSegment],
) -> Result<Vec<SeenSegment>, Error> {
    let mut known: HashMap<i64, SeenSegment> = known.into_iter().map(|seen| (seen.stored.id, seen)).collect();
    known.retain(|_, seen| listed.contains(&seen.stored));
    let unknown: Vec<i64> =
        listed.iter().map(|stored| stored.id).filter(|id| !known.contains_key(id)).collect();
    let mut read = tables.tables(&unknown)?.into_iter();
    let mut loaded = Vec::with_capacity(listed.len());
    for &stored in listed {
        let seen = match known.remove(&stored.id) {
            Some(seen) => SeenSegment { dead: Arc::default(), ..seen },
            None => {
                let (docs, fault) = match Docs::decode(&read.next().unwrap_or_default()) {
                    Ok(docs) => (docs, None),
                    Err(error) => (Docs::default(), Some(error.to_string())),
                };
                SeenSegment { stored, docs: Arc::new(docs), dead: Arc::default(), fault }
            }
        };
        loaded.push(seen);
    }
    Ok(loaded)
}

impl SeenSegment {
    /// Marks the passages of these rows, which are in order.
    fn mark_dead(&mut self, rows: &[i64]) {
        let rows = shared_range(&self.docs, rows).iter().copied();
        let mut rows = rows.filter(|&row| !self.docs.passages_of(row).is_empty()).peekable();
        if rows.peek().is_some() {
            Arc::make_mut(&mut self.dead).mark_rows(&self.docs, rows);
        }
    }
}

/// Marks in each segment what a newer one, or the delta, is right about.
fn mark_all_dead(segments: &mut [SeenSegment], delta: &Builder) {
    let in_delta: Vec<i64> = delta.rows().collect();
    let tables: Vec<Arc<Docs>> = segments.iter().map(|seen| Arc::clone(&seen.docs)).collect();
    for (seen, at) in segments.iter_mut().zip(1..) {
        seen.dead = Arc::default();
        tables[at..].iter().for_each(|newer| seen.mark_dead(newer.rows()));
        seen.mark_dead(&in_delta);
    }
}

/// Of rows in order, those between the first and the last that the table has: new entries have higher numbers than all before.
fn shared_range<'r>(docs: &Docs, rows: &'r [i64]) -> &'r [i64] {
    let (Some(&first), Some(&last)) = (docs.rows().first(), docs.rows().last()) else { return &[] };
    let start = rows.partition_point(|&row| row < first);
    let end = rows.partition_point(|&row| row <= last);
    rows.get(start..end).unwrap_or_default()
}
