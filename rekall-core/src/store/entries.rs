//! Entries: written, read, changed, forgotten.

use crate::entry::EntryPatch;
use crate::{Entry, EntryId, Error, Filter, NewEntry, NewVector, Origin};
use std::collections::HashMap;

/// An entry to be written, with the vectors made from it.
///
/// ```
/// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
/// # fn main() -> Result<(), rekall_core::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
/// # let mut tx = store.write()?;
/// let entry = NewEntry::new("CORS fails on Safari");
/// let inserted = tx.insert(&[Draft::new(&entry).id(store.new_id()?)])?;
/// assert_eq!(tx.get(inserted[0].id)?.title, "CORS fails on Safari");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// What to remember.
    pub entry: &'a NewEntry,
    /// Its vectors; none when no model was at hand: the entry then waits for them.
    pub vectors: &'a [NewVector<'a>],
    /// Its id; `None`: that of the entry, or one that is made.
    pub id: Option<EntryId>,
    /// What it keeps of elsewhere; `None`: it is made now.
    pub origin: Option<&'a Origin>,
}

impl<'a> Draft<'a> {
    /// A draft without vectors and with an id of the store's making.
    #[must_use]
    pub const fn new(entry: &'a NewEntry) -> Self {
        Self { entry, vectors: &[], id: None, origin: None }
    }

    /// Gives the id.
    #[must_use]
    pub const fn id(mut self, id: EntryId) -> Self {
        self.id = Some(id);
        self
    }

    /// The id that is given, here or by the entry; `None`: one is to be made.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when both give one, and not the same.
    pub fn given_id(&self) -> Result<Option<EntryId>, Error> {
        match (self.id, self.entry.id) {
            (Some(id), Some(own)) if id != own => Err(Error::OutOfRange {
                field: "id of an entry that is given an id beside it",
                expected: "that one or none",
                got: own.to_string(),
            }),
            (id, own) => Ok(id.or(own)),
        }
    }

    /// Gives what the entry keeps of elsewhere.
    #[must_use]
    pub const fn origin(mut self, origin: &'a Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Adds the vectors.
    #[must_use]
    pub const fn vectors(mut self, vectors: &'a [NewVector<'a>]) -> Self {
        self.vectors = vectors;
        self
    }
}

/// An entry that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// Its public name.
    pub id: EntryId,
    /// Its row number, which vectors and indexes are keyed by.
    pub row: i64,
}

/// Entries, read.
pub trait ReadEntries {
    /// The entry with this id.
    ///
    /// # Errors
    /// [`Error::EntryNotFound`], [`Error::UnreadableEntry`].
    fn get(&self, id: EntryId) -> Result<Entry, Error>;

    /// The entries with these ids, in the order given; `None` where no entry has the id.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let unknown = store.new_id()?;
    /// let found = tx.get_many(&[ids[1].id, unknown])?;
    /// assert_eq!(found[0].as_ref().map(|entry| entry.title.as_str()), Some("Proxy set-up"));
    /// assert_eq!(found[1], None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Option<Entry>>, Error>;

    /// The entry with this id, with its row number.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let (row, entry) = tx.locate(ids[0].id)?;
    /// assert_eq!((row, entry.id), (ids[0].row, ids[0].id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn locate(&self, id: EntryId) -> Result<(i64, Entry), Error>;

    /// The row number of an entry.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.row_of(ids[0].id)?, ids[0].row);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn row_of(&self, id: EntryId) -> Result<i64, Error>;

    /// The entries with these row numbers, in the order given; those that are gone are left out.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let rows = [ids[1].row, ids[0].row];
    /// let titles: Vec<String> = tx.entries(&rows)?.into_iter().map(|(_, entry)| entry.title).collect();
    /// assert_eq!(titles, ["Proxy set-up", "CORS fails on Safari"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`], [`Error::Engine`] or [`Error::Corrupt`].
    fn entries(&self, rows: &[i64]) -> Result<Vec<(i64, Entry)>, Error>;

    /// The same, and for an entry that cannot be read the [`Error::UnreadableEntry`] in its place.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    #[allow(clippy::type_complexity, reason = "a list of rows, each with what reading it gave")]
    fn readable_entries(&self, rows: &[i64]) -> Result<Vec<(i64, Result<Entry, Error>)>, Error>;

