//! Everything that a memory holds as lines of JSON: what `docs/jsonl.md` describes, the same from every engine.

mod read;
mod write;

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rekall_core::store::{Progress, Transfer};
use rekall_core::{Error, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport, jsonl};

use super::PostgresStore;
use read::Reader;
use write::Writer;

impl Transfer for PostgresStore {
    fn export_jsonl(
        &self,
        out: &mut dyn Write,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        jsonl::export(&Reader::begin(self)?, out, options, progress, cancel)
    }

    fn export_jsonl_file(
        &self,
        target: &Path,
        options: &JsonlExportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<ExportReport, Error> {
        jsonl::export_to_file(target, |out| self.export_jsonl(out, options, progress, cancel))
    }

    fn import_jsonl(
        &self,
        input: &mut dyn BufRead,
        options: &JsonlImportOptions,
        progress: Progress<'_>,
        cancel: Option<&AtomicBool>,
    ) -> Result<JsonlImportReport, Error> {
        let (writer, report) = jsonl::import(input, || Writer::begin(self), *options, progress, cancel)?;
        writer.finish()?;
        Ok(report)
    }
}
