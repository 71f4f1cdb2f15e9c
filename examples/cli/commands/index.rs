//! Taking up files: a note for each section, which keeps its tags and links when the file changes.

use std::time::{Duration, Instant};

use rekall::SyncReport;
use rekall::files::path_of_uri;
use serde_json::{Value, json};

use super::remarks::{Remarks, Unread};
use crate::args::{Cli, IndexArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::{Style, counted};

/// What Ctrl-C leaves.
pub(super) const KEPT: &str = "the files that were taken up are kept; run the same command again to go on";

pub(crate) fn index(cli: &Cli, args: &IndexArgs, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    let run = Run::over(&session, args)?;
    Ok(run.report(style)?.notes(run.remarks().into_lines()).notes(session.notes()))
}

/// A run that has brought the notes in step with the files.
pub(super) struct Run {
    pub(super) done: SyncReport,
    unread: Unread,
    elapsed: Duration,
}

impl Run {
    pub(super) fn over(session: &Session, args: &IndexArgs) -> Result<Self, Failure> {
        let started = Instant::now();
        let progress = Progress::new("indexing", 0);
        let mut run = session.rekall.sync_folders(args.paths.clone());
        run = run.prune(args.prune).progress(|at| progress.follow(at));
        if let Some(project) = &args.project {
            run = run.project(project);
        }
        let done = interrupt::or_stopped(run.cancel(interrupt::token()).run(), || KEPT.to_owned())?;
        drop(progress);
        let unread = Unread::of(&session.rekall, &done)?;
        Ok(Self { done, unread, elapsed: started.elapsed() })
    }

    /// What a person should know beside the figures.
    pub(super) fn remarks(&self) -> Remarks {
        Remarks::of(&self.done, &self.unread)
    }

    /// The figures.
    pub(super) fn report(&self, style: Style) -> Result<Report, Failure> {
        let SyncReport { added, changed, moved, kept, gone, current, read, .. } = &self.done;
        let mut json = Report::of(&self.done, "")?.json;
        json["elapsed_ms"] = json!(ms(self.elapsed));
        for list in ["skipped", "problems"] {
            json[list].as_array_mut().into_iter().flatten().for_each(add_path);
        }
        for skipped in json["skipped"].as_array_mut().into_iter().flatten() {
            skipped["has_notes"] = skipped["uri"].as_str().is_some_and(|uri| self.unread.has(uri)).into();
        }
        let text = format!(
            "{}: {added} added, {changed} changed, {moved} moved, {kept} kept, {gone} removed\n{}",
            counted(current + read, "file"),
            style.dim(format!(
                "{current} of them had not changed; {} skipped; {:.2} s",
                counted(self.done.skipped.len(), "file"),
                self.elapsed.as_secs_f64()
            ))
        );
        Ok(Report::new(json, text))
    }
}

/// A path beside the URI, for programs that know files by their paths.
fn add_path(problem: &mut Value) {
    if let Some(path) = problem["uri"].as_str().and_then(path_of_uri) {
        problem["path"] = json!(path.to_string_lossy());
    }
}
