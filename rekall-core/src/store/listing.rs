//! Entries page by page, without a search.

use crate::{Entry, EntryId, Error, Filter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which time [`list_newest`](ListEntries::list_newest) goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NewestBy {
    /// When the entry was made.
    Created,
    /// When it was last changed.
    Updated,
}

/// A place in a list of [`list_newest`](ListEntries::list_newest): where the next page begins. It stays good when the entry that was there is
/// changed or goes. Only to be used with the order that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListCursor {
    at_ms: i64,
    row: i64,
}

impl ListCursor {
    /// Two numbers to be stored, from which [`from_words`](Self::from_words) makes it again.
    #[must_use]
    pub const fn to_words(self) -> [i64; 2] {
        [self.at_ms, self.row]
    }

    /// Row number of the entry that the place is at.
    #[must_use]
    pub const fn row(self) -> i64 {
        self.row
    }

    /// What [`to_words`](Self::to_words) gave.
    #[must_use]
    pub const fn from_words(words: [i64; 2]) -> Self {
        Self { at_ms: words[0], row: words[1] }
    }
}

/// A page of [`list_newest`](ListEntries::list_newest).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct NewestPage {
    /// The entries, the newest first.
    pub entries: Vec<Entry>,
    /// Entries of this page that cannot be read; `check` tells why.
    pub unreadable: Vec<EntryId>,
    /// Where the next page begins; `None`: this page is empty, and the list is at its end.
    pub next: Option<ListCursor>,
}

/// Entries in pages, and their numbers.
pub trait ListEntries {
    /// Up to `limit` entries that pass the filter, by id ascending, which is oldest first; with `after`, only those
    /// after that id, whether it still exists or not. Costs about 20 µs an entry returned, and a look at every
    /// entry between them that does not pass.
    ///
    /// An entry that cannot be read ends the page before it; the next page then fails with
    /// [`Error::UnreadableEntry`], whose id is what to go on `after`.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let page = tx.list(&Filter::new(), None, 1)?;
    /// let next = tx.list(&Filter::new(), Some(page[0].id), 1)?;
    /// assert_eq!((page[0].id, next[0].id), (ids[0].id, ids[1].id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`], [`Error::Engine`] or [`Error::Corrupt`]; what [`Filter::validate`] refuses.
    fn list(&self, filter: &Filter, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, Error>;

    /// Up to `limit` entries that pass the filter, the newest first: by the time that `by` names, and of those of one time
    /// the one written later first. With `after`, only those that come after that place.
    ///
    /// Cost: no index is in this order, so every page looks at all entries that pass, from a narrow index where the filter
    /// allows (see [`matching`](super::MatchEntries::matching)); reading the entries themselves costs about 20 µs each.
    ///
    /// Entries written while others walk from page to page do not move the pages: none comes twice, none is missed that was
    /// there and stays as it is. An entry that is changed goes to the front of a walk by
    /// [`NewestBy::Updated`], which does not come to it again.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`]; what [`Filter::validate`] refuses.
    fn list_newest(
        &self,
        filter: &Filter,
        by: NewestBy,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<NewestPage, Error>;

    /// The ids of the entries, of any status and expired ones too, whose metadata have this value under this key, in the order in which they
    /// were written. Not indexed: costs a look at the metadata of every entry.
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`] for metadata that cannot be read, which may have the value; [`Error::Engine`] or
    /// [`Error::Corrupt`]; [`Error::TooDeep`].
    fn ids_with_metadata(&self, key: &str, value: &Value) -> Result<Vec<EntryId>, Error>;

    /// Number of entries that pass the filter. Cost as that of [`matching`](super::MatchEntries::matching).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.count(&Filter::new())?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn count(&self, filter: &Filter) -> Result<u64, Error>;
}
