//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use rekall::{ModelSource, Precision};
use tracing::level_filters::LevelFilter;

/// An assistant's memory: a Model Context Protocol server on the standard input and output.
#[derive(Debug, Parser)]
#[command(name = "rekall-mcp-server", version)]
pub(crate) struct Options {
    /// Database, or in a build for it the URL of a memory on a server; made if it is not there [default: $REKALL_DB, else rekall/knowledge.db in the user's data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// A memory of its own in the same database, by any name: of a project, or of one of several users
    #[arg(long, value_name = "NAME")]
    pub(crate) scope: Option<String>,
    /// Model that makes the vectors: bundled, path:DIR or hub:OWNER/NAME, perhaps with @REVISION [default: bundled]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<ModelSource>,
    /// What numbers the model's matrices are multiplied in; int8 takes a quarter of the memory, for transformers
    #[arg(long, value_name = "f32|int8")]
    pub(crate) precision: Option<Precision>,
    /// Share one loaded model, and reranker, with other processes, in a build with the feature host; for transformers
    #[arg(long)]
    pub(crate) model_host: bool,
    /// Model that re-ranks the first hits of every search: path:DIR or hub:OWNER/NAME
    #[arg(long, value_name = "MODEL")]
    pub(crate) reranker: Option<ModelSource>,
    /// How many hits of a search the reranker judges, and puts in its order; may be more than the hits wanted
    #[arg(long, value_name = "N", default_value = "20", requires = "reranker", value_parser = judged)]
    pub(crate) rerank: usize,
    /// How long the model stays in memory after a call, in seconds; 0: not at all
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) idle: Duration,
    /// What is logged to the standard error: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: LevelFilter,
}

/// As many as the library judges.
fn judged(text: &str) -> Result<usize, String> {
    let hits = text.parse().ok().filter(|hits| (1..=1000).contains(hits));
    hits.ok_or_else(|| "expected 1 to 1000".to_owned())
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
