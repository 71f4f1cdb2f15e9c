//! An export as a file of its own.

use crate::SqliteStore;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::jsonl::export_to_file;
use crate::sqlite::upkeep::Progress;
use crate::store::ExportReport;
use crate::{Error, JsonlExportOptions};

impl SqliteStore {
    /// As [`export_jsonl`](Self::export_jsonl), to a new file at `target`, mode 0600, which appears when it is whole and on
    /// the disk.
    ///
    /// ```
    /// # use rekall_core::{Draft, JsonlExportOptions, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// # tx.commit()?;
    /// let target = folder.path().join("export.jsonl");
    /// let report = store.export_jsonl_file(&target, &JsonlExportOptions::default(), &mut |_, _| {}, None)?;
    /// assert_eq!((report.entries, target.exists()), (2, true));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::ReadOnly`], [`Error::Full`] and [`Error::Io`] of the file and its folder; the rest
    /// as for [`export_jsonl`](Self::export_jsonl). There is no target then.
    pub fn export_jsonl_file(
        &self,
        target: impl AsRef<Path>,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        export_to_file(target.as_ref(), |out| self.export_jsonl(out, options, progress, cancel))
    }
}
