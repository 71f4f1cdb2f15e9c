//! Which rule should give the default threshold of `similar_to`: the share of random pairs of one language that pass.
//!
//! ```text
//! cargo xtask notes
//! cargo run --release --example threshold_trial -- target/notes/languages.jsonl --pairs pairs.tsv
//! ```
//!
//! The notes are JSON lines with `title`, `content` and `lang`. Each rule is tried in a file of one language, and in files of
//! French notes among which German ones are rare. The pairs, if any, are lines of a score from 0 to 5 and two texts; those of
//! 4 and more mean about the same and should pass. The figures of decision 0019 are this program's.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use rekall::ModelSource;
use rekall::index::similarity;
use rekall::model::{Embedder, LoadOptions, load};
use serde_json::Value;

/// Compares rules for a default threshold.
#[derive(Parser)]
struct Arguments {
    /// Notes: JSON lines with title, content and lang
    notes: PathBuf,
    /// Pairs of texts: a score and the two, separated by tabs
    #[arg(long)]
    pairs: Option<PathBuf>,
    /// bundled, path:FOLDER or hub:OWNER/NAME
    #[arg(long, default_value = "bundled")]
    model: ModelSource,
}

type Vectors = Vec<Vec<f32>>;

/// Vectors of two texts that mean about the same.
type Pairs = Vec<(Vec<f32>, Vec<f32>)>;

/// Entries of the sample, and of the group that are compared with it.
const SAMPLE: usize = 1024;
const PROBES: usize = 200;

/// From the similarities of the entries around one to its threshold.
#[derive(Clone, Copy)]
enum Rule {
    Fixed(f32),
    /// So many around; the similarity that this share of their pairs does not reach.
    Quantile(usize, f64),
    /// So many around; the median of their pairs and so many deviations.
    Deviations(usize, f32),
}

impl Rule {
    const ALL: [Self; 6] = [
        Self::Fixed(0.75),
        Self::Quantile(16, 0.90),
        Self::Quantile(16, 0.95),
        Self::Quantile(16, 0.98),
        Self::Quantile(32, 0.95),
        Self::Deviations(16, 2.0),
    ];

    fn name(self) -> String {
        match self {
            Self::Fixed(threshold) => threshold.to_string(),
            Self::Quantile(around, share) => format!("{around} around, {:.0} %", 100.0 * share),
            Self::Deviations(around, number) => format!("{around} around, median + {number} deviations"),
        }
    }

    fn threshold(self, vector: &[f32], sample: &[&Vec<f32>]) -> f32 {
        match self {
            Self::Fixed(threshold) => threshold,
            Self::Quantile(around, share) => quantile(&pairs_around(vector, sample, around), share),
            Self::Deviations(around, number) => {
                let pairs = pairs_around(vector, sample, around);
                let median = quantile(&pairs, 0.5);
                median + number * (quantile(&pairs, 0.75) - median) / 0.6745
            }
        }
    }
}

/// The similarities of all pairs of the entries nearest to a vector, in order; itself is not among them.
fn pairs_around(vector: &[f32], sample: &[&Vec<f32>], around: usize) -> Vec<f32> {
    let mut nearest: Vec<(f32, &Vec<f32>)> = sample
        .iter()
        .filter(|other| other.as_slice() != vector)
        .map(|other| (similarity(vector, other), *other))
        .collect();
    nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
    nearest.truncate(around);
    let with_later = |(at, (_, a)): (usize, &(f32, &Vec<f32>))| -> Vec<f32> {
        nearest[at + 1..].iter().map(|(_, b)| similarity(a, b)).collect()
    };
    let mut pairs: Vec<f32> = nearest.iter().enumerate().flat_map(with_later).collect();
    pairs.sort_by(f32::total_cmp);
    pairs
}

fn quantile(sorted: &[f32], share: f64) -> f32 {
    let at = (share * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(1.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let model = load(&arguments.model, &LoadOptions::default())?;
    let notes = read_notes(&arguments.notes, &*model)?;
    let of = |language: &str| notes.get(language).ok_or_else(|| format!("no notes in {language}"));
    let (french, german, turkish) = (of("fr")?, of("de")?, of("tr")?);
    let pairs = match &arguments.pairs {
        Some(path) => read_pairs(path, &*model)?,
        None => Vec::new(),
    };
    let rare = |one_of: usize| -> Vectors {
        let step = (german.len() * one_of / french.len().max(1)).max(1);
        french.iter().chain(german.iter().step_by(step)).cloned().collect()
    };
    let files = [rare(12), rare(30)];
    println!("| rule | fr | de | tr | de, 1 of 12 | de, 1 of 30 | pairs that should pass |");
    println!("|---|---|---|---|---|---|---|");
    for rule in Rule::ALL {
        let alone = [french, german, turkish].map(|notes| passing(rule, notes, notes));
        let mixed = files.each_ref().map(|file| passing(rule, &file[french.len()..], file));
        let [fr, de, tr] = alone.map(percent);
        let [twelve, thirty] = mixed.map(percent);
        let related = related(rule, &pairs).map_or("–".to_owned(), percent);
        println!("| {} | {fr} | {de} | {tr} | {twelve} | {thirty} | {related} |", rule.name());
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Entries of a file that the sample takes: spread over it.
fn sample(file: &[Vec<f32>]) -> Vec<&Vec<f32>> {
    let count = SAMPLE.min(file.len());
    (0..count).map(|at| &file[at * file.len() / count]).collect()
}

/// The share of pairs within a group that pass in a file.
fn passing(rule: Rule, group: &[Vec<f32>], file: &[Vec<f32>]) -> f64 {
    let sample = sample(file);
    let (mut passed, mut compared) = (0_usize, 0_usize);
    for probe in group.iter().step_by((group.len() / PROBES).max(1)) {
        let threshold = rule.threshold(probe, &sample);
        let others = group.iter().filter(|other| *other != probe).map(|other| similarity(probe, other));
        for similarity in others {
            compared += 1;
            passed += usize::from(similarity >= threshold);
        }
    }
    passed as f64 / compared.max(1) as f64
}

/// The share of pairs that pass in a file of nothing else; `None`: there are none.
fn related(rule: Rule, pairs: &[(Vec<f32>, Vec<f32>)]) -> Option<f64> {
    let file: Vectors = pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let sample = sample(&file);
    let passed = pairs.iter().filter(|(a, b)| similarity(a, b) >= rule.threshold(a, &sample)).count();
    (!pairs.is_empty()).then(|| passed as f64 / pairs.len() as f64)
}

/// The vectors of each language's notes of which the model knows a word.
fn read_notes(path: &PathBuf, model: &dyn Embedder) -> Result<BTreeMap<String, Vectors>, Box<dyn Error>> {
    let mut vectors: BTreeMap<String, Vectors> = BTreeMap::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let note: Value = serde_json::from_str(line)?;
        let text = |key: &str| note[key].as_str().unwrap_or_default().to_owned();
        if let Ok(vector) = model.embed_documents(&[&format!("{}\n{}", text("title"), text("content"))]) {
            vectors.entry(text("lang")).or_default().push(vector);
        }
    }
    Ok(vectors)
}

/// The pairs of 4 and more.
fn read_pairs(path: &PathBuf, model: &dyn Embedder) -> Result<Pairs, Box<dyn Error>> {
    let mut pairs = Vec::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let mut columns = line.split('\t');
        let (Some(score), Some(a), Some(b)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        if score.parse::<f64>().is_ok_and(|score| score >= 4.0) {
            pairs.push((model.embed_documents(&[a])?, model.embed_documents(&[b])?));
        }
    }
    Ok(pairs)
}
