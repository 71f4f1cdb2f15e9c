//! Search by words.

use crate::words::TextQuery;
use crate::words::WordHit;
use crate::{Error, Filter};
use std::sync::atomic::AtomicBool;

/// Search by words.
pub trait SearchWords {
    /// The `limit` best entries for a search by words, best first, equal ones by row number; and all that have the same
    /// score as the last of them, so that a caller can break that tie by another rule.
    ///
    /// Every word is searched, the most frequent ones too. Cost: as [`search_words_among`](Self::search_words_among), and
    /// that of [`matching`](super::MatchEntries::matching).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions, TextQuery};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let hits = tx.search_words(&TextQuery::new("safari cors"), &Filter::new(), 10)?;
    /// assert_eq!(hits[0].key.row, ids[0].row);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn search_words(&self, query: &TextQuery, filter: &Filter, limit: usize) -> Result<Vec<WordHit>, Error>;

    /// The same among the entries that `admitted` says may be hits, by their row numbers. The flag stops it within about a
    /// millisecond.
    ///
    /// Cost: O(passages that hold one of the words), some nanoseconds each. The first search of a process, and the first
    /// one after something was written, first read what changed; those of a file of an older version, which nobody here
    /// may write to, read every entry once.
    ///
    /// # Errors
    /// [`Error::Engine`], [`Error::Corrupt`] or [`Error::Interrupted`].
    fn search_words_among(
        &self,
        query: &TextQuery,
        admitted: &dyn Fn(i64) -> bool,
        limit: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error>;

    /// What a search by words misses, as a sentence, as far as a quick look shows: entries that are not in the index, or
    /// pages of it that are not found. `None`: nothing. [`check`](crate::SqliteStore::check) looks at everything.
    /// O(entries): about a millisecond for 100,000.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn fault_of_words(&self) -> Result<Option<String>, Error>;

    /// A number for which [`fault_of_words`](Self::fault_of_words) need be called once, where the engine learned it when the view began:
    /// what it gave of one view it gives of all that have the same number, but for damage done meanwhile by a program that leaves no
    /// trace. `None`: go by [`Store::data_version`](super::Store::data_version). Costs nothing.
    fn version_of_words(&self) -> Option<i64> {
        None
    }

    /// The same of the index of tags, which a filter by tags reads: whether it is empty and should not be. O(log n), and
    /// where no entry has tags O(entries).
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn fault_of_tags(&self) -> Result<Option<String>, Error>;

    /// The number for [`fault_of_tags`](Self::fault_of_tags), as [`version_of_words`](Self::version_of_words).
    fn version_of_tags(&self) -> Option<i64> {
        None
    }
}
