//! How fast a model is here: time from process start to the first query's vector, texts a second on
//! one thread, resident memory.
//!
//! ```text
//! cargo run --release -p rekall-model --features bundled-model --example throughput [-- SOURCE [FILE]]
//! ```
//!
//! `THREADS` in the environment sets the threads, `PRECISION=int8` multiplies in eight bits. `SOURCE` is `bundled` (the default), `bundled-v1`, `path:DIR` or
//! `hub:OWNER/NAME`; `FILE` has one text a line. A static model gets at least 20,000 texts, any other 64.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use rekall_model::{LoadOptions, ModelKind, ModelSource, Precision, load, process_rss};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut arguments = std::env::args().skip(1);
    let source: ModelSource = arguments.next().as_deref().unwrap_or("bundled").parse()?;
    let mut options = LoadOptions::default();
    let threads = std::env::var("THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    options.max_threads = Some(threads);
    options.precision = match std::env::var("PRECISION").as_deref() {
        Ok("int8") => Precision::Int8,
        Ok("f32") | Err(_) => Precision::F32,
        Ok(other) => return Err(format!("PRECISION is f32 or int8, not {other}").into()),
    };
    let model = load(&source, &options)?;
    let loaded = start.elapsed();
    model.embed_query("pourquoi le serveur ne répond-il plus ?")?;
    println!("{}", model.fingerprint());
    println!("loaded in {loaded:.2?}, first vector after {:.2?}", start.elapsed());

    let lines = match arguments.next() {
        Some(file) => std::fs::read_to_string(file)?,
        None => SAMPLE.join("\n"),
    };
    let lines: Vec<&str> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
    let texts: Vec<&str> = lines
        .iter()
        .copied()
        .cycle()
        .take(lines.len().max(if model.fingerprint().kind() == ModelKind::Static { 20_000 } else { 64 }))
        .collect();
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    let mut tokens = 0;
    let start = Instant::now();
    for batch in texts.chunks(256) {
        let report = model.embed_documents_observed(batch, &mut |_| std::ops::ControlFlow::Continue(()))?;
        tokens += report.token_counts.iter().sum::<u32>();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} texts of {:.1} words on average: {:.0} texts/s, {:.0} tokens/s on {threads} thread(s)",
        texts.len(),
        words as f64 / texts.len() as f64,
        texts.len() as f64 / seconds,
        f64::from(tokens) / seconds
    );
    let mut times: Vec<_> = QUESTIONS
        .iter()
        .cycle()
        .take(60)
        .map(|question| {
            let start = Instant::now();
            model.embed_query(question).map(|_| start.elapsed())
        })
        .collect::<Result<_, _>>()?;
    times.sort_unstable();
    println!("a short query: {:.2?} (median), {:.2?} (best)", times[times.len() / 2], times[0]);
    if let Some(resident) = process_rss() {
        println!("{:.0} MiB resident", resident as f64 / f64::from(1 << 20));
    }
    println!("model holds {} bytes of heap", model.memory_bytes());
    Ok(())
}

const QUESTIONS: [&str; 4] = [
    "why does the server not answer after the nightly update?",
    "how do I fix a corrupted database file",
    "browser refuses my API call from another origin",
    "where did we decide to keep a single file and no server",
];

const SAMPLE: [&str; 6] = [
    "Le serveur ne répond plus après la mise à jour du soir",
    "CORS error on Safari when fetching from the local API",
    "memory leak in the long-running worker process after two days",
    "Décision : on garde SQLite, un seul fichier, sans aucun serveur",
    "cannot borrow `x` as mutable because it is also borrowed",
    "Comment réparer une base de données corrompue sans rien perdre ?",
];
