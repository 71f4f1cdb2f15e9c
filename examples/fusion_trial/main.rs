//! How to fuse meaning and words: nDCG@10 of many ways, on judged sets, from candidates taken once.
//!
//! ```text
//! cargo run --release --example fusion_trial -- --model bundled --set pydoc --set debdoc:fr
//! ```
//!
//! A set is a folder with `docs.jsonl`, `queries.jsonl` and `qrels.tsv` as `evaluate` reads them, and possibly a
//! language. The figures of decision 0018 are this program's.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../evaluate/judged.rs"]
mod judged;
mod pool;
mod subject;
mod variants;
mod vectors;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rekall::model::Embedder;
use rekall::{EntryId, NewEntry, Rekall};

use judged::{Failure, JudgedSet, entry};
use pool::{Candidate, Pool};
use subject::Subject;
use variants::{Measures, Scale, WEIGHTS};

/// Compares ways of fusing meaning and words on judged sets.
#[derive(Parser)]
#[command(name = "fusion_trial")]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
}

fn main() -> ExitCode {
    subject::exit(compare(&Arguments::parse().subject))
}

fn compare(subject: &Subject) -> Result<(), Failure> {
    let model = subject.load_model()?;
    let mut table = Table::default();
    for set in &subject.sets {
        let (folder, lang) = subject::folder_and_language(set);
        let judged = subject::read(set, None)?;
        let pools = retrieve(&judged, Arc::clone(&model))?;
        let name = folder.file_name().map_or(set.clone(), |name| name.to_string_lossy().into_owned());
        table.begin(lang.map_or(name.clone(), |lang| format!("{name} {lang}")));
        measure(&pools, &mut table);
    }
    println!("{}\n\n{table}", subject.model);
    Ok(())
}

/// The candidates of each query.
fn retrieve(set: &JudgedSet, model: Arc<dyn Embedder>) -> Result<Vec<Pool>, Failure> {
    let folder = tempfile::tempdir()?;
    let rekall = Rekall::builder(folder.path().join("trial.db")).embedder(model).open()?;
    let entries: Vec<NewEntry> = set.docs.iter().map(entry).collect();
    let ids = rekall.remember_many(&entries).run()?;
    let names: HashMap<EntryId, &str> =
        ids.into_iter().zip(set.docs.iter().map(|doc| doc.id.as_str())).collect();
    let mut pools = Vec::with_capacity(set.queries.len());
    for query in &set.queries {
        let Some(relevant) = set.judgments.get(&query.id) else { continue };
        pools.push(Pool::retrieve(&rekall, &query.text, relevant, &names)?);
    }
    Ok(pools)
}

/// Adds the figures of one set to the table.
fn measure(pools: &[Pool], table: &mut Table) {
    let mean = |of: &dyn Fn(&Pool) -> f64| 100.0 * pools.iter().map(of).sum::<f64>() / pools.len() as f64;
    table.add("words", mean(&|pool| pool.ndcg(|found| found.text.map(|(score, _)| score))));
    table.add(
        "meaning",
        mean(&|pool| pool.ndcg(|found| found.similarity.filter(|_| found.semantic_rank.is_some()))),
    );
    table.add("the library's hybrid", mean(&|pool| pool.library));
    for weight in [0.4, 0.95, 2.0] {
        for exactness in [0.25, 0.5, 1.0, 2.0, 4.0] {
            let figure = mean(&|pool| {
                let measures = Measures::of(pool);
                let score = |found: &Candidate| {
                    let parts =
                        weight * measures.semantic(Scale::Range, found) + measures.text(Scale::Range, found);
                    Some(parts + exactness * (weight + 1.0) * found.exact)
                };
                pool.ndcg(score)
            });
            table.add(&format!("Range {weight}, exact {exactness}"), figure);
        }
    }
    for scale in Scale::ALL {
        for weight in WEIGHTS {
            let figure = mean(&|pool| {
                let measures = Measures::of(pool);
                let score = |found: &Candidate| {
                    Some(weight * measures.semantic(scale, found) + measures.text(scale, found))
                };
                pool.ndcg(score)
            });
            table.add(&format!("{scale:?} {weight}"), figure);
        }
    }
}

/// Figures by way of fusing and set.
#[derive(Default)]
struct Table {
    sets: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    fn begin(&mut self, set: String) {
        self.sets.push(set);
    }

    fn add(&mut self, way: &str, figure: f64) {
        match self.rows.iter_mut().find(|(name, _)| name == way) {
            Some((_, figures)) => figures.push(figure),
            None => self.rows.push((way.to_owned(), vec![figure])),
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:<24}", "")?;
        self.sets.iter().try_for_each(|set| write!(out, "{set:>12}"))?;
        writeln!(out)?;
        for (way, figures) in &self.rows {
            write!(out, "{way:<24}")?;
            figures.iter().try_for_each(|figure| write!(out, "{figure:>12.2}"))?;
            writeln!(out)?;
        }
        Ok(())
    }
}
