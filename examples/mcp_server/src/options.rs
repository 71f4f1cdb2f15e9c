//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use rekall::ModelSource;
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
    /// How long the model stays in memory after a call, in seconds; 0: not at all
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) idle: Duration,
    /// What is logged to the standard error: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: LevelFilter,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
