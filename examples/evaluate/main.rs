//! How well a model and a mode find the right thing in texts of your own, for choosing between them.
//!
//! ```text
//! cargo run --release --example evaluate -- --docs docs.jsonl --queries queries.jsonl --qrels qrels.tsv
//! ```
//!
//! - `docs.jsonl` and `queries.jsonl`: one JSON object a line with `id`, `text` and, if it matters, `lang`.
//! - `qrels.tsv`: query, document and relevance (0: irrelevant, more: better), separated by tabs.
//!
//! A query counts when at least one relevant document is there. Figures are means over the queries, from 0 to
//! 1: nDCG@10 (gain = relevance, discount = log2 of the rank + 1), recall@10 and MRR@10 (one over the first
//! relevant hit's rank); `ms` is the median time of a search, embedding of the query included, with no cache.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod judged;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rekall::{EntryId, Error, ErrorKind, Mode, ModelSource, NewEntry, Rekall};
use serde_json::{Value, json};

use judged::{DEPTH, Failure, JudgedSet, Judgments, Row, entry};

/// Queries asked before the clock runs, so that it does not see model and index being loaded.
const WARM_UP: usize = 20;

/// Documents remembered in one transaction.
const BATCH: usize = 1_000;

/// Measures how well texts are found by words, by meaning, and by both.
#[derive(Parser)]
#[command(name = "evaluate")]
struct Arguments {
    /// Documents: JSON lines with id, text and possibly lang
    #[arg(long, value_name = "FILE")]
    docs: PathBuf,
    /// Queries: JSON lines with id, text and possibly lang
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Judgments: query, document and relevance, separated by tabs
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// Keep the documents and queries of this language, and those that name none
    #[arg(long, value_name = "LANG")]
    lang: Option<String>,
    /// bundled, path:DIR or hub:OWNER/NAME[@REVISION]
    #[arg(long, value_name = "MODEL", default_value = "bundled")]
    model: ModelSource,
    /// Keep only the first N documents
    #[arg(long, value_name = "N")]
    limit_docs: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match evaluate(&arguments) {
        Ok(results) if arguments.json => println!("{}", results.to_json(&arguments.model)),
        Ok(results) => print!("{}", results.to_text()),
        Err(error) => {
            if arguments.json {
                println!("{}", json!({ "error": { "kind": "error", "message": error.to_string() } }));
            } else {
                eprintln!("error: {error}");
            }
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn evaluate(arguments: &Arguments) -> Result<Results, Failure> {
    let lang = arguments.lang.as_deref();
    let JudgedSet { docs, queries, judgments } =
        JudgedSet::read(&arguments.docs, &arguments.queries, &arguments.qrels, lang, arguments.limit_docs)?;

    let folder = tempfile::tempdir()?;
    // No cache: each query is to be embedded each time.
    let rekall = Rekall::builder(folder.path().join("evaluate.db"))
        .model(arguments.model.clone())
        .cache_max_size(0)
        .open()?;
    // Otherwise a missing model would show only in the results, as meaning that finds nothing.
    rekall.load_model()?;
    let names = remember(&rekall, &docs)?;
    let run = |mode| measure(&rekall, mode, &queries, &judgments, &names);
    Ok(Results {
        docs: docs.len(),
        queries: queries.len(),
        text: run(Mode::Text)?,
        semantic: run(Mode::Semantic)?,
        hybrid: run(Mode::Hybrid)?,
    })
}

/// Remembers the documents and gives the document that each entry stands for.
fn remember<'d>(rekall: &Rekall, docs: &'d [Row]) -> Result<HashMap<EntryId, &'d str>, Error> {
    let mut names = HashMap::with_capacity(docs.len());
    for batch in docs.chunks(BATCH) {
        let entries: Vec<NewEntry> = batch.iter().map(entry).collect();
        let ids = rekall.remember_many(&entries).run()?;
        names.extend(ids.into_iter().zip(batch.iter().map(|doc| doc.id.as_str())));
    }
    Ok(names)
}

/// What one mode reached.
struct Figures {
    ndcg: f64,
    recall: f64,
    mrr: f64,
    median: Duration,
}

fn measure(
    rekall: &Rekall,
    mode: Mode,
    queries: &[Row],
    judgments: &Judgments,
    names: &HashMap<EntryId, &str>,
) -> Result<Figures, Error> {
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
    match rekall.recall(text).mode(mode).limit(DEPTH).run() {
        Ok(found) => Ok(found.iter().map(|hit| hit.entry.id).collect()),
        // The query has nothing that this mode can use. It finds nothing, and that is measured.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

struct Results {
    docs: usize,
    queries: usize,
    text: Figures,
    semantic: Figures,
    hybrid: Figures,
}

impl Results {
    fn modes(&self) -> [(&str, &Figures); 3] {
        [("text", &self.text), ("semantic", &self.semantic), ("hybrid", &self.hybrid)]
    }

    fn to_json(&self, model: &ModelSource) -> Value {
        let mut json = json!({ "docs": self.docs, "queries": self.queries, "model": model.to_string() });
        for (mode, figures) in self.modes() {
            json[mode] = json!({
                "ndcg@10": round(figures.ndcg),
                "recall@10": round(figures.recall),
                "mrr@10": round(figures.mrr),
                "ms": round(figures.median.as_secs_f64() * 1e3),
            });
        }
        json
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "{} documents, {} queries\n\n           nDCG@10  recall@10   MRR@10   ms/query\n",
            self.docs, self.queries
        );
        for (mode, figures) in self.modes() {
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
