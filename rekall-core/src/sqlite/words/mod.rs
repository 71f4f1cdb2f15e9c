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
use super::reach::Reach;
use crate::words::index::Page;
use crate::words::stored::{NewWordSegment, SegmentState, StoredText, WordSegment, WordTables};
use crate::{Error, LogPosition};

/// The tables, by the connection of a transaction, as far as they are of one memory.
#[derive(Clone, Copy)]
pub(crate) struct SqliteWords<'c> {
    connection: &'c Connection,
    reach: Reach,
}

impl<'c> SqliteWords<'c> {
    pub(crate) fn new(connection: &'c Connection, reach: Reach) -> Self {
        Self { connection, reach }
    }
}

impl WordTables for SqliteWords<'_> {
    fn position(&self) -> Result<LogPosition, Error> {
        changes::position(self.connection)
    }

    fn segments(&self, state: SegmentState) -> Result<Vec<WordSegment>, Error> {
        segments::in_state(self.connection, self.reach, state)
    }

    fn tables(&self, segments: &[i64]) -> Result<Vec<Vec<u8>>, Error> {
        segments.iter().map(|&segment| segments::table(self.connection, self.reach.stored(segment))).collect()
    }

    fn count_pages(&self, segments: &[i64]) -> Result<Vec<u64>, Error> {
        let count = |&segment| segments::count_pages(self.connection, self.reach.stored(segment));
        segments.iter().map(count).collect()
    }

    fn page_at(&self, segment: i64, term: &[u8]) -> Result<Option<Page>, Error> {
        pages::at(self.connection, self.reach.stored(segment), term)
    }

    fn pages_after(&self, segment: i64, term: &[u8]) -> Result<Vec<Page>, Error> {
        Ok(Vec::from_iter(pages::after(self.connection, self.reach.stored(segment), term)?))
    }

    fn last_page(&self, segment: i64) -> Result<Option<Page>, Error> {
        pages::last(self.connection, self.reach.stored(segment))
    }

    fn waiting(&self) -> Result<Vec<(i64, Option<i64>)>, Error> {
        pending::with_changes(self.connection, self.reach)
    }

    fn texts(
        &self,
        rows: &[i64],
        each: &mut dyn FnMut(i64, Option<StoredText>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        for &row in rows {
            if each(row, texts::read(self.connection, self.reach.stored(row))?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn count_waiting(&self, most: usize) -> Result<(usize, f64), Error> {
        pending::count(self.connection, self.reach, most)
    }

    fn waiting_after(&self, after: i64, entries: usize, characters: i64) -> Result<Vec<i64>, Error> {
        pending::batch(self.connection, self.reach, after, entries, characters)
    }

    fn wait_no_longer(&self, after: i64, last: i64) -> Result<(), Error> {
        pending::done(self.connection, self.reach, after, last)
    }

    fn let_all_wait(&self) -> Result<(), Error> {
        pending::all(self.connection, self.reach)
    }

    fn insert_segment(&self, segment: &NewWordSegment<'_>) -> Result<i64, Error> {
        segments::insert(self.connection, self.reach, segment)
    }

    fn write_pages(&self, segment: i64, pages: &[Page]) -> Result<(), Error> {
        let segment = self.reach.stored(segment);
        pages.iter().try_for_each(|page| pages::write(self.connection, segment, page))
    }

    fn set_state(&self, segment: i64, state: SegmentState) -> Result<(), Error> {
        segments::set_state(self.connection, self.reach.stored(segment), state)
    }

    fn finish_segment(&self, segment: i64) -> Result<(), Error> {
        segments::finish(self.connection, self.reach.stored(segment))
    }

    fn delete_pages(&self, segment: i64, most: usize) -> Result<usize, Error> {
        segments::delete(self.connection, self.reach.stored(segment), most)
    }

    fn delete_segments(&self) -> Result<(), Error> {
        segments::delete_all(self.connection, self.reach)
    }

    fn begin_attempt(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("SAVEPOINT word_merge")?)
    }

    fn end_attempt(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("RELEASE word_merge")?)
    }

    fn undo_attempt(&self) -> Result<bool, Error> {
        if self.connection.is_autocommit() {
            return Ok(false);
        }
        self.connection.execute_batch("ROLLBACK TO word_merge; RELEASE word_merge")?;
        Ok(true)
    }
}
