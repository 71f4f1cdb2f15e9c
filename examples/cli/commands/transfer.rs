//! Whole databases in and out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use rekall::storage::legacy;
use serde_json::json;

use crate::args::Cli;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, counted};

/// Takes in a file of the Python tool or a JSONL export; its first bytes tell which it is.
pub(crate) fn import(cli: &Cli, file: &Path, style: Style) -> Result<Report, Failure> {
    let opened = File::open(file).map_err(|error| Failure::io("open", file, error))?;
    let mut input = BufReader::new(opened);
    // A folder can be opened, and says only now that it is none to be read.
    let start = input.fill_buf().map_err(|error| Failure::io("read", file, error))?;
    if start.trim_ascii_start().starts_with(b"{") {
        import_jsonl(cli, &mut input, style)
    } else {
        import_legacy(cli, file, style)
    }
}

fn import_legacy(cli: &Cli, file: &Path, style: Style) -> Result<Report, Failure> {
    // Looked at first: a file that cannot be imported should not leave an empty database behind.
    legacy::probe(file)?;
    let session = Session::open(cli, Purpose::Write)?;
    let progress = Progress::new("importing", 0);
    let import = session.rekall.import_legacy(file).progress(|at| progress.follow(at));
    let report = interrupt::or_stopped(import.cancel(interrupt::token()).run(), nothing_imported)?;
    drop(progress);
    let mut rows = vec![
        ("notes", report.entries.to_string()),
        ("tags", report.tags.to_string()),
        ("links", report.links.to_string()),
        ("vectors", report.vectors.to_string()),
        ("set aside", format!("{} vectors", report.quarantined)),
        ("schema", report.legacy_schema.to_string()),
    ];
    if report.existing > 0 {
        rows.push(("already here", counted(report.existing as usize, "note")));
    }
    let mut notes = report.notes.clone();
    let reasons = report.quarantine_reasons.iter();
    notes.extend(reasons.map(|vector| format!("set aside a vector of {}: {}", vector.entry, vector.reason)));
    let json = serde_json::to_value(&report).unwrap_or_default();
    Ok(Report::new(json, style.table(&rows)).notes(notes))
}

fn import_jsonl(cli: &Cli, input: &mut dyn BufRead, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    let progress = Progress::new("importing", 0);
    let import = session.rekall.import_jsonl(input).progress(|at| progress.follow(at));
    let report = interrupt::or_stopped(import.cancel(interrupt::token()).run(), nothing_imported)?;
    drop(progress);
    let json = json!({
        "entries": report.added,
        "existing": report.skipped,
        "links": report.links,
        "vectors": report.vectors,
        "quarantined": report.quarantined,
        "backup": null,
        "legacy_schema": null,
    });
    let text = style.table(&[
        ("notes", report.added.to_string()),
        ("already here", report.skipped.to_string()),
        ("links", report.links.to_string()),
        ("vectors", report.vectors.to_string()),
    ]);
    Ok(Report::new(json, text))
}

fn nothing_imported() -> String {
    "nothing is imported, the database is as it was; run the command again".to_owned()
}

/// Writes everything to a file that is not there yet: overwriting the wrong file would lose notes.
pub(crate) fn export(cli: &Cli, file: &Path, vectors: bool, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Read)?;
    let created = File::create_new(file).map_err(|error| Failure::io("create", file, error))?;
    let mut out = BufWriter::new(created);
    let progress = Progress::new("exporting", 0);
    let export = session.rekall.export_jsonl(&mut out).vectors(vectors).progress(|at| progress.follow(at));
    let exported = export.cancel(interrupt::token()).run();
    let written = interrupt::or_stopped(exported, || "no file is written; run the command again".to_owned())
        .and_then(|report| finish(out, file).map(|()| report));
    drop(progress);
    let report = written.inspect_err(|_| {
        // Half an export looks like a whole one. That it cannot be removed either is the lesser trouble.
        drop(std::fs::remove_file(file));
    })?;
    let json = json!({
        "file": file,
        "entries": report.entries,
        "links": report.links,
        "vectors": report.vectors,
        "quarantined": report.quarantined,
    });
    let text = style.table(&[
        ("notes", report.entries.to_string()),
        ("links", report.links.to_string()),
        ("vectors", report.vectors.to_string()),
        ("written to", file.display().to_string()),
    ]);
    Ok(Report::new(json, text))
}

fn finish(mut out: BufWriter<File>, file: &Path) -> Result<(), Failure> {
    let written: io::Result<()> = out.flush().and_then(|()| out.get_ref().sync_all());
    written.map_err(|error| Failure::io("write", file, error))
}
