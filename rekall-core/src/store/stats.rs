//! Figures about a file.

use crate::Error;
use serde::Serialize;

/// Figures about a file, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreStats {
    /// Entries, obsolete ones included.
    pub entries: u64,
    /// Entries that no longer hold.
    pub obsolete: u64,
    /// Vectors, in all spaces.
    pub vectors: u64,
    /// Entries marked as waiting for their vectors.
    pub pending: u64,
    /// Vectors moved to the quarantine as unusable.
    pub quarantined: u64,
    /// Links.
    pub links: u64,
    /// Rows of the change log.
    pub log_rows: u64,
    /// Bytes of the database, without its write-ahead log.
    pub file_bytes: u64,
}

/// Figures of a store.
pub trait ReadStats {
    /// Counts what the file holds. O(rows), from indexes: milliseconds for 100,000 entries.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// assert_eq!(tx.stats()?.entries, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn stats(&self) -> Result<StoreStats, Error>;
}
