//! The tables of the word index in the file: segments and their pages in two, and the entries that wait to be moved into one in a
//! third, where triggers note each entry whose words changed, whatever program wrote. What is done with them is in
//! [`words::stored`](crate::words::stored).

pub(crate) mod faults;
mod pages;
mod pending;
pub(crate) mod rebuild;
mod search;
mod segments;
mod texts;

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::changes;
use crate::words::index::Page;
use crate::words::stored::{NewWordSegment, SegmentState, StoredText, WordSegment, WordTables};
use crate::{Error, LogPosition};

/// The tables, by the connection of a transaction.
#[derive(Clone, Copy)]
pub(crate) struct SqliteWords<'c>(pub(crate) &'c Connection);

impl WordTables for SqliteWords<'_> {
    fn position(&self) -> Result<LogPosition, Error> {
        changes::position(self.0)
    }

    fn segments(&self, state: SegmentState) -> Result<Vec<WordSegment>, Error> {
        segments::in_state(self.0, state)
    }

    fn tables(&self, segments: &[i64]) -> Result<Vec<Vec<u8>>, Error> {
        segments.iter().map(|&segment| segments::table(self.0, segment)).collect()
    }

    fn count_pages(&self, segment: i64) -> Result<u64, Error> {
        segments::count_pages(self.0, segment)
    }

    fn page_at(&self, segment: i64, term: &[u8]) -> Result<Option<Page>, Error> {
        pages::at(self.0, segment, term)
    }

    fn pages_after(&self, segment: i64, term: &[u8]) -> Result<Vec<Page>, Error> {
        Ok(Vec::from_iter(pages::after(self.0, segment, term)?))
    }

    fn last_page(&self, segment: i64) -> Result<Option<Page>, Error> {
        pages::last(self.0, segment)
    }

    fn waiting(&self) -> Result<Vec<(i64, Option<i64>)>, Error> {
        pending::with_changes(self.0)
    }

    fn texts(
        &self,
        rows: &[i64],
        each: &mut dyn FnMut(i64, Option<StoredText>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        for &row in rows {
            if each(row, texts::read(self.0, row)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn count_waiting(&self, most: usize) -> Result<(usize, f64), Error> {
        pending::count(self.0, most)
    }

    fn waiting_after(&self, after: i64, entries: usize, characters: i64) -> Result<Vec<i64>, Error> {
        pending::batch(self.0, after, entries, characters)
    }

    fn wait_no_longer(&self, after: i64, last: i64) -> Result<(), Error> {
        pending::done(self.0, after, last)
    }

    fn let_all_wait(&self) -> Result<(), Error> {
        pending::all(self.0)
    }

    fn insert_segment(&self, segment: &NewWordSegment<'_>) -> Result<i64, Error> {
        segments::insert(self.0, segment)
    }

    fn write_pages(&self, segment: i64, pages: &[Page]) -> Result<(), Error> {
        pages.iter().try_for_each(|page| pages::write(self.0, segment, page))
    }

    fn set_state(&self, segment: i64, state: SegmentState) -> Result<(), Error> {
        segments::set_state(self.0, segment, state)
    }

    fn finish_segment(&self, segment: i64) -> Result<(), Error> {
        segments::finish(self.0, segment)
    }

    fn delete_pages(&self, segment: i64, most: usize) -> Result<usize, Error> {
        segments::delete(self.0, segment, most)
    }

    fn delete_segments(&self) -> Result<(), Error> {
        Ok(self.0.execute_batch("DELETE FROM word_page; DELETE FROM word_segment;")?)
    }

    fn begin_attempt(&self) -> Result<(), Error> {
        Ok(self.0.execute_batch("SAVEPOINT word_merge")?)
    }

    fn end_attempt(&self) -> Result<(), Error> {
        Ok(self.0.execute_batch("RELEASE word_merge")?)
    }

    fn undo_attempt(&self) -> Result<bool, Error> {
        if self.0.is_autocommit() {
            return Ok(false);
        }
        self.0.execute_batch("ROLLBACK TO word_merge; RELEASE word_merge")?;
        Ok(true)
    }
}
