//! Taking up files: a note for each section, which keeps its tags and links when the file changes.

use std::time::{Duration, Instant};

use rekall::files::path_of_uri;
use rekall::{SourceProblem, SyncReport};
use serde_json::{Value, json};

use crate::args::{Cli, IndexArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::{Style, counted};

/// Files named one by one in the text; JSON has all of them.
const NAMED: usize = 10;

/// What Ctrl-C leaves.
pub(super) const KEPT: &str = "the files that were taken up are kept; run the same command again to go on";

pub(crate) fn index(cli: &Cli, args: &IndexArgs, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    Ok(sync(&session, args, style)?.1.notes(session.notes()))
}

/// Brings the notes in step with the files.
pub(super) fn sync(
    session: &Session,
    args: &IndexArgs,
    style: Style,
) -> Result<(SyncReport, Report), Failure> {
    let started = Instant::now();
    let progress = Progress::new("indexing", 0);
    let mut run = session.rekall.sync_folders(args.paths.clone());
    run = run.prune(args.prune).progress(|at| progress.follow(at));
    if let Some(project) = &args.project {
        run = run.project(project);
    }
    let done = interrupt::or_stopped(run.cancel(interrupt::token()).run(), || KEPT.to_owned())?;
    drop(progress);
    let report = report(&done, started.elapsed(), style)?;
    Ok((done, report))
}

fn report(done: &SyncReport, elapsed: Duration, style: Style) -> Result<Report, Failure> {
    let mut json = Report::of(done, "")?.json;
    json["elapsed_ms"] = json!(ms(elapsed));
    for list in ["skipped", "problems"] {
        json[list].as_array_mut().into_iter().flatten().for_each(add_path);
    }
    let SyncReport { added, changed, moved, kept, gone, current, read, .. } = done;
    let text = format!(
        "{}: {added} added, {changed} changed, {moved} moved, {kept} kept, {gone} removed\n{}",
        counted(current + read, "file"),
        style.dim(format!(
            "{current} of them had not changed; {} skipped; {:.2} s",
            counted(done.skipped.len(), "file"),
            elapsed.as_secs_f64()
        ))
    );
    Ok(Report::new(json, text).notes(notes(done)))
}

/// What a person should know of a run.
fn notes(done: &SyncReport) -> Vec<String> {
    let mut notes: Vec<String> = done.problems.iter().map(|problem| said("", problem)).collect();
    notes.extend(done.skipped.iter().take(NAMED).map(|skipped| said("skipped ", skipped)));
    if done.skipped.len() > NAMED {
        let others = counted(done.skipped.len() - NAMED, "other file");
        notes.push(format!("skipped {others}; --json names all"));
    }
    if done.held_back > 0 {
        notes.push(format!(
            "{} of files or sections that are gone stay, because so many are gone at once, or files could not be \
             read; with --prune they are forgotten",
            counted(done.held_back, "note")
        ));
    }
    notes
}

fn said(what: &str, SourceProblem { uri, reason, .. }: &SourceProblem) -> String {
    let place = path_of_uri(uri).map_or_else(|| uri.clone(), |path| path.display().to_string());
    format!("{what}{place}: {reason}")
}

/// A path beside the URI, for programs that know files by their paths.
fn add_path(problem: &mut Value) {
    if let Some(path) = problem["uri"].as_str().and_then(path_of_uri) {
        problem["path"] = json!(path.to_string_lossy());
    }
}
