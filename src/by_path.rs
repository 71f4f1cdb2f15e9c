//! Looking after a file that cannot be opened.

use std::path::Path;

use rekall_core::{CheckReport, RepairReport, SalvageReport, Store};

use crate::upkeep::plain;
use crate::{Error, Rekall, Watch};

impl Rekall {
    /// As [`check`](Self::check), of a file by its path: also of one that is refused as `Corrupt` when it is opened; see
    /// [`Store::check_file`].
    ///
    /// # Errors
    /// [`Error::Core`] when there is no file or it is no rekall file; [`Error::Interrupted`]. Damage is in the report.
    pub fn check_file(path: impl AsRef<Path>, watch: Watch<'_>) -> Result<CheckReport, Error> {
        watch.hand_on(|progress, cancel| Store::check_file(path, progress, cancel))
    }

    /// As [`repair`](Self::repair), of a file by its path: also of one that is refused as `Corrupt` when it is opened, as
    /// far as that can be mended; see [`Store::repair_file`].
    ///
    /// # Errors
    /// [`Error::Core`], of kind `Corrupt` when only [`salvage_file`](Self::salvage_file) is left; [`Error::Interrupted`].
    pub fn repair_file(path: impl AsRef<Path>, watch: Watch<'_>) -> Result<RepairReport, Error> {
        watch.hand_on(|progress, cancel| Store::repair_file(path, progress, cancel))
    }

    /// Reads what can be read of the damaged file at `source` and writes it to a new file at `target`; see
    /// [`Store::salvage`]. Progress counts entries; the total is not known.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, target) = (folder.path().join("a.db"), folder.path().join("b.db"));
    /// # drop(rekall::Rekall::builder(&path).open()?);
    /// use rekall::{Rekall, Watch};
    ///
    /// if !Rekall::check_file(&path, Watch::new())?.is_clean() && Rekall::repair_file(&path, Watch::new()).is_err() {
    ///     println!("{} entries are safe", Rekall::salvage_file(&path, &target, Watch::new())?.entries);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the target exists or nothing can be read; [`Error::Interrupted`]. There is no target then.
    pub fn salvage_file(
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        watch: Watch<'_>,
    ) -> Result<SalvageReport, Error> {
        watch.hand_on(|progress, cancel| Store::salvage(source, target, progress, plain(cancel)))
    }
}
