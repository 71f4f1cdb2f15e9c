//! `cargo xtask notes`: public notes for `evaluate --known-item`, under the target folder.
//! scripts/notes.py fetches them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Outcome, cargo, python, step, target};

pub(crate) fn notes(arguments: &[String]) -> Outcome {
    let mut script = python(Path::new("xtask/scripts/notes.py"));
    script.arg("--out").arg(target().join("notes")).arg("--crates").args(crates()?);
    step("notes", script.args(arguments))
}

/// The folders of the crates that the workspace is built from, without its own.
fn crates() -> Result<Vec<PathBuf>, String> {
    let mut metadata = cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = metadata.output().map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let fetched = packages.filter(|package| package["source"].is_string());
    let manifests = fetched.filter_map(|package| package["manifest_path"].as_str().map(PathBuf::from));
    Ok(manifests.filter_map(|manifest| manifest.parent().map(Path::to_owned)).collect())
}
