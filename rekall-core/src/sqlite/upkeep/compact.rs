//! Giving back space.

use crate::CompactReport;
use crate::store::ReadSpaces;
use crate::store::WriteSpaces;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::progress::{Stoppable, stop_statements};
use super::{Progress, ignore_progress, stop_if};
use crate::Error;
use crate::files::with_suffix;
use crate::lock::lock;
use crate::sqlite::SqliteStore;
use crate::sqlite::connection::{RealTime, empty_log};
use crate::sqlite::erase;
use crate::sqlite::writer_lock::retry_while_busy;
use crate::store::SpaceState;
use crate::words::stored::merge::Compaction;

/// Merging words, rewriting the file, putting it in place.
const STAGES: u64 = 3;

/// Vectors dropped in one transaction: some tens of milliseconds.
const DROPPED_AT_ONCE: usize = 1024;

impl SqliteStore {
    /// Drops spaces that are leaving, merges the word index, rewrites the file without its free pages, and
    /// empties the write-ahead log. O(file), needs about twice its size on the disk meanwhile (half of it in the folder
    /// for temporary files). The first two go in short transactions; rewriting the file is one statement of SQLite's
    /// (`VACUUM`), for which other writers wait: `cargo bench --bench held_up_writers` says how long.
    ///
    /// With [`StoreOptions::secure_delete`](crate::StoreOptions::secure_delete) nothing of what was forgotten before the option was switched on stays in the file, unless a reader is
    /// in the way ([`CompactReport::complete`]).
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let report = store.compact()?;
    /// assert!(report.complete, "no reader was in the way");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn compact(&self) -> Result<CompactReport, Error> {
        self.compact_observed(&mut ignore_progress, None)
    }

    /// As [`compact`](Self::compact). `progress` is called with the stages that are done, of 3: merging words, rewriting, putting
    /// in place. The flag stops the first two within about a millisecond; the file then has what it had.
    ///
    /// # Errors
    /// As for [`compact`](Self::compact), and [`Error::Interrupted`].
    pub fn compact_observed(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<CompactReport, Error> {
        let options = self.file.database.options();
        if options.read_only {
            return Err(Error::ReadOnly { what: "the store".to_owned() });
        }
        let bytes_before = self.bytes();
        let mut done = |stages| {
            progress(stages, STAGES);
            stop_if(cancel.map(|flag| &**flag))
        };
        done(0)?;
        self.drop_removed_scopes()?;
        for handle in self.memories()? {
            match handle.drop_leaving_spaces(cancel).and_then(|()| handle.merge_words(cancel)) {
                // Somebody has removed it meanwhile.
                Err(Error::ScopeNotFound { .. }) => {}
                compacted => compacted?,
            }
        }
        done(1)?;
        // Other writers of this process wait for this one, as for any other.
        let (_writer, left) = self.file.writer.take(options.busy_timeout)?;
        let mut connection = self.file.database.connect(false)?;
        stop_statements(&mut connection, cancel)?;
        // VACUUM builds the new file as a temporary one, which must not be in memory.
        connection.execute_batch("PRAGMA temp_store = FILE")?;
        retry_while_busy(&connection, left, |connection| connection.execute_batch("VACUUM"))?;
        connection.busy_timeout(options.busy_timeout)?;
        // What is left is short, and what was promised to be gone is not to stay in the log.
        stop_statements(&mut connection, None)?;
        let complete = match options.secure_delete {
            true => {
                let erased = erase::erase(&connection, &self.file.database, true)?;
                if erased {
                    *lock(&self.file.unerased) = None;
                }
                erased
            }
            false => {
                let (timeout, patience) = (options.busy_timeout, erase::WAIT_FOR_READERS);
                empty_log(&connection, timeout, patience, &mut RealTime::begin())?
            }
        };
        // Too late to be stopped.
        let _ = done(STAGES);
        Ok(CompactReport { bytes_before, bytes_after: self.bytes(), complete })
    }

    /// Vectors that a change of model left would be rewritten with the rest.
    fn drop_leaving_spaces(&self, cancel: Option<&Arc<AtomicBool>>) -> Result<(), Error> {
        let spaces = self.begin_read()?.spaces()?;
        for space in spaces.iter().filter(|space| space.state == SpaceState::Leaving) {
            loop {
                stop_if(cancel.map(|flag| &**flag))?;
                let mut tx = self.begin_write()?;
                let more = tx.thin_space(space.id, DROPPED_AT_ONCE)?;
                tx.finish()?;
                if !more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Merges the segments of the word index into one, a piece a transaction.
    fn merge_words(&self, cancel: Option<&Arc<AtomicBool>>) -> Result<(), Error> {
        if self.bound.is_some() && self.begin_read()?.words_are_whole()? {
            // Of ten thousand scopes hardly any has something to merge.
            return Ok(());
        }
        let mut compaction = Compaction::default();
        loop {
            let mut tx = self.begin_write()?;
            let stoppable = Stoppable::begin(&mut tx, cancel)?;
            stop_if(cancel.map(|flag| &**flag))?;
            let more = compaction.step(&stoppable.0.words())?;
            drop(stoppable);
            tx.finish()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn bytes(&self) -> u64 {
        let length = |path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let file = self.file.database.file();
        length(file.to_owned()) + length(with_suffix(file, "-wal"))
    }
}
