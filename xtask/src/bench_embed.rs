//! `cargo xtask bench-embed [--quick]`: rekall's transformer beside ONNX Runtime and sentence-transformers.
//!
//! The peers come from a package registry into a virtual environment under the target folder (some 6 GB,
//! once). benches/peers/embed describes what is measured, and how.

use std::path::Path;
use std::process::Command;

use crate::model::{reference_cache, reference_files};
use crate::run::{Outcome, cargo, python, root, step, target};
use crate::venv::environment;

pub(crate) const PEERS: &str = "benches/peers/embed";

/// What builds rekall's side.
pub(crate) const CONTENDER: &[&str] = &["build", "--quiet", "--release", "--example", "embed_contender"];

pub(crate) fn bench_embed(arguments: &[String]) -> Outcome {
    let cache = reference_cache()?;
    let (model, work) = (reference_files(&cache)?, target().join("bench-embed"));
    let python3 = environment(&work.join("venv"), &root().join(PEERS).join("requirements.txt"))?;
    if !work.join("int8.onnx").exists() {
        let mut export = Command::new(&python3);
        export.arg(root().join(PEERS).join("export_onnx.py")).arg(&model).arg(&work);
        step("ONNX files", &mut export)?;
    }
    if !work.join("modernbert.onnx").exists() {
        let mut export = Command::new(&python3);
        export.arg(root().join(PEERS).join("export_modernbert.py")).arg(&model).arg(&work);
        step("a ModernBERT of random numbers", &mut export)?;
    }
    if !work.join("reranker").exists() {
        let mut make = Command::new(&python3);
        make.arg(root().join(PEERS).join("make_reranker.py")).arg(&model).arg(&work);
        step("a reranker with a head of random numbers", &mut make)?;
    }
    step("rekall's side", &mut cargo(CONTENDER))?;
    let mut drive = python(&Path::new(PEERS).join("drive.py"));
    drive.arg("--rekall").arg(target().join("release/examples/embed_contender"));
    drive.arg("--python").arg(python3).arg("--hub-cache").arg(cache).arg("--model").arg(model);
    drive.arg("--work").arg(work).arg("--out").arg(target().join("bench-embed.json")).args(arguments);
    step("measuring", &mut drive)
}
