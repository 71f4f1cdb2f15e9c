//! Erasing words (`secure_delete`): what was changed or deleted leaves the segments in the transaction that did it.

use super::merge::write_merged;
use super::pages::StoredPages;
use super::segment::{NewWordSegment, SegmentState, WordSegment};
use super::{WordIndex, WordTables};
use crate::Error;
use crate::words::index::{Dead, Docs, Merge, merged_docs};

/// Takes the words of all entries that wait out of the segments: these are of texts as they were. Every segment that has one of
/// them is written again without them, so that O(their size).
pub(super) fn erase_waiting(index: &WordIndex<'_>) -> Result<(), Error> {
    let tables = index.tables;
    let rows: Vec<i64> = tables.waiting()?.into_iter().map(|(row, _)| row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    // Copies of segments: what a merge has made so far, and what it has replaced.
    for leaving in tables.segments(SegmentState::Leaving)? {
        tables.delete_pages(leaving.id, usize::MAX)?;
    }
    for building in tables.segments(SegmentState::Building)? {
        let docs = Docs::decode(&tables.tables(&[building.id])?.pop().unwrap_or_default());
        if !docs.is_ok_and(|docs| dead_of(&docs, &rows).count() == 0) {
            tables.delete_pages(building.id, usize::MAX)?;
        }
    }
    let mut is_oldest = true;
    for (segment, docs) in index.segment_tables()? {
        let dead = dead_of(&docs, &rows);
        if dead.count() > 0 {
            write_again(tables, &segment, &docs, &dead, is_oldest)?;
        }
        is_oldest = false;
    }
    Ok(())
}

fn dead_of(docs: &Docs, rows: &[i64]) -> Dead {
    let mut dead = Dead::default();
    dead.mark_rows(docs, rows.iter().copied());
    dead
}

/// Puts a segment without its dead passages in the place of one.
fn write_again(
    tables: &dyn WordTables,
    segment: &WordSegment,
    docs: &Docs,
    dead: &Dead,
    is_oldest: bool,
) -> Result<(), Error> {
    let living = merged_docs(&[(docs, dead)], is_oldest);
    let stored = StoredPages::new(tables, segment.id);
    let again = NewWordSegment {
        state: SegmentState::Building,
        range: Some((segment.oldest, segment.newest)),
        passages: living.passages().len(),
        pages: 0,
        table: &living.encode(),
    };
    let again = tables.insert_segment(&again)?;
    let mut merge = Merge::new(&[(docs, &stored)], &living, &[])?;
    write_merged(tables, again, &mut merge, &mut { usize::MAX })?;
    tables.delete_pages(segment.id, usize::MAX)?;
    tables.finish_segment(again)
}
