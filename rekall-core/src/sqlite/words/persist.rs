//! Moving entries that wait into segments.

use rusqlite::Connection;

use super::entry_words::EntryIndexer;
use super::segments::{NewSegment, State};
use super::{pages, pending};
use crate::Error;
use crate::words::index::Builder;

/// At most so many entries become one segment, so that memory is bounded however many wait.
const ENTRIES_AT_ONCE: usize = 16_384;

/// The same, in characters. A builder takes about ten bytes for each.
const CHARACTERS_AT_ONCE: i64 = 4_000_000;

/// Moves all entries that wait into new segments, in batches of bounded memory; gives the number of pages written. `each` is
/// called with the row number of each entry and the number of its passages; 0: it is gone.
pub(crate) fn persist(
    connection: &Connection,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut indexer = EntryIndexer::new();
    let mut after = i64::MIN;
    let mut written = 0;
    loop {
        let batch = pending::batch(connection, after, ENTRIES_AT_ONCE, CHARACTERS_AT_ONCE)?;
        let Some(&last) = batch.last() else { return Ok(written) };
        let mut builder = Builder::default();
        for row in batch {
            let passages = indexer.index(connection, row, &mut builder)?;
            each(row, passages)?;
        }
        written += write(connection, &builder)?;
        pending::done(connection, after, last)?;
        after = last;
    }
}

fn write(connection: &Connection, builder: &Builder) -> Result<usize, Error> {
    let (docs, pages) = builder.build();
    let segment = NewSegment {
        state: State::Ready,
        range: None,
        passages: docs.passages().len(),
        pages: pages.len(),
        docs: &docs.encode(),
    };
    let segment = segment.insert(connection)?;
    pages.iter().try_for_each(|page| pages::write(connection, segment, page))?;
    Ok(pages.len())
}
