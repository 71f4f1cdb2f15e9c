//! A copy of a file in use.

use crate::SqliteStore;
use crate::store::ReadChanges;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Progress, stop_if};
use crate::Error;
use crate::staged_file::StagedFile;

/// Pages copied between two looks at the progress and the cancel flag: 2 MiB.
const PAGES_AT_ONCE: i32 = 256;

impl SqliteStore {
    /// Copies the file, as it is at this moment, to `target`, while others read and write. `progress` is called
    /// with pages. The copy is a complete store, mode 0600.
    ///
    /// It is written as a draft of a random name beside the target and gets its name when it is whole and on the disk:
    /// killed at any moment, nothing is left that looks like a backup, and the next file made in the folder removes the
    /// draft (an hour later).
    ///
    /// SQLite's backup interface rather than `VACUUM INTO`: it can say how far it is and can be stopped, and
    /// costs one pass over the file instead of rebuilding every index. A read transaction holds the view
    /// still, so that writers neither disturb the copy nor make it start over; the write-ahead log cannot be
    /// reset meanwhile. Damage is copied as it is: [`SqliteStore::check`](crate::SqliteStore::check) the copy when in doubt.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// # tx.commit()?;
    /// let copy = folder.path().join("backup.db");
    /// store.backup(&copy, &mut |done, total| println!("{done} of {total} pages"), None)?;
    /// assert_eq!(SqliteStore::open(&copy, &StoreOptions::default())?.read()?.count_entries()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] for a target, or a database's log of that name, that is there;
    /// [`Error::Interrupted`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Io`].
    pub fn backup(
        &self,
        target: impl AsRef<Path>,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let file = StagedFile::database(target.as_ref())?;
        let tx = self.begin_read()?;
        // The first statement fixes the view.
        tx.position()?;
        let copied = copy(&tx.connection, file.path(), progress, cancel);
        drop(tx);
        self.settle_log();
        copied.map_err(|error| error.at_path(target.as_ref()))?;
        file.publish()
    }
}

fn copy(
    from: &Connection,
    draft: &Path,
    progress: Progress<'_>,
    cancel: Option<&AtomicBool>,
) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut to = Connection::open_with_flags(draft, flags)?;
    // A draft needs no protection: it is published whole or thrown away.
    to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    {
        let backup = Backup::new(from, &mut to)?;
        loop {
            stop_if(cancel)?;
            let step = backup.step(PAGES_AT_ONCE)?;
            let pages = backup.progress();
            let total = u64::try_from(pages.pagecount).unwrap_or(0);
            progress(total.saturating_sub(u64::try_from(pages.remaining).unwrap_or(0)), total);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // No other process knows the draft, and readers of the source never wait in WAL mode.
                _ => return Err(Error::Busy { detail: "the copy is locked".to_owned() }),
            }
        }
    }
    to.close().map_err(|(_, error)| Error::from(error))
}
