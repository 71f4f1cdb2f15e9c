//! Opening a store: migrated first, if it is a file of the Python tool and the options say so.

use std::path::Path;

use crate::sqlite::connection::Examined;
use crate::{Error, SqliteStore, StoreOptions, legacy};

impl SqliteStore {
    /// Opens the file at `path`, or makes a new one (mode 0600). Costs about a millisecond, whatever its size.
    ///
    /// A file of an older version is brought up to date, in one transaction; where it may not be written, it is read as
    /// it is.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// assert_eq!(store.read()?.count_entries()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotADatabase`] for folders, empty files and other formats, [`Error::LegacyFile`] for files of
    /// the Python tool (unless [`StoreOptions::migrate`] is set), [`Error::NewerVersion`], [`Error::Corrupt`],
    /// [`Error::ReadOnly`], [`Error::Io`] or [`Error::Engine`]; for an older file also [`Error::Busy`] and
    /// [`Error::Full`]. The
    /// file is then as it was.
    pub fn open(path: impl AsRef<Path>, options: &StoreOptions) -> Result<Self, Error> {
        let examined = Examined::at(path.as_ref(), options.damaged)?;
        if let Some(application_id) = examined.application_id {
            legacy::migrate_for_open(&examined.path, application_id, options)?;
        }
        Self::open_examined(examined, options)
    }
}
