//! How well a model and a mode find the right thing in texts of your own, for choosing between them.
//!
//! With judged questions:
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
//!
//! Without any judgment, from notes alone:
//!
//! ```text
//! cargo run --release --example evaluate -- --known-item NOTES
//! ```
//!
//! `NOTES` is a folder of Markdown, reStructuredText and text files, a file of JSON lines with `title`,
//! `content` and possibly `lang`, or a `knowledge.db`. Whoever wrote something down once wants exactly that
//! note back, so the test asks for what stands in one or two notes: version numbers, names, options, paths;
//! phrases copied out of them; their titles; and titles of notes of which twenty were joined into one. Next to
//! rekall's modes stands what an exact search finds first. The choice is random, and the same for the same
//! notes and `--seed`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod judged;
mod known_item;
mod memory;
mod questions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rekall::{ModelSource, Precision};
use serde_json::{Value, json};

use judged::{Failure, JudgedSet};
use memory::Model;

/// Measures how well texts are found by words, by meaning, and by both.
#[derive(Parser)]
#[command(name = "evaluate")]
struct Arguments {
    /// Documents: JSON lines with id, text and possibly lang
    #[arg(long, value_name = "FILE", required_unless_present = "known_item")]
    docs: Option<PathBuf>,
    /// Queries: JSON lines with id, text and possibly lang
    #[arg(long, value_name = "FILE", required_unless_present = "known_item")]
    queries: Option<PathBuf>,
    /// Judgments: query, document and relevance, separated by tabs
    #[arg(long, value_name = "FILE", required_unless_present = "known_item")]
    qrels: Option<PathBuf>,
    /// Notes whose own words are searched: a folder, a file of JSON lines or a knowledge.db
    #[arg(long, value_name = "NOTES", conflicts_with_all = ["docs", "queries", "qrels"])]
    known_item: Option<PathBuf>,
    /// Keep the documents and queries of this language, and those that name none
    #[arg(long, value_name = "LANG")]
    lang: Option<String>,
    /// Keep the documents of this language instead: questions in one language, documents in another
    #[arg(long, value_name = "LANG", conflicts_with = "known_item")]
    docs_lang: Option<String>,
    /// bundled, path:DIR or hub:OWNER/NAME[@REVISION]
    #[arg(long, value_name = "MODEL", default_value = "bundled")]
    model: ModelSource,
    /// Numbers that a transformer computes with: f32 or int8
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
    /// Keep only the first N documents or notes
    #[arg(long, value_name = "N")]
    limit_docs: Option<usize>,
    /// With --known-item: another number asks for other strings
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// With --known-item: also list what a hybrid search did not find first
    #[arg(long)]
    misses: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match evaluate(&arguments) {
        Ok((_, json)) if arguments.json => println!("{json}"),
        Ok((text, _)) => print!("{text}"),
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

/// The results, as text and as JSON.
fn evaluate(arguments: &Arguments) -> Result<(String, Value), Failure> {
    let lang = arguments.lang.as_deref();
    let model = &Model { source: arguments.model.clone(), precision: arguments.precision };
    if let Some(path) = &arguments.known_item {
        let mut notes = known_item::read_notes(path, lang)?;
        notes.truncate(arguments.limit_docs.unwrap_or(usize::MAX));
        let results = known_item::measure(&notes, model, arguments.seed)?;
        return Ok((results.to_text(arguments.misses), results.to_json(model)));
    }
    let (Some(docs), Some(queries), Some(qrels)) = (&arguments.docs, &arguments.queries, &arguments.qrels)
    else {
        return Err("--docs, --queries and --qrels belong together".into());
    };
    let languages = [arguments.docs_lang.as_deref().or(lang), lang];
    let set = JudgedSet::read(docs, queries, qrels, languages, arguments.limit_docs)?;
    let results = questions::measure(&set, model)?;
    Ok((results.to_text(), results.to_json(model)))
}
