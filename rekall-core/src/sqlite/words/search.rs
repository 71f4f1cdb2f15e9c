//! Search by words.

use std::ops::Deref;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;

use super::SqliteWords;
use crate::sqlite::SqliteTx;
use crate::store::{MatchEntries, SearchWords};
use crate::words::TextQuery;
use crate::words::index::WordHit;
use crate::words::stored::{SegmentState, WordIndex, WordTables, search_words};
use crate::{Error, Filter};

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// The tables of the word index.
    pub(crate) fn words(&self) -> SqliteWords<'_> {
        SqliteWords::new(&self.connection, self.reach)
    }

    /// Whether all words are in one segment, and nothing else is there.
    pub(crate) fn words_are_whole(&self) -> Result<bool, Error> {
        let words = self.words();
        let count = |state| Ok::<usize, Error>(words.segments(state)?.len());
        Ok(count(SegmentState::Ready)? <= 1
            && count(SegmentState::Building)? + count(SegmentState::Leaving)? == 0
            && words.count_waiting(1)?.0 == 0)
    }

    /// Calls `with` with the word index as of this transaction.
    pub(crate) fn with_words<T>(&self, with: impl FnOnce(WordIndex<'_>) -> T) -> T {
        let tables = self.words();
        with(WordIndex::new(&tables, &self.store.word_memory, self.writes))
    }
}

impl<C: Deref<Target = Connection>> SearchWords for SqliteTx<'_, C> {
    fn search_words(&self, query: &TextQuery, filter: &Filter, limit: usize) -> Result<Vec<WordHit>, Error> {
        self.with_words(|index| search_words(self, &index, query, filter, limit))
    }

    fn search_words_among(
        &self,
        query: &TextQuery,
        admitted: &dyn Fn(i64) -> bool,
        limit: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error> {
        self.with_words(|index| index.search(query, admitted, limit, cancel))
    }

    fn fault_of_words(&self) -> Result<Option<String>, Error> {
        let entries = self.count_entries()?;
        self.with_words(|index| index.fault(entries))
    }

    fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        let sql = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM tag{}) AND EXISTS (SELECT 1 FROM entry WHERE tags <> '[]'{})",
            self.reach.only("entry_id"),
            self.reach.and("id")
        );
        let are_gone: bool = self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok(are_gone.then(|| "no tag is in the index of tags".to_owned()))
    }
}
