//! Figures about the database and the memory that searching takes.

use rekall::Stats;
use rekall::model::Fingerprint;
use serde_json::{Value, json};

use crate::args::Cli;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, bytes};

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
    let mut json = json!({
        "path": session.rekall.path(),
        "entries": store.entries,
        "obsolete": store.obsolete,
        "vectors": store.vectors,
        "pending": store.pending,
        "quarantined": store.quarantined,
        "links": store.links,
        "log_rows": store.log_rows,
        "file_bytes": store.file_bytes,
        "space": stats.space,
    });
    let mut rows = vec![
        ("database", session.rekall.path().display().to_string()),
        ("size", bytes(store.file_bytes)),
        ("notes", format!("{} ({} obsolete)", store.entries, store.obsolete)),
        ("vectors", format!("{} ({} quarantined)", store.vectors, store.quarantined)),
        ("waiting for a vector", store.pending.to_string()),
        ("links", store.links.to_string()),
        ("change log", format!("{} rows", store.log_rows)),
        ("model of the vectors", stats.space.as_deref().map_or("none yet".to_owned(), model_name)),
    ];
    if memory {
        let rss = stats.memory.process;
        json["memory"] = memory_json(&stats, rss);
        rows.push(("index in memory", bytes(stats.memory.index as u64)));
        let model = stats.model.as_deref().unwrap_or("not loaded");
        rows.push(("model in memory", format!("{} ({model})", bytes(stats.memory.model as u64))));
        rows.push(("query cache", bytes(stats.cache.bytes)));
        rows.extend(rss.map(|rss| ("whole process", bytes(rss))));
    }
    Ok(Report::new(json, style.table(&rows)).notes(notes))
}

/// A fingerprint tells all that makes a model what it is; people know it by its name.
fn model_name(fingerprint: &str) -> String {
    Fingerprint::parse(fingerprint).map_or(fingerprint.to_owned(), |parsed| parsed.model().to_owned())
}

fn memory_json(stats: &Stats, rss: Option<u64>) -> Value {
    json!({
        "index_rows": stats.index_rows,
        "index_bytes": stats.memory.index,
        "model": stats.model,
        "model_bytes": stats.memory.model,
        "cache_bytes": stats.cache.bytes,
        "rss_bytes": rss,
    })
}
