//! How fast a model is here: time from process start to the first query's vector, texts a second on
//! one thread, resident memory.
//!
//! ```text
//! cargo run --release -p rekall-model --features bundled-model --example throughput [-- SOURCE [FILE]]
//! ```
//!
//! `SOURCE` is `bundled` (the default), `path:DIR` or `hub:OWNER/NAME`; `FILE` has one text a line.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use rekall_model::{LoadOptions, ModelSource, load};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut arguments = std::env::args().skip(1);
    let source: ModelSource = arguments.next().as_deref().unwrap_or("bundled").parse()?;
    let model = load(&source, &LoadOptions::default())?;
    let loaded = start.elapsed();
    model.embed_query("pourquoi le serveur ne répond-il plus ?")?;
    println!("{}", model.fingerprint());
    println!("loaded in {loaded:.2?}, first vector after {:.2?}", start.elapsed());

    let lines = match arguments.next() {
        Some(file) => std::fs::read_to_string(file)?,
        None => SAMPLE.join("\n"),
    };
    let lines: Vec<&str> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
    let texts: Vec<&str> = lines.iter().copied().cycle().take(lines.len().max(20_000)).collect();
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    let start = Instant::now();
    for batch in texts.chunks(256) {
        model.embed_documents_observed(batch, &mut |_| std::ops::ControlFlow::Continue(()))?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} texts of {:.1} words on average: {:.0} texts/s on one thread",
        texts.len(),
        words as f64 / texts.len() as f64,
        texts.len() as f64 / seconds
    );
    println!("model holds {} bytes of heap", model.memory_bytes());
    Ok(())
}

const SAMPLE: [&str; 6] = [
    "Le serveur ne répond plus après la mise à jour du soir",
    "CORS error on Safari when fetching from the local API",
    "memory leak in the long-running worker process after two days",
    "Décision : on garde SQLite, un seul fichier, sans aucun serveur",
    "cannot borrow `x` as mutable because it is also borrowed",
    "Comment réparer une base de données corrompue sans rien perdre ?",
];
