//! `cargo xtask bench-embed [--quick]`: rekall's transformer beside ONNX Runtime and sentence-transformers.
//!
//! The peers come from a package registry into a virtual environment under the target folder (some 6 GB,
//! once). benches/peers/embed describes what is measured, and how.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::model::{reference_cache, reference_files};
use crate::run::{Outcome, cargo, python, root, step, target};

const PEERS: &str = "benches/peers/embed";

pub(crate) fn bench_embed(arguments: &[String]) -> Outcome {
    let cache = reference_cache()?;
    let (model, work) = (reference_files(&cache)?, target().join("bench-embed"));
    let python3 = environment(&work)?;
    if !work.join("int8.onnx").exists() {
        let mut export = Command::new(&python3);
        export.arg(root().join(PEERS).join("export_onnx.py")).arg(&model).arg(&work);
        step("ONNX files", &mut export)?;
    }
    step("rekall's side", &mut cargo(&["build", "--quiet", "--release", "--example", "embed_contender"]))?;
    let mut drive = python(&Path::new(PEERS).join("drive.py"));
    drive.arg("--rekall").arg(target().join("release/examples/embed_contender"));
    drive.arg("--python").arg(python3).arg("--hub-cache").arg(cache).arg("--model").arg(model);
    drive.arg("--work").arg(work).arg("--out").arg(target().join("bench-embed.json")).args(arguments);
    step("measuring", &mut drive)
}

/// The Python interpreter with the peers, reinstalled when their versions change.
fn environment(work: &Path) -> Result<PathBuf, String> {
    let (folder, wanted) = (work.join("venv"), root().join(PEERS).join("requirements.txt"));
    let python3 = folder.join("bin/python");
    // Copied last, so that its presence means that all is installed.
    let have = folder.join("requirements.txt");
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if read(&have).ok() == Some(read(&wanted)?) {
        return Ok(python3);
    }
    step("virtual environment", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(&python3);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]);
    step("the peers", pip.arg("--requirement").arg(&wanted))?;
    fs::copy(&wanted, &have).map_err(|error| format!("{}: {error}", have.display()))?;
    Ok(python3)
}
