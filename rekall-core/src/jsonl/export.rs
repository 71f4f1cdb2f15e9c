//! Writing everything a store holds as lines of JSON.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde_json::Value;

use super::records::{EntryLine, ExportHeader, FORMAT, SpaceLine, VERSION};
use super::{REPORT_EVERY, stop_if};
use crate::files::io_error;
use crate::staged_file::StagedFile;
use crate::store::{ExportReport, JsonlExportOptions, Progress};
use crate::{EntryId, Error, SpaceState};

/// The rows of a store, as they were when reading began.
pub trait RecordReader {
    /// All spaces, oldest first.
    ///
    /// # Errors
    /// The engine's.
    fn spaces(&self) -> Result<Vec<SpaceLine>, Error>;

    /// What the store knows about where it came from: keys `legacy:…`, in order, with their values.
    ///
    /// # Errors
    /// The engine's.
    fn origins(&self) -> Result<Vec<(String, Value)>, Error>;

    /// Entries in all.
    ///
    /// # Errors
    /// The engine's.
    fn count(&self) -> Result<u64, Error>;

    /// Some of the entries with greater ids than this one, the least first, with all that hangs on them: links by target and relation,
    /// vectors by space, role and chunk, where they are wanted. None: there are no more. `pending` is what the store says.
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`]; the engine's.
    fn page(&self, after: Option<EntryId>, vectors: bool) -> Result<Vec<EntryLine>, Error>;
}

/// Writes everything: a header, then a line for each entry, by id.
///
/// # Errors
/// [`Error::Stream`] when `out` fails, [`Error::Interrupted`]; the reader's.
pub fn export(
    reader: &dyn RecordReader,
    out: &mut dyn Write,
    options: &JsonlExportOptions,
    progress: Progress<'_>,
    cancel: Option<&AtomicBool>,
) -> Result<ExportReport, Error> {
    let mut report = ExportReport::default();
    let mut line = Vec::new();
    let total = reader.count()?;
    let mut header = ExportHeader {
        format: FORMAT.to_owned(),
        version: VERSION,
        entries: Some(total),
        spaces: reader.spaces()?,
        meta: reader.origins()?,
    };
    let active = header.spaces.iter().find(|space| space.state == SpaceState::Active.name());
    let active = active.map(|space| space.number);
    if !options.vectors {
        header.spaces.clear();
    }
    write_line(out, &mut line, &header)?;
    let mut last = None;
    loop {
        let page = reader.page(last, options.vectors)?;
        let Some(entry) = page.last() else { break };
        last = Some(entry.id);
        for mut entry in page {
            stop_if(cancel)?;
            // As an import will have it: without a vector to search, an entry waits for one.
            entry.pending |= active.is_some_and(|active| entry.vectors.iter().all(|v| v.space != active));
            write_line(out, &mut line, &entry)?;
            report.count(&entry);
            if report.entries.is_multiple_of(REPORT_EVERY) {
                progress(report.entries, total);
            }
        }
    }
    out.flush().map_err(stream_failed)?;
    progress(report.entries, total);
    Ok(report)
}

/// Does an export to a new file at `target`, mode 0600, which appears when it is whole and on the disk.
///
/// # Errors
/// [`Error::AlreadyExists`], [`Error::Io`]; the export's. There is no target then.
pub fn export_to_file(
    target: &Path,
    export: impl FnOnce(&mut dyn Write) -> Result<ExportReport, Error>,
) -> Result<ExportReport, Error> {
    let draft = StagedFile::new(target)?;
    let mut out = BufWriter::new(draft.file());
    let failed = |error| match error {
        Error::Stream { source, .. } => io_error("write", target)(source),
        other => other,
    };
    let report = export(&mut out).map_err(failed)?;
    out.flush().map_err(io_error("write", target))?;
    drop(out);
    draft.publish()?;
    Ok(report)
}

pub(crate) fn stream_failed(source: std::io::Error) -> Error {
    Error::Stream { action: "write", source }
}

pub(crate) fn write_line(
    out: &mut dyn Write,
    line: &mut Vec<u8>,
    value: &impl Serialize,
) -> Result<(), Error> {
    line.clear();
    serde_json::to_writer(&mut *line, value).map_err(|error| stream_failed(error.into()))?;
    line.push(b'\n');
    out.write_all(line).map_err(stream_failed)
}
