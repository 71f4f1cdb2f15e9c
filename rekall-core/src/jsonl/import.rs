//! Reading back what an export wrote, into any store.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::line_reader::{LineReader, invalid_line};
use super::record::{Record, Reference};
use super::records::{EntryLine, ExportHeader, SpaceLine};
use super::spaces::Place;
use super::{REPORT_EVERY, bare_entry, stop_if};
use crate::store::{
    JsonlImportOptions, JsonlImportReport, OnDuplicate, Progress, Space, SpaceId, SpaceState,
};
use crate::{EntryId, Error};

/// Most entries that are handed on together.
const AT_ONCE: usize = 500;

/// Bytes that are handed on together, and a last entry.
const BYTES_AT_ONCE: usize = 4 << 20;

/// A transaction that rows of an import are written in.
pub trait RecordWriter {
    /// The time, for what has none: milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// An id for an entry that has none.
    ///
    /// # Errors
    /// [`Error::Random`].
    fn next_id(&mut self) -> Result<EntryId, Error>;

    /// The spaces that are there.
    ///
    /// # Errors
    /// The engine's.
    fn spaces(&mut self) -> Result<Vec<Space>, Error>;

    /// Adds a space, under a number of its own where one is given, which is free.
    ///
    /// # Errors
    /// The engine's.
    fn add_space(&mut self, number: Option<i64>, line: &SpaceLine, state: SpaceState)
    -> Result<Space, Error>;

    /// Keeps what the other store knew about where it came from, unless something is there under the key. `false`: the value
    /// is none that can be kept.
    ///
    /// # Errors
    /// The engine's.
    fn put_origin(&mut self, key: &str, value: &Value) -> Result<bool, Error>;

    /// Row numbers of those of the entries that are there.
    ///
    /// # Errors
    /// The engine's.
    fn rows_of(&mut self, ids: &[EntryId]) -> Result<HashMap<EntryId, i64>, Error>;

    /// Writes entries, each once, with all that hangs on them but references. What one that is replaced had goes.
    ///
    /// # Errors
    /// [`Error::BadLine`]; the engine's.
    fn write(&mut self, records: &[Record]) -> Result<(), Error>;

    /// Writes references; of two links that are the same the later one counts.
    ///
    /// # Errors
    /// [`Error::BadLine`] where an entry is not there; the engine's.
    fn refer(&mut self, references: &[Reference]) -> Result<(), Error>;
}

/// Reads an export, or plain entries, into a transaction, which the caller then commits.
///
/// # Errors
/// [`Error::BadLine`], [`Error::NewerExport`], [`Error::DuplicateId`], [`Error::Stream`], [`Error::Interrupted`]; the
/// writer's.
pub fn import<W: RecordWriter>(
    input: &mut dyn BufRead,
    begin: impl FnOnce() -> Result<W, Error>,
    options: JsonlImportOptions,
    progress: Progress<'_>,
    cancel: Option<&AtomicBool>,
) -> Result<(W, JsonlImportReport), Error> {
    let mut lines = LineReader::new(input);
    let header = lines.begin()?;
    let is_plain = header.is_none();
    let header = header.unwrap_or_default();
    let mut import = Import::begin(begin()?, options, &header)?;
    let total = header.entries.unwrap_or(0);
    let mut read = 0;
    // Without a header the first line is an entry already.
    let mut is_line = is_plain || lines.next()?;
    while is_line {
        stop_if(cancel)?;
        let line = lines.number;
        let entry = match is_plain {
            true => {
                let writer = &mut import.writer;
                bare_entry::entry(line, lines.text(), writer.now_ms(), || writer.next_id())?
            }
            false => lines.parse("an entry")?,
        };
        import.take(line, entry)?;
        read += 1;
        is_line = if is_plain { lines.next_with_text()? } else { lines.next()? };
        if read % REPORT_EVERY == 0 {
            progress(read, total);
        }
    }
    if header.entries.is_some_and(|expected| expected != read) {
        return Err(invalid_line(lines.number, format!("{total} entries in all"), format!("{read}")));
    }
    import.flush()?;
    let Import { mut writer, references, report, .. } = import;
    for references in references.chunks(AT_ONCE) {
        stop_if(cancel)?;
        writer.refer(references)?;
    }
    progress(read, total);
    Ok((writer, report))
}

/// An import under way.
struct Import<W> {
    writer: W,
    options: JsonlImportOptions,
    /// From the export's numbers to this store's spaces.
    spaces: HashMap<i64, Space>,
    active: Option<SpaceId>,
    records: Vec<Record>,
    /// About how many bytes those take.
    bytes: usize,
    /// What entries say of others, until all are there.
    references: Vec<Reference>,
    report: JsonlImportReport,
}

impl<W: RecordWriter> Import<W> {
    fn begin(writer: W, options: JsonlImportOptions, header: &ExportHeader) -> Result<Self, Error> {
        let mut import = Self {
            writer,
            options,
            spaces: HashMap::new(),
            active: None,
            records: Vec::new(),
            bytes: 0,
            references: Vec::new(),
            report: JsonlImportReport::default(),
        };
        for space in &header.spaces {
            import.space(space)?;
        }
        for (key, value) in &header.meta {
            if !key.starts_with("legacy:") || !import.writer.put_origin(key, value)? {
                return Err(invalid_line(1, "meta values under legacy:…", format!("{key:?}: {value}")));
            }
        }
        let active = import.writer.spaces()?.into_iter().find(|space| space.state == SpaceState::Active);
        import.active = active.map(|space| space.id);
        Ok(import)
    }

    fn space(&mut self, line: &SpaceLine) -> Result<(), Error> {
        let space = match Place::of(line, &self.writer.spaces()?, &self.spaces)? {
            Place::Known(space) => space,
            Place::New { number, state } => {
                self.report.spaces += 1;
                self.writer.add_space(number, line, state)?
            }
        };
        self.spaces.insert(line.number, space);
        Ok(())
    }

    fn take(&mut self, line: u64, entry: EntryLine) -> Result<(), Error> {
        // An id that comes twice is there the second time.
        if self.records.iter().any(|record| record.entry.id == entry.id) {
            self.flush()?;
        }
        let record = Record::check(line, entry, &self.spaces, self.active)?;
        self.bytes += record.bytes();
        self.records.push(record);
        if self.records.len() >= AT_ONCE || self.bytes >= BYTES_AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        let records = std::mem::take(&mut self.records);
        let ids: Vec<EntryId> = records.iter().map(|record| record.entry.id).collect();
        let there = self.writer.rows_of(&ids)?;
        let mut written = Vec::with_capacity(records.len());
        for mut record in records {
            record.replaces = there.get(&record.entry.id).copied();
            match (record.replaces, self.options.on_duplicate) {
                (None, _) => self.report.added += 1,
                (Some(_), OnDuplicate::Skip) => {
                    self.report.skipped += 1;
                    continue;
                }
                (Some(_), OnDuplicate::Refuse) => return Err(Error::DuplicateId { id: record.entry.id }),
                (Some(_), OnDuplicate::Replace) => self.report.replaced += 1,
            }
            self.report.vectors += record.vectors.len() as u64;
            self.report.links += record.entry.links.len() as u64;
            self.report.quarantined += record.quarantine.len() as u64;
            self.references.extend(record.take_references()?);
            written.push(record);
        }
        if written.is_empty() { Ok(()) } else { self.writer.write(&written) }
    }
}
