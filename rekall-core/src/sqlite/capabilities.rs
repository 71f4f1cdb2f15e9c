//! What a file can do beyond what every store does.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::SqliteStore;
use crate::Error;
use crate::legacy::{LegacyImportOptions, LegacyImportReport};
use crate::store::{
    CheckReport, CompactReport, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    LegacyImport, Progress, RepairReport, Transfer, Upkeep,
};

impl Upkeep for SqliteStore {
    fn check(&self, progress: Progress<'_>, cancel: Option<&Arc<AtomicBool>>) -> Result<CheckReport, Error> {
        self.check_observed(progress, cancel)
    }

    fn repair(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<RepairReport, Error> {
        self.repair_observed(progress, cancel)
    }

    fn compact(
        &self,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<CompactReport, Error> {
        self.compact_observed(progress, cancel)
    }

    fn backup(
        &self,
        target: &Path,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        Self::backup(self, target, progress, cancel)
    }
}

impl Transfer for SqliteStore {
    fn export_jsonl(
        &self,
        out: &mut dyn Write,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        Self::export_jsonl(self, out, options, progress, cancel)
    }

    fn export_jsonl_file(
        &self,
        target: &Path,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        Self::export_jsonl_file(self, target, options, progress, cancel)
    }

    fn import_jsonl(
        &self,
        input: &mut dyn BufRead,
        options: &JsonlImportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<JsonlImportReport, Error> {
        Self::import_jsonl(self, input, options, progress, cancel)
    }
}

impl LegacyImport for SqliteStore {
    fn import_legacy(
        &self,
        path: &Path,
        options: LegacyImportOptions<'_>,
    ) -> Result<LegacyImportReport, Error> {
        Self::import_legacy(self, path, options)
    }
}
