//! Merging segments, so that a search looks into few.
//!
//! Eight segments of about one size become one of about eight times that size; so a word is written some times over in the
//! index's life, and the number of segments grows with the logarithm of the file. A merge goes on page by page, over as many
//! transactions as it takes: until it is whole, its segment is in state `building`, and those that it merges are searched.
//! Afterwards these are deleted in the same way, in state `leaving`.

use super::WordTables;
use super::pages::StoredPages;
#[cfg(feature = "sqlite")]
use super::persist::persist;
use super::segment::{NewWordSegment, SegmentState, WordSegment};
use crate::Error;
use crate::words::index::{Dead, Docs, Merge, Pages, merged_docs};

/// So many segments of a size are merged.
const FACTOR: u64 = 8;

/// Passages of a segment of the smallest size.
const SMALLEST: u64 = 256;

/// Pages that are merged in one transaction, at the least: some milliseconds.
const PAGES_AT_ONCE: usize = 256;

/// Pages that are handed to the engine together: half a megabyte.
pub(super) const WRITTEN_AT_ONCE: usize = 128;

/// How many pages are merged for each that was written: each is written again for each size that its segment grows to.
const PAGES_A_PAGE: usize = 6;

/// How much cheaper it is to delete a page than to merge it.
const DELETED_A_PAGE: usize = 4;

/// Goes on with what there is to merge, as much as the pages that were written justify.
pub(super) fn work(tables: &dyn WordTables, written: usize) -> Result<(), Error> {
    let mut left = PAGES_AT_ONCE + PAGES_A_PAGE * written;
    while left > 0 {
        match step(tables, &mut left)? {
            Some(()) => {}
            None => match due(&tables.segments(SegmentState::Ready)?) {
                Some(run) => begin(tables, run)?,
                None => return Ok(()),
            },
        }
    }
    Ok(())
}

/// The work that was begun, as far as `left` pages go; `None`: there is none.
fn step(tables: &dyn WordTables, left: &mut usize) -> Result<Option<()>, Error> {
    if let Some(leaving) = tables.segments(SegmentState::Leaving)?.first() {
        let deleted = tables.delete_pages(leaving.id, *left * DELETED_A_PAGE)?;
        *left = left.saturating_sub(deleted.div_ceil(DELETED_A_PAGE).max(1));
        return Ok(Some(()));
    }
    if let Some(building) = tables.segments(SegmentState::Building)?.first() {
        go_on(tables, building, left)?;
        return Ok(Some(()));
    }
    Ok(None)
}

/// The newest segments of one size or less, where there are enough of them. The segments given are in the order of their age.
fn due(segments: &[WordSegment]) -> Option<&[WordSegment]> {
    let size = |segment: &WordSegment| (segment.passages / SMALLEST).max(1).ilog(FACTOR);
    let largest = segments.iter().map(size).max()?;
    (0..=largest).find_map(|most| {
        let start = segments.iter().rposition(|segment| size(segment) > most).map_or(0, |at| at + 1);
        let run = &segments[start..];
        (run.len() as u64 >= FACTOR).then_some(run)
    })
}

/// The segments that a merged one takes the place of, from the oldest to the newest.
fn inputs(tables: &dyn WordTables, building: &WordSegment) -> Result<Vec<WordSegment>, Error> {
    let mut ready = tables.segments(SegmentState::Ready)?;
    ready.retain(|segment| (building.oldest..=building.newest).contains(&segment.newest));
    Ok(ready)
}

/// Begins to merge segments that follow each other.
fn begin(tables: &dyn WordTables, run: &[WordSegment]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let oldest = tables.segments(SegmentState::Ready)?.first().map(|segment| segment.id);
    let docs = decoded(tables, run)?;
    let dead = Dead::default();
    let merged: Vec<(&Docs, &Dead)> = docs.iter().map(|table| (table, &dead)).collect();
    let docs = merged_docs(&merged, oldest == Some(first.id));
    let building = NewWordSegment {
        state: SegmentState::Building,
        range: Some((first.oldest, last.newest)),
        passages: docs.passages().len(),
        pages: 0,
        table: &docs.encode(),
    };
    tables.insert_segment(&building).map(drop)
}

/// Goes on with a merge, as far as `left` pages go.
fn go_on(tables: &dyn WordTables, building: &WordSegment, left: &mut usize) -> Result<(), Error> {
    let inputs = inputs(tables, building)?;
    let docs = decoded(tables, &inputs)?;
    let into = decoded(tables, &[*building])?.pop().unwrap_or_default();
    let stored: Vec<StoredPages<'_>> =
        inputs.iter().map(|input| StoredPages::new(tables, input.id)).collect();
    let merged: Vec<(&Docs, &dyn Pages)> =
        docs.iter().zip(&stored).map(|(table, pages)| (table, pages as &dyn Pages)).collect();
    let written = tables.last_page(building.id)?;
    let after = written.map_or_else(|| Ok(Vec::new()), |page| page.last_term())?;
    let mut merge = Merge::new(&merged, &into, &after)?;
    if write_merged(tables, building.id, &mut merge, left)? {
        tables.finish_segment(building.id)?;
        inputs.iter().try_for_each(|input| tables.set_state(input.id, SegmentState::Leaving))?;
    }
    Ok(())
}

/// Writes pages of a merge, as far as `left` goes; whether there are no more.
pub(super) fn write_merged(
    tables: &dyn WordTables,
    into: i64,
    merge: &mut Merge<'_>,
    left: &mut usize,
) -> Result<bool, Error> {
    let mut pages = Vec::new();
    while *left > 0 {
        let page = merge.next_page()?;
        let is_last = page.is_none();
        pages.extend(page);
        if is_last || pages.len() == WRITTEN_AT_ONCE {
            tables.write_pages(into, &pages)?;
            pages.clear();
        }
        if is_last {
            return Ok(true);
        }
        *left -= 1;
    }
    tables.write_pages(into, &pages)?;
    Ok(false)
}

/// The tables of the segments' passages.
fn decoded(tables: &dyn WordTables, segments: &[WordSegment]) -> Result<Vec<Docs>, Error> {
    let ids: Vec<i64> = segments.iter().map(|segment| segment.id).collect();
    tables.tables(&ids)?.iter().map(|table| Ok(Docs::decode(table)?)).collect()
}

/// Makes one segment of all, in steps short enough for a transaction each.
#[cfg(feature = "sqlite")]
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    is_persisted: bool,
    is_begun: bool,
}

#[cfg(feature = "sqlite")]
impl Compaction {
    /// One step more; whether another one is needed.
    pub(crate) fn step(&mut self, tables: &dyn WordTables) -> Result<bool, Error> {
        if !self.is_persisted {
            self.is_persisted = true;
            persist(tables, None, &mut |_, _| Ok(()))?;
            return Ok(true);
        }
        if step(tables, &mut { PAGES_AT_ONCE })?.is_some() {
            return Ok(true);
        }
        let ready = tables.segments(SegmentState::Ready)?;
        // Writers add segments meanwhile, which must not keep it going without end.
        if self.is_begun || ready.len() < 2 {
            return Ok(false);
        }
        self.is_begun = true;
        begin(tables, &ready)?;
        Ok(true)
    }
}
