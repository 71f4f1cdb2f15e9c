//! Entries page by page, without a search.

use std::ops::Deref;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::forward::Forward;
use super::{Tx, rows};
use crate::{Entry, EntryId, Error, Filter};

/// Which time [`Tx::list_newest`] goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NewestBy {
    /// When the entry was made.
    Created,
    /// When it was last changed.
    Updated,
}

/// A place in a list of [`Tx::list_newest`]: where the next page begins. It stays good when the entry that was there is
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

    /// What [`to_words`](Self::to_words) gave.
    #[must_use]
    pub const fn from_words(words: [i64; 2]) -> Self {
        Self { at_ms: words[0], row: words[1] }
    }
}

/// A page of [`Tx::list_newest`].
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

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Up to `limit` entries that pass the filter, by id ascending, which is oldest first; with `after`, only those
    /// after that id, whether it still exists or not. Costs about 20 µs an entry returned, and a look at every
    /// entry between them that does not pass.
    ///
    /// An entry that cannot be read ends the page before it; the next page then fails with
    /// [`Error::UnreadableEntry`], whose id is what to go on `after`.
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    /// [`Error::UnreadableEntry`], [`Error::Sqlite`] or [`Error::Corrupt`]; what [`Filter::validate`] refuses.
    pub fn list(&self, filter: &Filter, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>, Error> {
        let compiled = filter.compile(self.now_ms())?;
        let mut parameters = compiled.parameters;
        // Ids are text, and every text is greater than none.
        parameters.push(SqlValue::Text(after.map_or_else(String::new, |id| id.to_string())));
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let condition = compiled.condition;
        let entries = rows::selected(
            &self.connection,
            &format!("WHERE ({condition}) AND entry.ulid > ? ORDER BY entry.ulid LIMIT ?"),
            params_from_iter(parameters),
        )?;
        let mut walk = Forward::after("ids", after);
        entries.iter().try_for_each(|entry| walk.step(entry.id))?;
        Ok(entries)
    }

    /// Up to `limit` entries that pass the filter, the newest first: by the time that `by` names, and of those of one time
    /// the one written later first. With `after`, only those that come after that place.
    ///
    /// Cost: no index is in this order, so every page looks at all entries that pass, from a narrow index where the filter
    /// allows (see [`matching`](Self::matching)); reading the entries themselves costs about 20 µs each.
    ///
    /// Entries written while others walk from page to page do not move the pages: none comes twice, none is missed that was
    /// there and stays as it is. An entry that is changed goes to the front of a walk by
    /// [`NewestBy::Updated`], which does not come to it again.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`]; what [`Filter::validate`] refuses.
    pub fn list_newest(
        &self,
        filter: &Filter,
        by: NewestBy,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<NewestPage, Error> {
        let column = match by {
            NewestBy::Created => "entry.created_at",
            NewestBy::Updated => "entry.updated_at",
        };
        let compiled = filter.compile(self.now_ms())?;
        let (condition, mut parameters) = (compiled.condition, compiled.parameters);
        let beyond = match after {
            Some(ListCursor { at_ms, row }) => {
                parameters.extend([SqlValue::Integer(at_ms), SqlValue::Integer(row)]);
                format!(" AND ({column}, entry.id) < (?, ?)")
            }
            None => String::new(),
        };
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let sql = format!(
            "SELECT {column}, entry.id FROM entry WHERE ({condition}){beyond}
             ORDER BY {column} DESC, entry.id DESC LIMIT ?"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let places = statement.query_map(params_from_iter(parameters), |row| {
            Ok(ListCursor { at_ms: row.get(0)?, row: row.get(1)? })
        })?;
        let places: Vec<ListCursor> = places.collect::<Result<_, _>>()?;
        let mut page = NewestPage { next: places.last().copied(), ..NewestPage::default() };
        for place in places {
            match rows::by_row(&self.connection, place.row) {
                Ok(entry) => page.entries.extend(entry),
                Err(Error::UnreadableEntry { id, .. }) => page.unreadable.push(id),
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    /// The ids of the entries, of any status and expired ones too, whose metadata have this value under this key, in the order in which they
    /// were written. Not indexed: costs a look at the metadata of every entry.
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`] for metadata that cannot be read, which may have the value; [`Error::Sqlite`] or
    /// [`Error::Corrupt`]; [`Error::TooDeep`].
    pub fn ids_with_metadata(&self, key: &str, value: &Value) -> Result<Vec<EntryId>, Error> {
        let rows =
            self.matching(&Filter::new().any_status().include_expired().metadata(key, value.clone()))?;
        rows.iter()
            .filter_map(|&row| rows::by_row(&self.connection, row).transpose())
            .map(|entry| Ok(entry?.id))
            .collect()
    }

    /// Number of entries that pass the filter. Cost as that of [`matching`](Self::matching).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.count(&Filter::new())?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn count(&self, filter: &Filter) -> Result<u64, Error> {
        let compiled = filter.compile(self.now_ms())?;
        let sql = format!("SELECT count(*) FROM entry WHERE {}", compiled.condition);
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(compiled.parameters), |row| row.get(0))?)
    }
}
