//! One memory into another, each in a file or on a server.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use rekall::upkeep::{JsonlImportReport, OnDuplicate};
use rekall::{Error, ErrorKind, Rekall};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::args::Cli;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::Report;
use crate::style::Style;

/// Lines that are imported in one transaction: what a killed run has to do again at the most.
const AT_ONCE: usize = 1_000;

/// Bytes that are, and a last line.
const BYTES_AT_ONCE: usize = 16 << 20;

/// Copies everything, vectors included, in parts; a run after a stopped one goes on where that was. With `--scope` that scope
/// alone, else the memory without a name and all scopes.
pub(crate) fn copy(cli: &Cli, from: &Path, to: &Path, style: Style) -> Result<Report, Failure> {
    let source = match open(from, false) {
        Err(error) if error.kind() == ErrorKind::ReadOnly => {
            Rekall::builder(from).without_model().create(false).read_only().open()?
        }
        opened => opened?,
    };
    let target = open(to, true)?;
    let names = match &cli.scope {
        Some(name) => vec![name.clone()],
        None => source.scopes()?,
    };
    let mut report = JsonlImportReport::default();
    if cli.scope.is_none() {
        copy_one(&source, &target, &mut report)?;
    }
    for name in &names {
        copy_one(&*source.scope(name)?, &*target.scope(name)?, &mut report)?;
    }
    let json = json!({
        "entries": report.added,
        "existing": report.skipped,
        "links": report.links,
        "vectors": report.vectors,
        "quarantined": report.quarantined,
        "scopes": names,
        "from": source.location(),
        "to": target.location(),
    });
    let mut rows = vec![
        ("notes", report.added.to_string()),
        ("already there", report.skipped.to_string()),
        ("links", report.links.to_string()),
        ("vectors", report.vectors.to_string()),
        ("copied to", target.location()),
    ];
    if !names.is_empty() {
        rows.push(("scopes", names.len().to_string()));
    }
    Ok(Report::new(json, style.table(&rows)))
}

/// Copies one memory, and adds what it did to the report.
fn copy_one(source: &Rekall, target: &Rekall, sum: &mut JsonlImportReport) -> Result<(), Failure> {
    refuse_other_notes(source, target)?;
    let progress = Progress::new("copying", 0);
    let mut copier = Copier::new(target).map_err(|error| Failure::io("use", &std::env::temp_dir(), error))?;
    let export = source.export_jsonl(&mut copier).progress(|at| progress.follow(at));
    let exported = export.cancel(interrupt::token()).run();
    // What stopped the import is why the export could not go on.
    let copied = match copier.failed.take() {
        Some(error) => Err(error),
        None => exported.map(drop).and_then(|()| copier.finish()),
    };
    let report = copier.report;
    sum.added += report.added;
    sum.skipped += report.skipped;
    sum.links += report.links;
    sum.vectors += report.vectors;
    sum.quarantined += report.quarantined;
    interrupt::or_stopped(copied, || {
        format!("{} notes are copied; run the command again to go on", sum.added + sum.skipped)
    })
    .map(drop)
}

fn open(place: &Path, create: bool) -> Result<Rekall, Error> {
    Rekall::builder(place).without_model().create(create).open()
}

/// A copy that was begun has only notes of the original. Two memories are merged by an export and an import.
fn refuse_other_notes(source: &Rekall, target: &Rekall) -> Result<(), Failure> {
    let ids =
        |memory: &Rekall| Ok::<_, Failure>(memory.store().read()?.all_ids()?.into_iter().map(|(_, id)| id));
    let known: HashSet<_> = ids(source)?.collect();
    match ids(target)?.filter(|id| !known.contains(id)).count() {
        0 => Ok(()),
        others => Err(Failure::Usage(format!(
            "the target has notes that the source does not have ({others}): export and import merge two memories"
        ))),
    }
}

