//! Virtual environments of Python under the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::step;

/// The interpreter of an environment with all packages of a list, made again when the list has changed.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let python = folder.join("bin/python");
    // Copied last, so that its presence means that all is installed.
    let installed = folder.join("requirements.txt");
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if read(&installed).ok() == Some(read(requirements)?) {
        return Ok(python);
    }
    step("virtual environment", Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]);
    step("Python packages", pip.arg("--requirement").arg(requirements))?;
    fs::copy(requirements, &installed).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(python)
}
