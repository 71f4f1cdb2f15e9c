//! Giving back space.

use std::fs;

use serde::Serialize;

use super::full_text;
use super::secure;
use crate::Error;
use crate::files::beside;
use crate::store::{Store, lock};

/// What [`Store::compact`] gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompactReport {
    /// Bytes of the file and its write-ahead log before.
    pub bytes_before: u64,
    /// Bytes of both now.
    pub bytes_after: u64,
    /// Whether the log was emptied and, with [`StoreOptions::secure_delete`](crate::StoreOptions::secure_delete),
    /// everything forgotten erased. False when a reader that looks at an older state, or another writer, was in the
    /// way: compact once more when it is gone.
    pub complete: bool,
}

impl Store {
    /// Drops spaces that are leaving, merges the full-text index, writes the file anew without its free pages, and empties the write-ahead
    /// log. O(file), needs about twice its size on the disk meanwhile (half of it in the folder for temporary
    /// files), and holds up other writers.
    ///
    /// With [`StoreOptions::secure_delete`](crate::StoreOptions::secure_delete) the full-text index is made
    /// anew, and nothing of what was forgotten before the option was switched on stays in the file, unless a reader is
    /// in the way ([`CompactReport::complete`]).
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn compact(&self) -> Result<CompactReport, Error> {
        let options = self.database.options();
        if options.read_only {
            return Err(Error::ReadOnly { what: "the store".to_owned() });
        }
        // Other writers of this process wait for this one, as for any other.
        let _writer = self.writer.take(options.busy_timeout)?;
        let bytes_before = self.bytes();
        let connection = self.database.connect(false)?;
        // VACUUM builds the new file as a temporary one, which must not be in memory.
        connection.execute_batch("PRAGMA temp_store = FILE")?;
        // What a change of model did not come to drop would be written anew with the rest.
        connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM space WHERE state = 'leaving';")?;
        if options.secure_delete {
            full_text::rebuild(&connection)?;
        }
        connection.execute_batch("INSERT INTO entry_fts (entry_fts) VALUES ('optimize'); COMMIT; VACUUM;")?;
        let complete = match options.secure_delete {
            true => {
                let erased = secure::erase(&connection, &self.database, true)?;
                if erased {
                    *lock(&self.unerased) = None;
                }
                erased
            }
            false => secure::empty_log(&connection, options.busy_timeout)?,
        };
        Ok(CompactReport { bytes_before, bytes_after: self.bytes(), complete })
    }

    fn bytes(&self) -> u64 {
        let length = |path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let file = self.database.file();
        length(file.to_owned()) + length(beside(file, "-wal"))
    }
}
