//! Looking after the file: check, repair, compact, backup, the index in it.

use std::path::Path;

use rekall_core::{CheckReport, CompactReport, Error as CoreError, RepairReport, Store, Upkeep};

use crate::builder::expect_file;
use crate::cancel::flag_of;
use crate::{LongCall, Rekall};

impl Rekall {
    /// Looks at everything in the file and reports what is wrong; see [`rekall_core::SqliteStore::check`]. Progress counts pages,
    /// entries and vectors.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// for problem in rekall.check().run()?.problems {
    ///     println!("{:?}: {}", problem.kind, problem.detail);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the file cannot be read at all. Damage is no error, it is in the report.
    pub fn check(&self) -> LongCall<'_, CheckReport> {
        LongCall::new(|watch| {
            watch.in_storage(|progress, cancel| upkeep_of(&*self.store)?.check(progress, cancel))
        })
    }

    /// Repairs what can be repaired, in one transaction, and loses nothing; see
    /// [`rekall_core::SqliteStore::repair`]. Progress counts pages, entries and vectors.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// if !rekall.check().run()?.is_clean() {
    ///     println!("{} entries were repaired", rekall.repair().run()?.repaired.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core); nothing is changed then, nor when it is stopped.
    pub fn repair(&self) -> LongCall<'_, RepairReport> {
        LongCall::new(|watch| {
            self.maintain(|store| {
                let report =
                    watch.in_storage(|progress, cancel| upkeep_of(store)?.repair(progress, cancel))?;
                self.vector_index.clear();
                Ok(report)
            })
        })
    }

    /// Gives free space in the file back to the disk, and that of vectors which a killed change of model left; see
    /// [`rekall_core::SqliteStore::compact`]. Entries that have expired are forgotten first
    /// ([`forget_expired`](Self::forget_expired)). Progress counts stages, of 3.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let report = rekall.compact().run()?;
    /// assert!(report.bytes_after <= report.bytes_before);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core). When it is stopped the file has what it had, but for what has expired.
    pub fn compact(&self) -> LongCall<'_, CompactReport> {
        LongCall::new(|watch| {
            watch.check_cancelled()?;
            self.forget_expired()?;
            self.maintain(|store| {
                watch.in_storage(|progress, cancel| upkeep_of(store)?.compact(progress, cancel))
            })
        })
    }

    /// Copies the file, as it is at this moment, to `target`, while others read and write. Progress counts pages.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.backup(folder.path().join("copy.db")).run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the target exists or cannot be written. There is no target then, nor when
    /// it is stopped.
    pub fn backup<'a>(&'a self, target: impl AsRef<Path> + 'a) -> LongCall<'a, ()> {
        LongCall::new(move |watch| {
            watch.in_storage(|progress, cancel| {
                expect_file(target.as_ref(), "a copy of a file")?;
                upkeep_of(&*self.store)?.backup(target.as_ref(), progress, flag_of(cancel))
            })
        })
    }

    /// Drops the vector index, in memory and in the file, and makes it from the rows. Progress counts stages, of 3:
    /// dropping, reading the rows, persisting.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.rebuild_index().run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the file cannot be read or written. Nothing may be persisted then, nor when
    /// it is stopped: searches find the same, the first one of a process begins more slowly.
    pub fn rebuild_index(&self) -> LongCall<'_, ()> {
        LongCall::new(|watch| self.maintain(|_| self.vector_index.rebuild(watch)))
    }
}

/// What looks after the store, refused by name where its engine has other means for that.
fn upkeep_of(store: &dyn Store) -> Result<&dyn Upkeep, CoreError> {
    let capability = match store.scope() {
        Some(_) => "upkeep of one scope, which takes the handle on the whole file",
        None => "upkeep of a file",
    };
    store.upkeep().ok_or(CoreError::Unsupported { capability, engine: store.engine() })
}
