//! Entries that wait for their vectors, and those that wait for none.

use super::SpaceId;
use crate::Error;

/// Entries that wait for vectors.
pub trait ReadPending {
    /// Up to `limit` entries above row `after` that wait for vectors in the active space, which is `space`: they have
    /// none there, or their text changed since. Entries that are [wordless](WritePending::mark_wordless) there do not wait.
    ///
    /// Finds also what another program wrote. O(entries walked).
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
    /// assert_eq!(tx.pending(space.id, 0, 100)?, [row], "it has no vector yet");
    /// tx.set_vectors(row, space.id, &[], &[vector])?;
    /// assert!(tx.pending(space.id, 0, 100)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn pending(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error>;

    /// Up to `limit` entries above row `after` that have no vector in the space and are not
    /// [wordless](WritePending::mark_wordless) there. O(entries walked).
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn without_vectors(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error>;

    /// Whether an entry is marked as waiting for its vectors, although it may have some.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn is_pending(&self, entry: i64) -> Result<bool, Error>;

    /// Number of entries marked as waiting. O(marked entries).
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
    /// assert_eq!(tx.count_pending()?, 1);
    /// tx.set_vectors(row, space.id, &[], &[vector])?;
    /// assert_eq!(tx.count_pending()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn count_pending(&self) -> Result<u64, Error>;
}

/// Entries that wait for vectors: noting which do.
pub trait WritePending {
    /// Marks an entry as waiting for its vectors. What inserts an entry or changes its text, and vectors that come into
    /// the active space, do the marking by themselves.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn mark_pending(&mut self, entry: i64) -> Result<(), Error>;

    /// Takes the mark away.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn clear_pending(&mut self, entry: i64) -> Result<(), Error>;

    /// Notes that the space's model knows no word of an entry's text as it is now, so that the entry does not wait for
    /// vectors there. Forgotten when the text changes or vectors come.
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
    /// tx.mark_wordless(row, space.id)?;
    /// assert_eq!(tx.count_pending()?, 0, "it waits for no vector");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn mark_wordless(&mut self, entry: i64, space: SpaceId) -> Result<(), Error>;

    /// Takes the marks away of all entries that have vectors in the space or are wordless there: for a space of which
    /// every vector was made from the text as it is, because that was [building](super::SpaceState::Building).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn settle_pending(&mut self, space: SpaceId) -> Result<(), Error>;
}