    /// The ids of the entries with these row numbers.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.ids(&[ids[0].row])?[&ids[0].row], ids[0].id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn ids(&self, rows: &[i64]) -> Result<HashMap<i64, EntryId>, Error>;

    /// Of the entries with these row numbers, the first `count` by id, in this order; rows without an entry are left out.
    /// O(rows), whatever there is beside them, and much less where few of many are wanted.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn first_by_id(&self, rows: &[i64], count: usize) -> Result<Vec<i64>, Error>;

    /// The row numbers and ids of all entries, in the order of the rows.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.all_ids()?, [(ids[0].row, ids[0].id), (ids[1].row, ids[1].id)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn all_ids(&self) -> Result<Vec<(i64, EntryId)>, Error>;

    /// Up to `limit` entries with row numbers above `row`, in order: for walking through a file.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let mut row = 0;
    /// let mut titles = Vec::new();
    /// loop {
    ///     let page = tx.entries_after(row, 100)?;
    ///     let Some((last, _)) = page.last() else { break };
    ///     row = *last;
    ///     titles.extend(page.into_iter().map(|(_, entry)| entry.title));
    /// }
    /// assert_eq!(titles, ["CORS fails on Safari", "Proxy set-up"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn entries_after(&self, row: i64, limit: usize) -> Result<Vec<(i64, Entry)>, Error>;
}

/// Entries, written and forgotten.
pub trait WriteEntries {
    /// Writes entries with their vectors. An entry without vectors in the active space waits for them.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let notes = ["CORS fails on Safari", "Proxy set-up"].map(NewEntry::new);
    /// let drafts: Vec<Draft<'_>> = notes.iter().map(Draft::new).collect();
    /// let inserted = tx.insert(&drafts)?;
    /// assert!(inserted[0].id < inserted[1].id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What [`NewEntry::validate`] refuses; [`Error::DuplicateId`]; [`Error::OutOfRange`] for a draft and its entry with two
    /// ids; [`Error::VectorLength`],
    /// [`Error::VectorValue`] or [`Error::SpaceNotFound`] for a vector. Drop the transaction then: entries
    /// before the refused one may be in it.
    fn insert(&mut self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error>;

    /// Changes an entry and stamps it; gives its row number, and the entry as it is now.
    ///
    /// A change of text marks the entry pending; [`set_vectors`](super::WriteVectors::set_vectors) with the new vectors
    /// takes the mark away.
    ///
    /// ```
    /// # use rekall_core::{Draft, EntryPatch, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let patch = EntryPatch::new().content("Send the header on errors, too.");
    /// let (row, entry) = tx.update(ids[0].id, &patch)?;
    /// assert_eq!((row, entry.content.as_str()), (ids[0].row, "Send the header on errors, too."));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`] for the entry or the one that replaces it; [`Error::OutOfRange`] when that one is the
    /// entry itself or replaced by it, directly or by way of others; what [`EntryPatch::apply`] refuses.
    fn update(&mut self, id: EntryId, patch: &EntryPatch) -> Result<(i64, Entry), Error>;

    /// Deletes an entry with everything that hangs on it: vectors, tags, links, references.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// tx.delete(ids[0].id)?;
    /// assert_eq!(tx.count_entries()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn delete(&mut self, id: EntryId) -> Result<(), Error>;

    /// Deletes those of the entries that are there, and gives their ids, in the order given and each once.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn delete_many(&mut self, ids: &[EntryId]) -> Result<Vec<EntryId>, Error>;

    /// Deletes the entries that pass the filter and gives their ids, in the order in which they were written.
    ///
    /// # Errors
    /// [`Error::Unconditional`] for a filter that lets all active entries, or all entries, pass;
    /// [`Error::UnreadableEntry`] for metadata that cannot be read where the filter asks for it: it might not pass. What
    /// [`Filter::validate`] refuses.
    fn delete_matching(&mut self, filter: &Filter) -> Result<Vec<EntryId>, Error>;

    /// Deletes all entries, whatever their status, and gives their ids, in the order in which they were written.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn delete_all(&mut self) -> Result<Vec<EntryId>, Error>;
}
