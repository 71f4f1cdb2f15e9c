//! rekall as a contender of `cargo xtask bench-embed` and `bench-shapes`: reads one JSON question a line, answers each with one line.
//!
//! ```text
//! embed_contender SOURCE THREADS [int8]
//! ```
//!
//! `SOURCE` is `bundled`, `path:FOLDER` or `hub:OWNER/NAME`, read from the hub's cache; a reranker where it is one. What is timed is timed here, so that the
//! way to the driver and back does not count; memory and processor time the driver reads from outside.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rekall::model::{LoadOptions, check_reranker, load, load_reranker, release_memory};
use rekall::{Embedder, ModelSource, NewEntry, Precision, Rekall, Reranker};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the driver may ask; `contender.py` is the same for the peers.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Question {
    Hello,
    Load,
    Unload,
    /// Each text embedded alone, and timed alone.
    Queries {
        texts: Vec<String>,
    },
    /// All texts in one call.
    Documents {
        texts: Vec<String>,
        #[serde(default)]
        vectors: bool,
    },
    /// How many tokens each text has, special ones left out.
    Tokens {
        texts: Vec<String>,
    },
    /// All texts judged for a query in one call, by a reranker.
    Rerank {
        query: String,
        texts: Vec<String>,
    },
    /// Opens the file of a memory; it loads the model itself when it needs it.
    Open {
        path: String,
    },
    /// Remembers texts as titles.
    Remember {
        texts: Vec<String>,
    },
    /// Searches for each text, and times each.
    Recall {
        texts: Vec<String>,
    },
    /// Lets the memory's model go; the file stays open.
    Rest,
}

struct Contender {
    source: ModelSource,
    options: LoadOptions,
    model: Option<Arc<dyn Embedder>>,
    reranker: Option<Arc<dyn Reranker>>,
    memory: Option<Rekall>,
}

impl Contender {
    fn new(source: ModelSource, threads: usize, precision: Precision) -> Self {
        let mut options = LoadOptions::default();
        options.precision = precision;
        options.offline = true;
        options.max_threads = Some(threads);
        Self { source, options, model: None, reranker: None, memory: None }
    }

    fn model(&self) -> Result<&dyn Embedder, Box<dyn Error>> {
        Ok(&**self.model.as_ref().ok_or("load first")?)
    }

    fn memory(&self) -> Result<&Rekall, Box<dyn Error>> {
        Ok(self.memory.as_ref().ok_or("open first")?)
    }

    fn answer(&mut self, question: Question) -> Result<Value, Box<dyn Error>> {
        let start = Instant::now();
        match question {
            Question::Hello => Ok(json!({ "versions": { "rekall": env!("CARGO_PKG_VERSION") } })),
            Question::Load => {
                if check_reranker(&self.source, &self.options).is_ok() {
                    self.reranker = Some(load_reranker(&self.source, &self.options)?);
                } else {
                    self.model = Some(load(&self.source, &self.options)?);
                }
                Ok(json!({ "ms": milliseconds(start) }))
            }
            Question::Unload => {
                (self.model, self.reranker) = (None, None);
                release_memory();
                Ok(json!({}))
            }
            Question::Queries { texts } => {
                let model = self.model()?;
                timed(&texts, |text| model.embed_query(text).map(drop))
            }
            Question::Documents { texts, vectors } => {
                let model = self.model()?;
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let rows = model.embed_documents(&texts)?;
                let ms = milliseconds(start);
                let dimensions = model.dimensions();
                let rows: Option<Vec<&[f32]>> = vectors.then(|| rows.chunks(dimensions).collect());
                Ok(json!({ "ms": ms, "vectors": rows }))
            }
            Question::Tokens { texts } => {
                let model = self.model()?;
                let counts: Result<Vec<usize>, _> =
                    texts.iter().map(|text| model.count_tokens(text)).collect();
                Ok(json!({ "tokens": counts? }))
            }
            Question::Rerank { query, texts } => {
                let reranker = self.reranker.as_ref().ok_or("load a reranker first")?;
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let scores = reranker.scores(&query, &texts)?;
                Ok(json!({ "ms": milliseconds(start), "scores": scores }))
            }
            Question::Open { path } => {
                let memory = Rekall::builder(Path::new(&path))
                    .model(self.source.clone())
                    .load_options(self.options.clone())
                    .release_memory_on_unload()
                    // Every query is new to the cache: what is measured is the whole way.
                    .cache_max_size(0)
                    .open()?;
                let entries = memory.stats()?.store.entries;
                self.memory = Some(memory);
                Ok(json!({ "entries": entries }))
            }
            Question::Remember { texts } => {
                let entries: Vec<NewEntry> = texts.into_iter().map(NewEntry::new).collect();
                self.memory()?.remember_many(&entries).run()?;
                Ok(json!({ "ms": milliseconds(start) }))
            }
            Question::Recall { texts } => {
                let memory = self.memory()?;
                timed(&texts, |text| memory.recall(text).run().map(drop))
            }
            Question::Rest => {
                self.memory()?.unload_model();
                Ok(json!({}))
            }
        }
    }
}

fn timed<E: Error + 'static>(
    texts: &[String],
    mut run: impl FnMut(&str) -> Result<(), E>,
) -> Result<Value, Box<dyn Error>> {
    let mut times = Vec::with_capacity(texts.len());
    for text in texts {
        let start = Instant::now();
        run(text)?;
        times.push(milliseconds(start));
    }
    Ok(json!({ "ms": times }))
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (source, threads, precision) = match &arguments[..] {
        [source, threads] => (source, threads, Precision::F32),
        [source, threads, precision] => (source, threads, precision.parse()?),
        _ => return Err("usage: embed_contender SOURCE THREADS [int8]".into()),
    };
    let mut contender = Contender::new(source.parse()?, threads.parse()?, precision);
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = contender.answer(serde_json::from_str(&line?)?)?;
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