/// Takes an export and imports it in parts.
struct Copier<'m> {
    target: &'m Rekall,
    /// What each part begins with.
    header: Vec<u8>,
    /// A line that has not come to its end.
    line: Vec<u8>,
    part: Vec<u8>,
    lines: usize,
    /// Lines of notes that name others, which may come later: these parts are imported last.
    referring: BufWriter<File>,
    report: JsonlImportReport,
    failed: Option<Error>,
}

impl<'m> Copier<'m> {
    fn new(target: &'m Rekall) -> io::Result<Self> {
        Ok(Self {
            target,
            header: Vec::new(),
            line: Vec::new(),
            part: Vec::new(),
            lines: 0,
            referring: BufWriter::new(tempfile::tempfile()?),
            report: JsonlImportReport::default(),
            failed: None,
        })
    }

    /// Takes a whole line of the export.
    fn take(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if self.header.is_empty() {
            // A part has fewer lines than the export.
            let mut header: Map<String, Value> = serde_json::from_slice(&line)?;
            header.remove("entries");
            serde_json::to_writer(&mut self.header, &header)?;
            return self.header.write_all(b"\n");
        }
        let mut note: BTreeMap<&str, &RawValue> = serde_json::from_slice(&line)?;
        let nothing = RawValue::from_string("null".to_owned())?;
        let is_replaced = note.insert("superseded_by", &nothing).is_some_and(|newer| newer.get() != "null");
        if note.remove("links").is_some() || is_replaced {
            self.referring.write_all(&line)?;
            let mut alone = serde_json::to_vec(&note)?;
            alone.push(b'\n');
            self.push(&alone, OnDuplicate::Skip)
        } else {
            self.push(&line, OnDuplicate::Skip)
        }
    }

    fn push(&mut self, line: &[u8], on_duplicate: OnDuplicate) -> io::Result<()> {
        if self.part.is_empty() {
            self.part.extend_from_slice(&self.header);
        }
        self.part.extend_from_slice(line);
        self.lines += 1;
        if self.lines < AT_ONCE && self.part.len() < BYTES_AT_ONCE {
            return Ok(());
        }
        self.import(on_duplicate).map_err(|error| {
            let said = error.to_string();
            self.failed = Some(error);
            io::Error::other(said)
        })
    }

    /// Imports what has come together, in one transaction.
    fn import(&mut self, on_duplicate: OnDuplicate) -> Result<(), Error> {
        let part = std::mem::take(&mut self.part);
        if std::mem::take(&mut self.lines) == 0 {
            return Ok(());
        }
        let mut lines = part.as_slice();
        let import = self.target.import_jsonl(&mut lines).on_duplicate(on_duplicate);
        let report = import.cancel(interrupt::token()).run()?;
        self.report.links += report.links;
        if on_duplicate == OnDuplicate::Skip {
            self.report.added += report.added;
            self.report.skipped += report.skipped;
            self.report.vectors += report.vectors;
            self.report.quarantined += report.quarantined;
        }
        Ok(())
    }

    /// Imports the rest, then, when all are there, once more the notes that name others.
    fn finish(&mut self) -> Result<(), Error> {
        self.import(OnDuplicate::Skip)?;
        let mut referring = self.rewind().map_err(spool)?;
        let mut line = Vec::new();
        while referring.read_until(b'\n', &mut line).map_err(spool)? > 0 {
            if let Err(error) = self.push(&line, OnDuplicate::Replace) {
                return Err(self.failed.take().unwrap_or_else(|| spool(error)));
            }
            line.clear();
        }
        self.import(OnDuplicate::Replace)
    }

    fn rewind(&mut self) -> io::Result<BufReader<File>> {
        self.referring.flush()?;
        let mut file = self.referring.get_ref().try_clone()?;
        file.rewind()?;
        Ok(BufReader::new(file))
    }
}

fn spool(source: io::Error) -> Error {
    rekall::storage::Error::Stream { action: "keep a part of", source }.into()
}

impl Write for Copier<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.take()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
