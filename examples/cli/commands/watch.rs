//! Taking up files again whenever they change.

use std::time::Duration;

use rekall::SyncReport;
use rekall::files::{ReadOptions, WalkOptions, Watch};

use super::index::{KEPT, sync};
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

/// Prints a report of the first run, and of each run that changed a note, until Ctrl-C.
pub(crate) fn watch(cli: &Cli, args: &IndexArgs, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    let cancel = interrupt::token();
    // Before the first run, so that nothing that changes meanwhile is missed.
    let mut watch = Watch::new(&args.paths, &WalkOptions::new(), &ReadOptions::new(), REST)?;
    let (_, report) = sync(&session, args, style)?;
    print(&report.notes(session.notes()), cli.json);
    while !cancel.is_cancelled() {
        if watch.next(TICK)?.is_some() {
            // Whatever it was that changed: unchanged files are not opened, and a folder that went away stops the command.
            let (done, report) = sync(&session, args, style)?;
            if tells_something(&done) {
                print(&report, cli.json);
            }
        }
    }
    Err(Failure::Stopped { kept: KEPT.to_owned() })
}

/// Whether a note changed, or a file has a fault that a person should know of.
fn tells_something(done: &SyncReport) -> bool {
    let changed = done.added + done.changed + done.moved + done.gone + done.held_back;
    changed > 0 || !done.problems.is_empty()
}
