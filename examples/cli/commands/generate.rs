//! Made-up notes by the thousand, for trying out scale.

use std::time::{Duration, Instant};

use rekall::NewEntry;
use serde_json::json;

use super::synthetic;
use crate::args::{Cli, GenerateArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::Style;

/// Notes remembered in one transaction.
const BATCH: u64 = 1_000;

pub(crate) fn generate(cli: &Cli, args: &GenerateArgs, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Write)?;
    let progress = Progress::new("remembering", usize::try_from(args.count).unwrap_or(usize::MAX));
    // Only remembering is timed, not the making up.
    let mut elapsed = Duration::ZERO;
    let mut done = 0;
    while done < args.count {
        let end = args.count.min(done + BATCH);
        let notes: Vec<NewEntry> = (done..end).map(|number| synthetic::note(args.seed, number)).collect();
        let started = Instant::now();
        let batch = usize::try_from(done).unwrap_or(usize::MAX);
        let batch_done = session
            .rekall
            .remember_many(&notes)
            .progress(|at| progress.set(batch + at.done))
            .cancel(interrupt::token())
            .run();
        interrupt::or_stopped(batch_done, || {
            format!("{done} of {} notes are kept; another --seed makes further ones", args.count)
        })?;
        elapsed += started.elapsed();
        done = end;
    }
    drop(progress);
    let rate = done as f64 / elapsed.as_secs_f64();
    let json = json!({
        "count": done,
        "seed": args.seed,
        "elapsed_ms": ms(elapsed),
        "notes_per_second": rate.round(),
    });
    let text = format!(
        "{done} notes in {:.2} s\n{}",
        elapsed.as_secs_f64(),
        style.dim(format!("{rate:.0} notes/s"))
    );
    Ok(Report::new(json, text).notes(session.notes()))
}
