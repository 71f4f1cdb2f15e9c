//! Taking up files again whenever they change.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rekall::files::{ReadOptions, WalkOptions, Watch};
use rekall::{ErrorKind, SyncReport};

use super::index::{KEPT, Run};
use crate::args::{Cli, IndexArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::report::{Report, print};
use crate::session::{Purpose, Session};
use crate::style::Style;

/// How long nothing may change before the files are read: editors write in several steps.
const REST: Duration = Duration::from_millis(300);

/// How long Ctrl-C may go unnoticed.
const TICK: Duration = Duration::from_millis(100);

/// How long after a run that failed the next one begins.
const AGAIN: Duration = Duration::from_secs(1);

/// Prints a report of the first run, and of each run that changed a note or found something to be said, until Ctrl-C.
pub(crate) fn watch(cli: &Cli, args: &IndexArgs, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    let cancel = interrupt::token();
    // Before the first run, so that nothing that changes meanwhile is missed.
    let mut watch = Watch::new(&args.paths, &WalkOptions::new(), &ReadOptions::new(), REST)?;
    let mut printed = Printed::default();
    // Whether there is something that was not taken up yet, and whether it was said why.
    let (mut is_behind, mut has_failed) = (true, false);
    while !cancel.is_cancelled() {
        if !is_behind {
            // Whatever it was that changed: unchanged files are not opened, and a folder that went away stops the command.
            is_behind = watch.next(TICK)?.is_some();
            continue;
        }
        match Run::over(&session, args) {
            Ok(run) => {
                (is_behind, has_failed) = (false, false);
                if let Some(report) = printed.news(&run, session.notes(), style)? {
                    print(&report, cli.json);
                }
            }
            Err(Failure::Rekall(error)) if passes(error.kind()) => {
                if !has_failed {
                    eprintln!("note: not taken up yet: {error}; trying again until it works");
                }
                has_failed = true;
                wait(&mut watch, AGAIN)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Stopped { kept: KEPT.to_owned() })
}

/// Whether what made a run fail may be over soon, without anybody's doing here.
fn passes(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Busy | ErrorKind::Full | ErrorKind::OutOfMemory)
}

/// Lets time pass, in which changes are gathered: the next run takes them up, too.
fn wait(watch: &mut Watch, time: Duration) -> Result<(), Failure> {
    let until = Instant::now() + time;
    while Instant::now() < until && !interrupt::token().is_cancelled() {
        watch.next(TICK)?;
    }
    Ok(())
}

/// What was printed so far.
#[derive(Default)]
struct Printed {
    is_begun: bool,
    /// What was said of the last run.
    told: HashSet<String>,
}

impl Printed {
    /// A report of what a run changed, and of what was not said of the run before; `None` if there is neither.
    fn news(&mut self, run: &Run, notes: Vec<String>, style: Style) -> Result<Option<Report>, Failure> {
        let all = run.remarks();
        let told: HashSet<String> = all.all().chain(&notes).cloned().collect();
        let remarks = if self.is_begun { all.news(&self.told) } else { all };
        let notes: Vec<String> = notes.into_iter().filter(|note| !self.told.contains(note)).collect();
        let is_news = !self.is_begun || has_changed(&run.done) || !remarks.is_empty() || !notes.is_empty();
        (self.told, self.is_begun) = (told, true);
        if !is_news {
            return Ok(None);
        }
        Ok(Some(run.report(style)?.notes(remarks.into_lines()).notes(notes)))
    }
}

fn has_changed(done: &SyncReport) -> bool {
    done.added + done.changed + done.moved + done.gone > 0
}
