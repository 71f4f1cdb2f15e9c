//! A memory whose vectors come from a server: Ollama, llama.cpp, LM Studio, or any other that offers
//! `POST /v1/embeddings`.
//!
//! ```text
//! cargo run --release --example http_embedder -- http://localhost:11434 nomic-embed-text
//! ```
//!
//! A key, if the server wants one, comes from the environment's `OPENAI_API_KEY`.

#![allow(clippy::print_stdout)]

mod embedder;

use std::sync::Arc;

use embedder::{HttpEmbedder, HttpOptions};
use rekall::{Embedder, Mode, NewEntry, Rekall};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, model] = &arguments[..] else { return Err("usage: http_embedder URL MODEL".into()) };
    let mut options = HttpOptions::new(base, model);
    options.api_key = std::env::var("OPENAI_API_KEY").ok();
    let embedder = HttpEmbedder::connect(options)?;
    println!("{} gives {} numbers a text", embedder.fingerprint(), embedder.dimensions());

    let path = std::env::temp_dir().join("rekall-http-embedder.db");
    let rekall = Rekall::builder(&path).embedder(Arc::new(embedder)).open()?;
    let notes = [
        NewEntry::new("CORS fails on Safari").content("The preflight answer lacks a header."),
        NewEntry::new("Backups fail at night").content("The disk is full."),
        NewEntry::new("Retry only idempotent calls").content("A repeated POST charged a customer twice."),
    ];
    let ids = rekall.remember_many(&notes).run()?;
    for hit in &rekall.recall("browser blocks my API call").mode(Mode::Semantic).limit(2).run()? {
        println!("{:.2}  {}: {}", hit.similarity.unwrap_or_default(), hit.entry.title, hit.entry.content);
    }
    // Leave nothing behind, so that the program can be run again, with another model too.
    ids.into_iter().try_for_each(|id| rekall.forget(id))?;
    Ok(())
}
