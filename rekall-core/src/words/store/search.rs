//! Search by words.

use std::ops::Deref;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;

use super::literal::{self, MOST_READ};
use crate::lock::lock;
use crate::words::TextQuery;
use crate::words::index::{Request, WordHit, search};
use crate::{Error, Filter, Status, Tx};

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The `limit` best entries for a search by words, best first, equal ones by row number; and all that have the same
    /// score as the last of them, so that a caller can break that tie by another rule.
    ///
    /// Every word is searched, the most frequent ones too. Cost: as [`search_words_among`](Self::search_words_among), and
    /// that of [`matching`](Self::matching).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions, TextQuery};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let hits = tx.search_words(&TextQuery::new("safari cors"), &Filter::new(), 10)?;
    /// assert_eq!(hits[0].key.row, ids[0].row);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn search_words(
        &self,
        query: &TextQuery,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<WordHit>, Error> {
        if filter.is_unconditional() && filter.status != Some(Status::Obsolete) {
            let mut hidden = if filter.status.is_some() { self.obsolete()? } else { Vec::new() };
            if !filter.include_expired {
                hidden.extend(self.expired()?);
            }
            hidden.sort_unstable();
            return self.search_words_among(query, &|row| hidden.binary_search(&row).is_err(), limit, None);
        }
        let matching = self.matching(filter)?;
        self.search_words_among(query, &|row| matching.binary_search(&row).is_ok(), limit, None)
    }

    /// The same among the entries that `admitted` says may be hits, by their row numbers. The flag stops it within about a
    /// millisecond.
    ///
    /// Cost: O(passages that hold one of the words), some nanoseconds each. The first search of a process, and the first
    /// one after something was written, first read what changed; those of a file of an older version, which nobody here
    /// may write to, read every entry once.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`] or [`Error::Interrupted`].
    pub fn search_words_among(
        &self,
        query: &TextQuery,
        admitted: &dyn Fn(i64) -> bool,
        limit: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.word_view(cancel)?;
        let compares = !query.literals().is_empty() && limit > 0;
        let depth = if compares { limit.max(MOST_READ) } else { limit };
        let request =
            Request { words: query.words(), phrases: query.phrases(), admitted, limit: depth, cancel };
        let mut scratch = lock(&self.store.word_scratch).take().unwrap_or_default();
        let hits = view.with_sources(&self.connection, |sources| search(sources, &request, &mut scratch));
        *lock(&self.store.word_scratch) = Some(scratch);
        let mut hits = hits?;
        if compares {
            literal::prefer(&self.connection, query.literals(), &mut hits, cancel)?;
            if let Some(last) = hits.get(limit - 1).map(|hit| hit.score) {
                hits.retain(|hit| hit.score >= last);
            }
        }
        Ok(hits)
    }

    /// What a search by words misses, as a sentence, as far as a quick look shows: entries that are not in the index, or
    /// pages of it that are not found. `None`: nothing. [`check`](crate::Store::check) looks at everything.
    /// O(entries): about a millisecond for 100,000.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn fault_of_words(&self) -> Result<Option<String>, Error> {
        self.word_view(None)?.fault(&self.connection, self.count_entries()?)
    }

    /// The same of the index of tags, which a filter by tags reads: whether it is empty and should not be. O(log n), and
    /// where no entry has tags O(entries).
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM tag) AND EXISTS (SELECT 1 FROM entry WHERE tags <> '[]')";
        let are_gone: bool = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(are_gone.then(|| "no tag is in the index of tags".to_owned()))
    }
}
