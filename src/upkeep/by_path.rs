//! Looking after a file that cannot be opened.

use std::path::Path;

use rekall_core::{CheckReport, RepairReport, SalvageReport, SqliteStore};

use crate::builder::expect_file;
use crate::cancel::flag_of;
use crate::{LongCall, Rekall};

impl Rekall {
    /// As [`check`](Self::check), of a file by its path: also of one that is refused as `Corrupt` when it is opened; see
    /// [`SqliteStore::check_file`](rekall_core::SqliteStore::check_file).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// # drop(rekall::Rekall::builder(&path).without_model().open()?);
    /// assert!(rekall::Rekall::check_file(&path).run()?.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when there is no file or it is no rekall file. Damage is in the report.
    pub fn check_file<'a>(path: impl AsRef<Path> + 'a) -> LongCall<'a, CheckReport> {
        LongCall::new(|watch| {
            watch.in_storage(|progress, cancel| {
                expect_file(path.as_ref(), "looking for damage in a file")?;
                SqliteStore::check_file(path, progress, cancel)
            })
        })
    }

    /// As [`repair`](Self::repair), of a file by its path: also of one that is refused as `Corrupt` when it is opened, as
    /// far as that can be repaired; see [`SqliteStore::repair_file`](rekall_core::SqliteStore::repair_file).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// # drop(rekall::Rekall::builder(&path).without_model().open()?);
    /// assert!(rekall::Rekall::repair_file(&path).run()?.repaired.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core), of kind `Corrupt` when only [`salvage_file`](Self::salvage_file) is left.
    pub fn repair_file<'a>(path: impl AsRef<Path> + 'a) -> LongCall<'a, RepairReport> {
        LongCall::new(|watch| {
            watch.in_storage(|progress, cancel| {
                expect_file(path.as_ref(), "repairing a file")?;
                SqliteStore::repair_file(path, progress, cancel)
            })
        })
    }

    /// Reads what can be read of the damaged file at `source` and writes it to a new file at `target`; see
    /// [`SqliteStore::salvage`](rekall_core::SqliteStore::salvage). Progress counts entries; the total is not known.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, target) = (folder.path().join("a.db"), folder.path().join("b.db"));
    /// # drop(rekall::Rekall::builder(&path).open()?);
    /// use rekall::Rekall;
    ///
    /// if !Rekall::check_file(&path).run()?.is_clean() && Rekall::repair_file(&path).run().is_err() {
    ///     println!("{} entries are safe", Rekall::salvage_file(&path, &target).run()?.entries);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the target exists or nothing can be read. There is no target then, nor when
    /// it is stopped.
    pub fn salvage_file<'a>(
        source: impl AsRef<Path> + 'a,
        target: impl AsRef<Path> + 'a,
    ) -> LongCall<'a, SalvageReport> {
        LongCall::new(|watch| {
            watch.in_storage(|progress, cancel| {
                for path in [source.as_ref(), target.as_ref()] {
                    expect_file(path, "salvaging a file")?;
                }
                SqliteStore::salvage(source, target, progress, flag_of(cancel))
            })
        })
    }
}
