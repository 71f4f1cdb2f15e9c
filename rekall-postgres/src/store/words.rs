//! Search by words.

use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::engine::{WordIndex, rebuild_words, search_words};
use rekall_core::store::{MatchEntries, ReadEntries, SearchWords};
use rekall_core::{Error, Filter, TextQuery, WordHit};

use super::PostgresStore;
use super::tx::Tx;
use super::word_tables::Words;

impl Tx<'_> {
    /// Calls `with` with the word index as of this transaction.
    pub(super) fn with_words<T>(&self, with: impl FnOnce(WordIndex<'_>) -> T) -> T {
        if !self.writes() {
            // From now on, views begin with what that needs.
            self.store.searches_words.store(true, Ordering::Relaxed);
        }
        with(WordIndex::new(&Words(self), &self.store.word_memory, self.writes()))
    }
}

impl SearchWords for Tx<'_> {
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

    fn version_of_words(&self) -> Option<i64> {
        // Triggers see to it that every entry has words or waits for them; segments are never changed.
        self.learned_words()
    }

    fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        // Triggers keep the tags, and the server keeps the triggers.
        Ok(None)
    }

    fn version_of_tags(&self) -> Option<i64> {
        Some(0)
    }
}

impl PostgresStore {
    /// Looks for words that are in the index and in no entry, and the other way round; gives what is wrong, as sentences. Reads every
    /// text and every page of the index.
    ///
    /// # Errors
    /// What asking the server fails with.
    pub fn check_words(&self) -> Result<Vec<String>, Error> {
        let tx = self.begin_read()?;
        let rows: Vec<i64> = tx.all_ids()?.into_iter().map(|(row, _)| row).collect();
        tx.with_words(|index| index.faults(&rows))
    }

    /// Makes the index of words again from the entries, in one transaction; other writers wait for it. For an index that
    /// [`check_words`](Self::check_words) finds damaged, after a fault of a disk or another program.
    ///
    /// # Errors
    /// As any write.
    pub fn rebuild_words(&self) -> Result<(), Error> {
        let tx = self.begin_write()?;
        rebuild_words(&Words(&tx), &mut |_, _| Ok(()))?;
        tx.finish()
    }
}
