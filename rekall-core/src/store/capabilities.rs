//! What not every engine can do, or not in the same way: asked for at the store, refused by name.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{
    CheckReport, CompactReport, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    RepairReport,
};
use crate::Error;
#[cfg(feature = "sqlite")]
use crate::legacy::{LegacyImportOptions, LegacyImportReport};

/// Called with the progress of long work, as (done, total); a total of 0 is not known.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Looking after a store. The costs and the steps of `progress` are the engine's.
pub trait Upkeep {
    /// Looks at everything, as it is at this moment, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`Error::Engine`]. What is damaged is no error: it is reported.
    fn check(&self, progress: Progress<'_>, cancel: Option<&Arc<AtomicBool>>) -> Result<CheckReport, Error>;

    /// Repairs what can be repaired, in one transaction, without losing an entry or a vector.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for what cannot be repaired, [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`],
    /// [`Error::Interrupted`]; nothing is changed then.
    fn repair(&self, progress: Progress<'_>, cancel: Option<&Arc<AtomicBool>>)
    -> Result<RepairReport, Error>;

    /// Drops what is no longer used, merges the word index and gives back space.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Corrupt`], [`Error::Interrupted`].
    fn compact(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<CompactReport, Error>;

    /// Copies the store, as it is at this moment, to a new file, while others read and write.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::Interrupted`], [`Error::Full`], [`Error::ReadOnly`], [`Error::Io`].
    fn backup(&self, target: &Path, progress: Progress<'_>, cancel: Option<&AtomicBool>)
    -> Result<(), Error>;
}

/// All content as lines of JSON, out and in.
pub trait Transfer {
    /// Writes everything, as it is at this moment. The same content gives the same bytes, whatever the engine.
    ///
    /// # Errors
    /// [`Error::Stream`] when `out` fails, [`Error::Corrupt`], [`Error::Interrupted`].
    fn export_jsonl(
        &self,
        out: &mut dyn Write,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error>;

    /// The same, to a new file at `target`, which appears when it is whole.
    ///
    /// # Errors
    /// As for [`export_jsonl`](Self::export_jsonl); [`Error::AlreadyExists`], [`Error::Io`], [`Error::Full`].
    fn export_jsonl_file(
        &self,
        target: &Path,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error>;

    /// Reads what an export wrote, or plain entries, in one transaction.
    ///
    /// # Errors
    /// [`Error::BadLine`], [`Error::NewerExport`], [`Error::DuplicateId`], [`Error::Stream`], [`Error::Interrupted`],
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`].
    fn import_jsonl(
        &self,
        input: &mut dyn BufRead,
        options: &JsonlImportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<JsonlImportReport, Error>;
}

/// Taking over the files of the Python tool. Reading them takes the feature `sqlite`.
#[cfg(feature = "sqlite")]
pub trait LegacyImport {
    /// Brings everything in a file of the Python tool into this store, in one transaction.
    ///
    /// # Errors
    /// Those of [`legacy::probe`](crate::legacy::probe); [`Error::Corrupt`], [`Error::Interrupted`], [`Error::OutOfRange`],
    /// [`Error::ReadOnly`], [`Error::Full`], [`Error::Busy`]. Nothing is changed then.
    fn import_legacy(
        &self,
        path: &Path,
        options: LegacyImportOptions<'_>,
    ) -> Result<LegacyImportReport, Error>;
}
