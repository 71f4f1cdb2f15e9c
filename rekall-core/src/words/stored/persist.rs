//! Moving entries that wait into segments.

use std::ops::ControlFlow;

use super::WordTables;
use super::entry_words::EntryIndexer;
use super::merge::WRITTEN_AT_ONCE;
use super::segment::{NewWordSegment, SegmentState};
use crate::Error;
use crate::words::index::Builder;

/// At most so many entries become one segment, so that memory is bounded however many wait.
const ENTRIES_AT_ONCE: usize = 16_384;

/// The same, in characters. A builder takes about ten bytes for each.
const CHARACTERS_AT_ONCE: i64 = 4_000_000;

/// Moves all entries that wait into new segments, in batches of bounded memory; gives the number of pages written. `each` is
/// called with the row number of each entry and the number of its passages; 0: it is gone.
pub(super) fn persist(
    tables: &dyn WordTables,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut indexer = EntryIndexer::new();
    let mut after = i64::MIN;
    let mut written = 0;
    loop {
        let batch = tables.waiting_after(after, ENTRIES_AT_ONCE, CHARACTERS_AT_ONCE)?;
        let Some(&last) = batch.last() else { return Ok(written) };
        let mut builder = Builder::default();
        tables.texts(&batch, &mut |row, text| {
            each(row, indexer.index(row, text.as_ref(), &mut builder))?;
            Ok(ControlFlow::Continue(()))
        })?;
        written += write(tables, &builder)?;
        tables.wait_no_longer(after, last)?;
        after = last;
    }
}

fn write(tables: &dyn WordTables, builder: &Builder) -> Result<usize, Error> {
    let (docs, pages) = builder.build();
    let segment = NewWordSegment {
        state: SegmentState::Ready,
        range: None,
        passages: docs.passages().len(),
        pages: pages.len(),
        table: &docs.encode(),
    };
    let segment = tables.insert_segment(&segment)?;
    pages.chunks(WRITTEN_AT_ONCE).try_for_each(|pages| tables.write_pages(segment, pages))?;
    Ok(pages.len())
}
