//! Vectors: written with their entry, read in batches.

use std::ops::ControlFlow;

use super::{Space, SpaceId};
use crate::vector::{self, NewVector, StoredVector, VectorKey};
use crate::{Error, Role};

/// Vectors read together: keys, and one contiguous row-major matrix.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VectorBatch {
    /// Components of each row.
    pub dimensions: usize,
    /// Key of each row.
    pub keys: Vec<VectorKey>,
    /// `keys.len() * dimensions` components.
    pub rows: Vec<f32>,
    /// Rows left out because they are unusable: of the wrong length, not finite, not of unit length, or of no entry that is
    /// there. `check` names them; `repair` quarantines them, and removes those of no entry.
    pub unusable: Vec<VectorKey>,
}

impl VectorBatch {
    /// A batch without rows.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, ..Self::default() }
    }

    /// Adds a row as it is stored, little-endian: where it can be used to the rows, else to [`unusable`](Self::unusable).
    pub fn push(&mut self, key: VectorKey, bytes: &[u8], has_entry: bool) {
        let start = self.rows.len();
        let fits = has_entry && vector::decode(bytes, self.dimensions, &mut self.rows).is_some();
        if fits && vector::problem(&self.rows[start..]).is_none() {
            self.keys.push(key);
        } else {
            self.rows.truncate(start);
            self.unusable.push(key);
        }
    }
}

/// Vectors, read.
pub trait ReadVectors {
    /// Reads every vector of a space, in the store's order, and hands them over in batches of about `batch_rows`, until
    /// `each` breaks. Memory is one batch; nothing is allocated per row. [`vectors`](trait.ReadTx.html#method.vectors) is the
    /// same for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`]. Bad rows are no error: they are reported in [`VectorBatch::unusable`].
    fn each_vectors(
        &self,
        space: &Space,
        batch_rows: usize,
        each: &mut dyn FnMut(&VectorBatch) -> ControlFlow<()>,
    ) -> Result<(), Error>;

    /// The vectors that the given entries have in a space, ordered as the entries are given.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// tx.insert_vectors(row, &[vector])?;
    /// let batch = tx.vectors_of(&space, &[row])?;
    /// assert_eq!(batch.keys.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn vectors_of(&self, space: &Space, entries: &[i64]) -> Result<VectorBatch, Error>;

    /// Up to `most` entries that have vectors of a role in a space: evenly spread over the row numbers, and any first
    /// part of them is so, too. The same ones for the same content. Costs a look into the table's index for each.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn sample_of_entries(&self, space: SpaceId, role: Role, most: usize) -> Result<Vec<i64>, Error>;

    /// The entries that have more than one passage of a role in a space, in ascending order. O(vectors), from an index.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn entries_of_several_passages(&self, space: SpaceId, role: Role) -> Result<Vec<i64>, Error>;

    /// The vectors with these keys, in their order; keys without a usable vector are in `unusable`. It is not looked up
    /// whether the entries are there: that would read a page more for each.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn vectors_at(&self, space: &Space, keys: &[VectorKey]) -> Result<VectorBatch, Error>;

    /// What is known of the vectors of one entry, in all spaces, without their components.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// tx.insert_vectors(row, &[vector])?;
    /// let stored = tx.stored_vectors(row)?;
    /// assert_eq!((stored.len(), stored[0].space), (1, space.id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn stored_vectors(&self, entry: i64) -> Result<Vec<StoredVector>, Error>;

    /// Of the text that each of these vectors was made from, the first character and one past the last, in the order given;
    /// `None` where there is no such vector.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn spans(&self, space: SpaceId, keys: &[VectorKey]) -> Result<Vec<Option<(u32, u32)>>, Error>;

    /// Number of vectors in a space. O(vectors), a few milliseconds for 100,000.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// assert_eq!(tx.count_vectors(space.id)?, 0);
    /// tx.insert_vectors(row, &[vector])?;
    /// assert_eq!(tx.count_vectors(space.id)?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn count_vectors(&self, space: SpaceId) -> Result<u64, Error>;

    /// Whether a space has more than `most` vectors. O(most).
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn has_more_vectors_than(&self, space: SpaceId, most: usize) -> Result<bool, Error>;
}

/// Vectors, written.
pub trait WriteVectors {
    /// Adds vectors to one entry.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// tx.insert_vectors(row, &[vector])?;
    /// assert_eq!(tx.count_vectors(space.id)?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::VectorLength`], [`Error::VectorValue`], [`Error::SpaceNotFound`].
    fn insert_vectors(&mut self, entry: i64, vectors: &[NewVector<'_>]) -> Result<(), Error>;

    /// Brings the vectors of one entry in one space to a new state: those in `keep` stay, `new` ones are
    /// added, all others go. The entry is no longer pending.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// tx.set_vectors(row, space.id, &[], &[vector])?;
    /// assert_eq!((tx.count_vectors(space.id)?, tx.count_pending()?), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Like [`insert_vectors`](Self::insert_vectors).
    fn set_vectors(
        &mut self,
        entry: i64,
        space: SpaceId,
        keep: &[VectorKey],
        new: &[NewVector<'_>],
    ) -> Result<(), Error>;
}
