//! What the word index needs of an engine.

use std::ops::ControlFlow;

use super::{NewWordSegment, NewWords, SegmentState, StoredText, WordSegment};
use crate::words::index::Page as WordPage;
use crate::{Error, LogPosition};

/// The tables of the word index, as one transaction sees them. docs/storage.md describes the rows.
///
/// All methods fail with what the engine fails with. Those of the second half write, and are called in transactions that
/// may.
pub trait WordTables {
    /// Where the change log stands.
    fn position(&self) -> Result<LogPosition, Error>;

    /// The segments in a state, from the oldest to the newest: by `newest`, then by number.
    fn segments(&self, state: SegmentState) -> Result<Vec<WordSegment>, Error>;

    /// The tables of these segments' passages, in their order. A segment that is not there has an empty one.
    fn tables(&self, segments: &[i64]) -> Result<Vec<Vec<u8>>, Error>;

    /// Number of pages that each of these segments has, in their order.
    fn count_pages(&self, segments: &[i64]) -> Result<Vec<u64>, Error>;

    /// The last page whose first term is `term` or lies before it. Terms are compared as bytes.
    fn page_at(&self, segment: i64, term: &[u8]) -> Result<Option<WordPage>, Error>;

    /// The pages whose first terms lie after `term`, in order: at least the next one, if there is one, and as many more as the engine
    /// finds worth reading with it.
    fn pages_after(&self, segment: i64, term: &[u8]) -> Result<Vec<WordPage>, Error>;

    /// The last page.
    fn last_page(&self, segment: i64) -> Result<Option<WordPage>, Error>;

    /// Of each of these segments the pages that [`page_at`](Self::page_at) gives for these terms, all at once, each once and in any order;
    /// `None`: that is no faster than asking for one after the other.
    fn pages_at(&self, segments: &[i64], terms: &[&[u8]]) -> Result<Option<Vec<(i64, WordPage)>>, Error> {
        let _ = (segments, terms);
        Ok(None)
    }

    /// All entries that wait to be moved into a segment, by row number ascending, each with the number of its newest change: one that
    /// has the same as before is as it was.
    fn waiting(&self) -> Result<Vec<(i64, Option<i64>)>, Error>;

    /// Calls `each` with the texts of these entries, in this order, until it breaks; `None`: the entry is not there.
    fn texts(
        &self,
        rows: &[i64],
        each: &mut dyn FnMut(i64, Option<StoredText>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error>;

    /// The words of the entries that this transaction wrote, where they are known and the entries are still as they were written. They
    /// are given once. `None`: the texts are to be read.
    fn new_words(&self) -> Option<NewWords> {
        None
    }

    /// How many entries wait, and how many characters they have together, counted up to so many entries.
    fn count_waiting(&self, most: usize) -> Result<(usize, f64), Error>;

    /// The first entries that wait after the row number `after`: at most so many, and no more once they have so many characters.
    fn waiting_after(&self, after: i64, entries: usize, characters: i64) -> Result<Vec<i64>, Error>;

    /// Entries after the row number `after` up to `last` wait no longer.
    fn wait_no_longer(&self, after: i64, last: i64) -> Result<(), Error>;

    /// Every entry waits, and no other row.
    fn let_all_wait(&self) -> Result<(), Error>;

    /// Adds a segment; gives its number. Its pages are written separately.
    fn insert_segment(&self, segment: &NewWordSegment<'_>) -> Result<i64, Error>;

    /// Adds pages to a segment.
    fn write_pages(&self, segment: i64, pages: &[WordPage]) -> Result<(), Error>;

    /// Changes what a segment is for.
    fn set_state(&self, segment: i64, state: SegmentState) -> Result<(), Error>;

    /// A segment of which every page is written is ready, and has to have the pages that it has.
    fn finish_segment(&self, segment: i64) -> Result<(), Error>;

    /// Deletes up to so many pages of a segment, and the segment itself when there were fewer; gives how many pages there were.
    fn delete_pages(&self, segment: i64, most: usize) -> Result<usize, Error>;

    /// Deletes all segments and pages.
    fn delete_segments(&self) -> Result<(), Error>;

    /// Begins something that may be [undone](Self::undo_attempt) without the rest of the transaction.
    fn begin_attempt(&self) -> Result<(), Error>;

    /// Keeps what was done since the attempt began.
    fn end_attempt(&self) -> Result<(), Error>;

    /// Undoes what was done since; false: the transaction is over, too.
    fn undo_attempt(&self) -> Result<bool, Error>;
}
