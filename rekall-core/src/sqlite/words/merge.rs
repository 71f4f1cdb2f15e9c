//! Merging segments, so that a search looks into few.
//!
//! Eight segments of about one size become one of about eight times that size; so a word is written some times over in the
//! index's life, and the number of segments grows with the logarithm of the file. A merge goes on page by page, over as many
//! transactions as it takes: until it is whole, its segment is in state `building`, and those that it merges are searched.
//! Afterwards these are deleted in the same way, in state `leaving`.

use rusqlite::Connection;

use super::pages::{self, StoredPages};
use super::persist::persist;
use super::segments::{self, NewSegment, Segment, State};
use crate::Error;
use crate::words::index::{Dead, Docs, Merge, Pages, merged_docs};

/// So many segments of a size are merged.
const FACTOR: u64 = 8;

/// Passages of a segment of the smallest size.
const SMALLEST: u64 = 256;

/// Pages that are merged in one transaction, at the least: some milliseconds.
const PAGES_AT_ONCE: usize = 256;

/// How many pages are merged for each that was written: each is written again for each size that its segment grows to.
const PAGES_A_PAGE: usize = 6;

/// How much cheaper it is to delete a page than to merge it.
const DELETED_A_PAGE: usize = 4;

/// Goes on with what there is to merge, as much as the pages that were written justify.
pub(crate) fn work(connection: &Connection, written: usize) -> Result<(), Error> {
    let mut left = PAGES_AT_ONCE + PAGES_A_PAGE * written;
    while left > 0 {
        match step(connection, &mut left)? {
            Some(()) => {}
            None => match due(&segments::in_state(connection, State::Ready)?) {
                Some(run) => begin(connection, run)?,
                None => return Ok(()),
            },
        }
    }
    Ok(())
}

/// The work that was begun, as far as `left` pages go; `None`: there is none.
fn step(connection: &Connection, left: &mut usize) -> Result<Option<()>, Error> {
    if let Some(leaving) = segments::in_state(connection, State::Leaving)?.first() {
        let deleted = segments::delete(connection, leaving.id, *left * DELETED_A_PAGE)?;
        *left = left.saturating_sub(deleted.div_ceil(DELETED_A_PAGE).max(1));
        return Ok(Some(()));
    }
    if let Some(building) = segments::in_state(connection, State::Building)?.first() {
        go_on(connection, building, left)?;
        return Ok(Some(()));
    }
    Ok(None)
}

/// The newest segments of one size or less, where there are enough of them. The segments given are in the order of their age.
fn due(segments: &[Segment]) -> Option<&[Segment]> {
    let size = |segment: &Segment| (segment.passages / SMALLEST).max(1).ilog(FACTOR);
    let largest = segments.iter().map(size).max()?;
    (0..=largest).find_map(|most| {
        let start = segments.iter().rposition(|segment| size(segment) > most).map_or(0, |at| at + 1);
        let run = &segments[start..];
        (run.len() as u64 >= FACTOR).then_some(run)
    })
}

/// The segments that a merged one takes the place of, from the oldest to the newest.
fn inputs(connection: &Connection, building: &Segment) -> Result<Vec<Segment>, Error> {
    let mut ready = segments::in_state(connection, State::Ready)?;
    ready.retain(|segment| (building.oldest..=building.newest).contains(&segment.newest));
    Ok(ready)
}

/// Begins to merge segments that follow each other.
fn begin(connection: &Connection, run: &[Segment]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let oldest = segments::in_state(connection, State::Ready)?.first().map(|segment| segment.id);
    let tables = run.iter().map(|segment| table(connection, segment)).collect::<Result<Vec<_>, _>>()?;
    let dead = Dead::default();
    let merged: Vec<(&Docs, &Dead)> = tables.iter().map(|table| (table, &dead)).collect();
    let docs = merged_docs(&merged, oldest == Some(first.id));
    let building = NewSegment {
        state: State::Building,
        range: Some((first.oldest, last.newest)),
        passages: docs.passages().len(),
        pages: 0,
        docs: &docs.encode(),
    };
    building.insert(connection).map(drop)
}

/// Goes on with a merge, as far as `left` pages go.
fn go_on(connection: &Connection, building: &Segment, left: &mut usize) -> Result<(), Error> {
    let inputs = inputs(connection, building)?;
    let tables = inputs.iter().map(|input| table(connection, input)).collect::<Result<Vec<_>, _>>()?;
    let stored: Vec<StoredPages<'_>> =
        inputs.iter().map(|input| StoredPages::new(connection, input.id)).collect();
    let merged: Vec<(&Docs, &dyn Pages)> =
        tables.iter().zip(&stored).map(|(table, pages)| (table, pages as &dyn Pages)).collect();
    let written = StoredPages::new(connection, building.id).last()?;
    let after = written.map_or_else(|| Ok(Vec::new()), |page| page.last_term())?;
    let mut merge = Merge::new(&merged, &table(connection, building)?, &after)?;
    while *left > 0 {
        let Some(page) = merge.next_page()? else {
            segments::finish(connection, building.id)?;
            return inputs
                .iter()
                .try_for_each(|input| segments::set_state(connection, input.id, State::Leaving));
        };
        pages::write(connection, building.id, &page)?;
        *left -= 1;
    }
    Ok(())
}

/// The table of a segment's passages.
fn table(connection: &Connection, segment: &Segment) -> Result<Docs, Error> {
    Ok(Docs::decode(&segments::docs(connection, segment.id)?.unwrap_or_default())?)
}

/// Makes one segment of all, in steps short enough for a transaction each.
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    is_persisted: bool,
    is_begun: bool,
}

impl Compaction {
    /// One step more; whether another one is needed.
    pub(crate) fn step(&mut self, connection: &Connection) -> Result<bool, Error> {
        if !self.is_persisted {
            self.is_persisted = true;
            persist(connection, &mut |_, _| Ok(()))?;
            return Ok(true);
        }
        if step(connection, &mut { PAGES_AT_ONCE })?.is_some() {
            return Ok(true);
        }
        let ready = segments::in_state(connection, State::Ready)?;
        // Writers add segments meanwhile, which must not keep it going without end.
        if self.is_begun || ready.len() < 2 {
            return Ok(false);
        }
        self.is_begun = true;
        begin(connection, &ready)?;
        Ok(true)
    }
}
