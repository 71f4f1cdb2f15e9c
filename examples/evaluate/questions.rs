//! How well judged questions are answered in each mode.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rekall::{EntryId, Error, Mode, NewEntry, Rekall};
use serde_json::{Value, json};

use crate::judged::{self, DEPTH, Failure, JudgedSet, entry};
use crate::memory::{MODES, Memory, Model, found};

/// Queries asked before the clock runs, so that it does not see model and index being loaded.
const WARM_UP: usize = 20;

/// Remembers the documents and asks each question in each mode.
pub(crate) fn measure(set: &JudgedSet, model: &Model) -> Result<Results, Failure> {
    let entries: Vec<NewEntry> = set.docs.iter().map(entry).collect();
    let memory = Memory::new(model, &entries)?;
    let names = memory.ids.iter().copied().zip(set.docs.iter().map(|doc| doc.id.as_str())).collect();
    let figures = |(name, mode)| Ok((name, figures(&memory.rekall, mode, set, &names)?));
    let modes = MODES.into_iter().map(figures).collect::<Result<_, Error>>()?;
    Ok(Results { docs: set.docs.len(), queries: set.queries.len(), modes })
}

/// What one mode reached.
struct Figures {
    ndcg: f64,
    recall: f64,
    mrr: f64,
    median: Duration,
}

fn figures(
    rekall: &Rekall,
    mode: Mode,
    set: &JudgedSet,
    names: &HashMap<EntryId, &str>,
) -> Result<Figures, Error> {
    let JudgedSet { queries, judgments, .. } = set;
    for query in queries.iter().take(WARM_UP) {
        search(rekall, mode, &query.text)?;
    }
    let (mut ndcg, mut recall, mut mrr) = (0.0, 0.0, 0.0);
    let mut times = Vec::with_capacity(queries.len());
    for query in queries {
        let started = Instant::now();
        let found = search(rekall, mode, &query.text)?;
        times.push(started.elapsed());
        let Some(relevant) = judgments.get(&query.id) else { continue };
        let of = |id| names.get(id).and_then(|name| relevant.get(*name)).copied().unwrap_or(0.0);
        let gains: Vec<f64> = found.iter().map(of).collect();
        ndcg += judged::ndcg(&gains, relevant);
        recall += gains.iter().filter(|gain| **gain > 0.0).count() as f64 / relevant.len() as f64;
        mrr += gains.iter().position(|gain| *gain > 0.0).map_or(0.0, |at| 1.0 / (at + 1) as f64);
    }
    times.sort_unstable();
    let count = queries.len() as f64;
    Ok(Figures {
        ndcg: ndcg / count,
        recall: recall / count,
        mrr: mrr / count,
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
    })
}

/// The ids found, best first.
fn search(rekall: &Rekall, mode: Mode, text: &str) -> Result<Vec<EntryId>, Error> {
    let found = found(rekall.recall(text).mode(mode).limit(DEPTH))?;
    Ok(found.into_iter().flatten().map(|hit| hit.entry.id).collect())
}

/// What each mode reached.
pub(crate) struct Results {
    docs: usize,
    queries: usize,
    modes: Vec<(&'static str, Figures)>,
}

impl Results {
    pub(crate) fn to_json(&self, model: &Model) -> Value {
        let mut json = json!({ "docs": self.docs, "queries": self.queries, "model": model.to_string() });
        for (mode, figures) in &self.modes {
            json[mode] = json!({
                "ndcg@10": round(figures.ndcg),
                "recall@10": round(figures.recall),
                "mrr@10": round(figures.mrr),
                "ms": round(figures.median.as_secs_f64() * 1e3),
            });
        }
        json
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "{} documents, {} queries\n\n           nDCG@10  recall@10   MRR@10   ms/query\n",
            self.docs, self.queries
        );
        for (mode, figures) in &self.modes {
            let Figures { ndcg, recall, mrr, median } = figures;
            let ms = median.as_secs_f64() * 1e3;
            text += &format!("{mode:<9}  {ndcg:7.4}  {recall:9.4}  {mrr:7.4}  {ms:9.3}\n");
        }
        text
    }
}

fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
