//! Figures about the database and the memory that searching takes.

use std::path::Path;

use rekall::Stats;
use rekall::model::Fingerprint;
use serde::Serialize;

use crate::args::Cli;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, bytes};

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    path: &'a Path,
    #[serde(flatten)]
    stats: &'a Stats,
}

pub(crate) fn stats(cli: &Cli, memory: bool, style: Style) -> Result<Report, Failure> {
    let session = Session::open(cli, Purpose::Read)?;
    let mut notes = Vec::new();
    if memory {
        // A process that has just begun holds nothing yet: load what a search would.
        session.rekall.rebuild_index().run()?;
        if let Err(error) = session.rekall.load_model() {
            notes.push(format!("the model is not loaded: {error}"));
        }
    }
    let stats = session.rekall.stats()?;
    let store = &stats.store;
    let mut rows = vec![
        ("database", session.rekall.location()),
        ("size", bytes(store.file_bytes)),
        ("notes", format!("{} ({} obsolete)", store.entries, store.obsolete)),
        ("vectors", format!("{} ({} quarantined)", store.vectors, store.quarantined)),
        ("waiting for a vector", store.pending.to_string()),
        ("why they wait", stats.pending_reason.clone().unwrap_or_default()),
        ("links", store.links.to_string()),
        ("change log", format!("{} rows", store.log_rows)),
        ("model of the vectors", stats.space.as_deref().map_or("none yet".to_owned(), model_name)),
    ];
    rows.retain(|(name, _)| *name != "why they wait" || stats.pending_reason.is_some());
    if memory {
        rows.push(("index in memory", bytes(stats.memory.index as u64)));
        rows.push(("words in memory", bytes(stats.memory.words as u64)));
        let model = stats.model.as_deref().unwrap_or("not loaded");
        rows.push(("model in memory", format!("{} ({model})", bytes(stats.memory.model as u64))));
        rows.push(("query cache", bytes(stats.cache.bytes)));
        rows.extend(stats.memory.process.map(|rss| ("whole process", bytes(rss))));
    }
    let location = session.rekall.location();
    let printed = Printed { path: Path::new(&location), stats: &stats };
    Ok(Report::of(&printed, style.table(&rows))?.notes(notes))
}

/// A fingerprint tells all that makes a model what it is; people know it by its name.
fn model_name(fingerprint: &str) -> String {
    Fingerprint::parse(fingerprint).map_or(fingerprint.to_owned(), |parsed| parsed.model().to_owned())
}
