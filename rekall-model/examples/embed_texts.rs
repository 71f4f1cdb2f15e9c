//! Embeds the lines of standard input and writes their vectors to standard output: little-endian `f32`, one row after
//! the other in the order of the lines, zeros for a line without a vector.
//!
//! ```text
//! cargo run --release -p rekall-model --example embed_texts --features transformer -- --model SOURCE [--prefix TEXT]
//!     [--max-tokens N] [--precision f32|int8] [--threads N] [--hub-cache FOLDER] < texts.txt > vectors.f32
//! ```
//!
//! `xtask/training` uses it to let a transformer teach the built-in model.

use std::error::Error;
use std::io::{BufWriter, Write, read_to_string, stdin, stdout};
use std::ops::ControlFlow;

use rekall_model::{LoadOptions, ModelSource, load};

/// Texts of one call. Many, because a transformer puts texts of one length into a batch.
const TEXTS_PER_CALL: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut source: Option<ModelSource> = None;
    let mut options = LoadOptions::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--model" => source = Some(value.parse()?),
            "--prefix" => options.document_prefix = Some(value),
            "--max-tokens" => options.max_tokens = Some(value.parse()?),
            "--precision" => options.precision = value.parse()?,
            "--threads" => options.max_threads = Some(value.parse()?),
            "--hub-cache" => options.hub_cache = Some(value.into()),
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let model = load(&source.ok_or("--model is required")?, &options)?;

    let input = read_to_string(stdin())?;
    let lines: Vec<&str> = input.lines().collect();
    let mut output = BufWriter::new(stdout().lock());
    for texts in lines.chunks(TEXTS_PER_CALL) {
        let embedded = model.embed_documents_observed(texts, &mut |_| ControlFlow::Continue(()))?;
        for number in embedded.rows {
            output.write_all(&number.to_le_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}
