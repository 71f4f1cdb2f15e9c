//! What a similarity means with a model, language by language, on notes of your own or on public ones.
//!
//! ```text
//! cargo xtask notes
//! cargo run --release --example similarity -- target/notes/languages.jsonl --model bundled
//! ```
//!
//! The notes are JSON lines with `title`, `content` and `lang`. For each language the program prints quantiles of the
//! similarity of random pairs of notes (which have nothing to do with each other) and of related texts (the title of a note
//! and its content); the share of random pairs that pass the similarity 0.75, and that which passes the default threshold of
//! `similar_to`, in a file of that language alone and in one of all languages; the middle one of these thresholds; how
//! much of the texts the model knows; and what the first default threshold after a change costs. All choices are the same
//! for the same notes.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use rekall::index::similarity;
use rekall::{EntryId, ModelSource, NewEntry, Purpose, Rekall};
use serde_json::Value;
use tempfile::TempDir;

/// Measures what a similarity means with a model.
#[derive(Parser)]
struct Arguments {
    /// Notes: JSON lines with title, content and lang
    notes: PathBuf,
    /// bundled, path:FOLDER or hub:OWNER/NAME
    #[arg(long, default_value = "bundled")]
    model: ModelSource,
    /// Languages that are measured; all without it
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Entries of a language that others are compared with.
const PROBES: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut by_language: BTreeMap<String, Vec<NewEntry>> = BTreeMap::new();
    for line in std::fs::read_to_string(&arguments.notes)?.lines() {
        let note: Value = serde_json::from_str(line)?;
        let text = |key: &str| note[key].as_str().unwrap_or_default().to_owned();
        let language = text("lang");
        if arguments.only.is_empty() || arguments.only.contains(&language) {
            let entry = NewEntry::new(text("title")).content(text("content"));
            by_language.entry(language).or_default().push(entry);
        }
    }
    let all = Memory::new(&arguments.model, &by_language)?;
    println!(
        "| | random: 50, 90, 99 % | related: 10, 50 % | pass 0.75 | pass default | in all | threshold | known |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (language, notes) in &by_language {
        let alone = Memory::new(&arguments.model, &BTreeMap::from([(language.clone(), notes.clone())]))?;
        let random = alone.similarities_of_random_pairs(language)?;
        let (related, known) = alone.related(notes)?;
        let (share, threshold) = alone.share_that_passes(language)?;
        let (share_in_all, _) = all.share_that_passes(language)?;
        let above = random.iter().filter(|&&similarity| similarity >= 0.75).count();
        println!(
            "| {language} | {:.2}, {:.2}, {:.2} | {:.2}, {:.2} | {:.1} % | {:.2} % | {:.2} % | {threshold:.2} | {:.0} % |",
            quantile(&random, 0.5),
            quantile(&random, 0.9),
            quantile(&random, 0.99),
            quantile(&related, 0.1),
            quantile(&related, 0.5),
            100.0 * above as f64 / random.len().max(1) as f64,
            100.0 * share,
            100.0 * share_in_all,
            100.0 * quantile(&known, 0.5),
        );
    }
    let id = all.ids.values().flatten().next().ok_or("no notes")?;
    all.rekall.remember(NewEntry::new("One more"))?;
    // Brings the index up to date, which is not what is measured.
    all.rekall.similar_to(*id).threshold(0.75).run()?;
    let started = Instant::now();
    all.rekall.similar_to(*id).run()?;
    let first = started.elapsed();
    let started = Instant::now();
    all.rekall.similar_to(*id).run()?;
    println!("\nsimilar_to after a change {first:.1?}, then {:.1?}", started.elapsed());
    Ok(())
}

struct Memory {
    rekall: Rekall,
    /// By language: those that have vectors.
    ids: BTreeMap<String, Vec<EntryId>>,
    _folder: TempDir,
}

impl Memory {
    fn new(model: &ModelSource, notes: &BTreeMap<String, Vec<NewEntry>>) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::new()?;
        let rekall = Rekall::builder(folder.path().join("similarity.db")).model(model.clone()).open()?;
        rekall.load_model()?;
        let mut ids = BTreeMap::new();
        for (language, notes) in notes {
            let mut embedded = rekall.remember_many(notes).run()?;
            embedded.retain(|id| rekall.similar_to(*id).threshold(1.0).limit(1).run().is_ok());
            ids.insert(language.clone(), embedded);
        }
        Ok(Self { rekall, ids, _folder: folder })
    }

    /// Of each probe with all other entries of its language, ascending.
    fn similarities_of_random_pairs(&self, language: &str) -> Result<Vec<f32>, rekall::Error> {
        let mut similarities = Vec::new();
        for id in self.probes(language) {
            let found = self.rekall.similar_to(*id).threshold(-1.0).limit(100_000).run()?;
            similarities.extend(found.iter().filter_map(|hit| hit.similarity));
        }
        similarities.sort_by(f32::total_cmp);
        Ok(similarities)
    }

    /// The share of pairs of entries of the language that pass the default threshold, and the middle one of the thresholds.
    fn share_that_passes(&self, language: &str) -> Result<(f64, f32), rekall::Error> {
        let ids = &self.ids[language];
        let (mut passed, mut compared, mut thresholds) = (0, 0, Vec::new());
        for id in self.probes(language) {
            let found = self.rekall.similar_to(*id).limit(100_000).run()?;
            passed += found.iter().filter(|hit| ids.contains(&hit.entry.id)).count();
            compared += ids.len() - 1;
            thresholds.extend(found.threshold);
        }
        thresholds.sort_by(f32::total_cmp);
        Ok((passed as f64 / compared.max(1) as f64, quantile(&thresholds, 0.5)))
    }

    /// Of titles and their contents, ascending; and how much of the contents the model knows.
    fn related(&self, notes: &[NewEntry]) -> Result<(Vec<f32>, Vec<f32>), rekall::Error> {
        let titles: Vec<&str> = notes.iter().map(|note| note.title.as_str()).collect();
        let contents: Vec<&str> = notes.iter().map(|note| note.content.as_str()).collect();
        let titles = self.rekall.embed_many(&titles, Purpose::Document).run()?;
        let contents = self.rekall.embed_many(&contents, Purpose::Document).run()?;
        let pairs = (0..notes.len()).filter_map(|at| Some((titles.row(at)?, contents.row(at)?)));
        let mut related: Vec<f32> = pairs.map(|(title, content)| similarity(title, content)).collect();
        related.sort_by(f32::total_cmp);
        let mut known: Vec<f32> = contents.known_shares.iter().copied().flatten().collect();
        known.sort_by(f32::total_cmp);
        Ok((related, known))
    }

    /// Spread over the entries of the language.
    fn probes(&self, language: &str) -> impl Iterator<Item = &EntryId> {
        let ids = &self.ids[language];
        ids.iter().step_by(ids.len().div_ceil(PROBES).max(1))
    }
}

/// Of ascending numbers; NaN of none.
fn quantile(sorted: &[f32], share: f64) -> f32 {
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f32::NAN)
}
