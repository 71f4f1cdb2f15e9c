//! Moving entries that wait into segments.

use std::ops::ControlFlow;

use super::entry_words::EntryIndexer;
use super::merge::WRITTEN_AT_ONCE;
use super::segment::{NewWordSegment, SegmentState};
use super::{NewWords, WordTables};
use crate::Error;
use crate::words::index::{Builder, Docs, Page};

/// At most so many entries become one segment, so that memory is bounded however many wait.
pub(super) const ENTRIES_AT_ONCE: usize = 16_384;

/// The same, in characters. A builder takes about ten bytes for each.
pub(super) const CHARACTERS_AT_ONCE: i64 = 4_000_000;

/// Moves all entries that wait into new segments, in batches of bounded memory; gives the number of pages written. `each` is
/// called with the row number of each entry and the number of its passages; 0: it is gone. Not of those whose words are `known`.
pub(super) fn persist(
    tables: &dyn WordTables,
    mut known: Option<NewWords>,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut indexer = EntryIndexer::new();
    let mut after = i64::MIN;
    let mut written = 0;
    loop {
        let batch = tables.waiting_after(after, ENTRIES_AT_ONCE, CHARACTERS_AT_ONCE)?;
        let Some(&last) = batch.last() else { return Ok(written) };
        let segment = match known.take().and_then(|known| known.of(&batch)) {
            Some(known) => known,
            None => {
                let mut builder = Builder::default();
                tables.texts(&batch, &mut |row, text| {
                    each(row, indexer.index(row, text.as_ref(), &mut builder))?;
                    Ok(ControlFlow::Continue(()))
                })?;
                builder.build()
            }
        };
        written += write(tables, &segment)?;
        tables.wait_no_longer(after, last)?;
        after = last;
    }
}

fn write(tables: &dyn WordTables, (docs, pages): &(Docs, Vec<Page>)) -> Result<usize, Error> {
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
