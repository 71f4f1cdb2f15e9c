//! How long a passage should be: what models find, by the length of the passages that they embed.
//!
//! ```text
//! cargo run --release --example passage_trial -- --model bundled --set pydoc --set debdoc:fr
//! ```
//!
//! A set is a folder with `docs.jsonl`, `queries.jsonl` and `qrels.tsv` as `evaluate` reads them, and possibly a
//! language. For each length the program gives the set's nDCG@10 by meaning, and what becomes of notes that
//! are joined to a single one: where that one stands when the query is that of a part, and whether
//! its best passage is of that part. Nothing is stored; an entry's similarity is that of its best passage, as in a
//! search. The figures of decision 0017 are this program's.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod joined;
#[path = "../evaluate/judged.rs"]
mod judged;
mod ranked;
#[path = "../fusion_trial/subject.rs"]
mod subject;
#[path = "../fusion_trial/vectors.rs"]
mod vectors;

use std::process::ExitCode;

use clap::Parser;
use rekall::NewEntry;
use rekall::model::Embedder;

use joined::{Found, Joined};
use judged::{DEPTH, Failure, JudgedSet, Judgments, entry};
use ranked::{Bonus, Collection};
use subject::Subject;

/// Compares lengths of passages on judged sets.
#[derive(Parser)]
#[command(name = "passage_trial")]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Lengths, in weighed characters
    #[arg(long, value_delimiter = ',', default_value = "200,300,400,500,800,1200,2000,1000000")]
    lengths: Vec<usize>,
    /// Notes joined to one
    #[arg(long, default_value_t = 20)]
    joined: usize,
    /// How many notes are made of joined ones, each in a collection of its own
    #[arg(long, default_value_t = 5)]
    trials: usize,
    /// First documents of a set that are used
    #[arg(long, default_value_t = 2000)]
    docs: usize,
}

fn main() -> ExitCode {
    subject::exit(compare(&Arguments::parse()))
}

fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let model = arguments.subject.load_model()?;
    println!("{}", arguments.subject.model);
    for set in &arguments.subject.sets {
        let judged = subject::read(set, Some(arguments.docs))?;
        println!("\n{set}: {} documents, {} queries", judged.docs.len(), judged.queries.len());
        println!(
            "   length  passages  nDCG@10   bonus    joined: median rank   bonus   (alone)  of 5 first  right passage"
        );
        for &length in &arguments.lengths {
            measure(&judged, &*model, length, arguments)?;
        }
    }
    Ok(())
}

/// Prints the line of one length.
fn measure(
    judged: &JudgedSet,
    model: &dyn Embedder,
    length: usize,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let entries: Vec<NewEntry> = judged.docs.iter().map(entry).collect();
    let collection = Collection::of(&entries, length, model)?;
    let ndcg = |bonus| mean_ndcg(judged, &judged.judgments, &collection, bonus, model);
    let (plain, with_bonus) = (ndcg(Bonus::None)?, ndcg(Bonus::Second)?);
    let (mut parts, mut with_second) = (Vec::new(), Vec::new());
    for seed in 0..arguments.trials {
        let joined = Joined::of(judged, arguments.joined, seed as u64);
        parts.extend(joined.measure(&collection, length, Bonus::None, model)?);
        with_second.extend(joined.measure(&collection, length, Bonus::Second, model)?);
    }
    let share = |count: usize| 100.0 * count as f64 / parts.len().max(1) as f64;
    let median = |parts: &[Found], rank: fn(&Found) -> usize| {
        let mut ranks: Vec<usize> = parts.iter().map(rank).collect();
        ranks.sort_unstable();
        ranks.get(ranks.len() / 2).copied().unwrap_or_default()
    };
    println!(
        "{length:9}  {:8}  {:7.2} {:7.2}  {:20}  {:6}  {:8}  {:8.0} %  {:11.0} %",
        collection.passages(),
        100.0 * plain,
        100.0 * with_bonus,
        median(&parts, |part| part.rank),
        median(&with_second, |part| part.rank),
        median(&parts, |part| part.rank_alone),
        share(parts.iter().filter(|part| part.rank <= 5).count()),
        share(parts.iter().filter(|part| part.is_right_passage).count()),
    );
    Ok(())
}

fn mean_ndcg(
    judged: &JudgedSet,
    judgments: &Judgments,
    collection: &Collection,
    bonus: Bonus,
    model: &dyn Embedder,
) -> Result<f64, Failure> {
    let mut sum = 0.0;
    for query in &judged.queries {
        let Some(relevant) = judgments.get(&query.id) else { continue };
        let Some(scores) = collection.scores(&query.text, bonus, model)? else { continue };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let gain = |&entry: &usize| relevant.get(&judged.docs[entry].id).copied().unwrap_or(0.0);
        let gains: Vec<f64> = order.iter().take(DEPTH).map(gain).collect();
        sum += judged::ndcg(&gains, relevant);
    }
    Ok(sum / judged.queries.len() as f64)
}
