//! Looking after the database.

use std::path::Path;
use std::time::Instant;

use rekall::{IndexAudit, LoadOptions, Precision};
use serde_json::json;

use crate::args::Cli;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::{Style, bytes, counted};

/// Problems shown to people; `--json` lists more.
const SHOWN: usize = 20;

/// Hits compared in each search of `check --recall`.
const RECALL_AT: usize = 10;

pub(crate) fn check(cli: &Cli, queries: Option<usize>, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Read)?;
    let progress = Progress::new("checking", 0);
    let check = session.rekall.check().progress(|at| progress.follow(at));
    let report = interrupt::or_stopped(check.cancel(interrupt::token()).run(), unchanged)?;
    drop(progress);
    let mut json = serde_json::to_value(&report).unwrap_or_default();
    json["clean"] = report.is_clean().into();
    let recall = queries.map(|queries| recall(&session, queries)).transpose()?;
    if let Some(recall) = &recall {
        json["recall"] = serde_json::to_value(recall).unwrap_or_default();
    }
    let mut text = style.table(&[
        ("notes", report.entries.to_string()),
        ("vectors", report.vectors.to_string()),
        ("tags", report.tags.to_string()),
        ("links", report.links.to_string()),
        ("pages", report.pages.to_string()),
    ]);
    if let Some(recall) = recall {
        text += &format!(
            "{}: recall@{} {:.4}, worst {:.2}, over {}, {} unlike brute force\n",
            recall.backend.unwrap_or("no index"),
            recall.k,
            recall.recall,
            recall.worst,
            counted(recall.queries, "comparison"),
            recall.differing
        );
    }
    if report.is_clean() {
        return Ok(Report::new(json, text + &style.green("no damage found")));
    }
    for problem in report.problems.iter().take(SHOWN) {
        let entry = problem.entry.map(|id| format!(" ({id})")).unwrap_or_default();
        text += &format!("{:?}: {}{entry}\n", problem.kind, problem.detail);
    }
    let found = usize::try_from(report.found).unwrap_or(usize::MAX);
    text += &format!("{} found; repair sets right what can be\n", counted(found, "problem"));
    Ok(Report::new(json, text).of_damage())
}

/// What is kept of a command that changes the database at its end, if at all.
fn unchanged() -> String {
    "the database is as it was; run the command again".to_owned()
}

fn recall(session: &Session, queries: usize) -> Result<IndexAudit, Failure> {
    let progress = Progress::new("comparing", 0);
    let audit = session.rekall.audit_index(queries, RECALL_AT).progress(|at| progress.follow(at));
    interrupt::or_stopped(audit.cancel(interrupt::token()).run(), unchanged)
}

pub(crate) fn repair(cli: &Cli, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Change)?;
    let progress = Progress::new("repairing", 0);
    let repair = session.rekall.repair().progress(|at| progress.follow(at));
    let report = interrupt::or_stopped(repair.cancel(interrupt::token()).run(), unchanged)?;
    drop(progress);
    let text = style.table(&[
        ("notes with unreadable parts", report.repaired.len().to_string()),
        ("vectors set aside", report.quarantined.to_string()),
        ("dangling rows removed", report.orphans.to_string()),
        ("notes now waiting for a vector", report.pending.to_string()),
        ("spaces retired", report.spaces.to_string()),
        ("tables and indexes rebuilt", report.objects.to_string()),
    ]);
    Ok(Report::new(serde_json::to_value(&report).unwrap_or_default(), text))
}

pub(crate) fn backup(cli: &Cli, file: &Path, _style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Read)?;
    let started = Instant::now();
    let progress = Progress::new("copying", 0);
    let backup = session.rekall.backup(file).progress(|at| progress.follow(at));
    interrupt::or_stopped(backup.cancel(interrupt::token()).run(), || {
        format!("{} is not written; run the command again", file.display())
    })?;
    drop(progress);
    let elapsed = started.elapsed();
    let size = std::fs::metadata(file).map_err(|error| Failure::io("read", file, error))?.len();
    let text = format!("{} written to {}", bytes(size), file.display());
    Ok(Report::new(json!({ "file": file, "bytes": size, "elapsed_ms": ms(elapsed) }), text))
}

pub(crate) fn rebuild_index(cli: &Cli) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Change)?;
    let started = Instant::now();
    interrupt::or_stopped(session.rekall.rebuild_index().cancel(interrupt::token()).run(), || {
        "no note is lost; searches find the same and the first begins more slowly until the index is rebuilt"
            .to_owned()
    })?;
    let elapsed = started.elapsed();
    let stats = session.rekall.stats()?;
    let text = format!(
        "{} in {:.1} ms, {} of memory",
        counted(stats.index_rows, "vector"),
        elapsed.as_secs_f64() * 1e3,
        bytes(stats.memory.index as u64)
    );
    let json = json!({ "rows": stats.index_rows, "bytes": stats.memory.index, "elapsed_ms": ms(elapsed) });
    Ok(Report::new(json, text))
}

pub(crate) fn reembed(cli: &Cli, style: Style) -> Result<Report, Failure> {
    let Some(model) = cli.model.clone() else {
        return Err(Failure::Usage("reembed needs to know the new model: give --model".to_owned()));
    };
    let session = Session::open(cli, Purpose::Change)?;
    let model_name = model.to_string();
    let name = match session.precision {
        Precision::F32 => model.to_string(),
        precision => format!("{model} --precision {precision}"),
    };
    let started = Instant::now();
    let progress = Progress::new("embedding", 0);
    let kept = || {
        format!(
            "searches use the old vectors, the new ones made so far are kept: reembed --model {name} goes on"
        )
    };
    let load = LoadOptions::new().precision(session.precision);
    let reembed = session.rekall.reembed(model).load_options(load).progress(|at| progress.follow(at));
    let done = interrupt::or_stopped(reembed.cancel(interrupt::token()).run(), kept)?;
    // With the model that the file has already, only what was stored without vectors is left to do.
    let pending = session.rekall.embed_pending().progress(|at| progress.follow(at));
    let waited = interrupt::or_stopped(pending.cancel(interrupt::token()).run(), || {
        format!("the vectors made so far are kept: reembed --model {name} makes the rest")
    })?;
    drop(progress);
    let (entries, vectors) = (done.entries + waited.entries, done.vectors + waited.vectors);
    let elapsed = started.elapsed();
    let json = json!({
        "model": model_name,
        "precision": session.precision.to_string(),
        "entries": entries,
        "vectors": vectors,
        "without_meaning": done.without_meaning + waited.without_meaning,
        "unreadable": waited.unreadable,
        "elapsed_ms": ms(elapsed),
    });
    let mut text = format!("{} in {:.2} s\n", counted(entries, "note"), elapsed.as_secs_f64());
    if name != "bundled" {
        text += &style
            .dim(format!("from now on give --model {name}, or say so in [model] of the configuration\n"));
    }
    Ok(Report::new(json, text))
}
