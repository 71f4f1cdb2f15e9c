//! `cargo xtask quality --sets FOLDER`: the tables of docs/quality.md. xtask/training/quality.py measures.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::model::{add_multilingual, multilingual_files, reference_cache, reference_files};
use crate::run::{Outcome, cargo, root, step, target};
use crate::train_model;

/// The folder of the built-in model's predecessor.
const EARLIER: &str = "rekall-model-v1/data";

const HELP: &str = "\
usage: cargo xtask quality --sets FOLDER [--model NAME=SOURCE ...] [--keep NAME ...]

Measures the built-in model, its predecessor, and all-MiniLM-L6-v2 and multilingual-e5-small (q4) in floats and in eight bits
on judged sets, searching by words, by meaning and by both, and on vectors alone. Forty minutes on two cores, most of them for
the transformers.

  --sets FOLDER        the judged sets
  --model NAME=SOURCE  also measure this model: path:FOLDER or hub:OWNER/NAME
  --keep NAME          of this model (earlier, built-in, MiniLM, MiniLM int8, E5, E5 int8) measure only what no run before has";

pub(crate) fn quality(arguments: &[String]) -> Outcome {
    let mut sets = None;
    let mut script_arguments: Vec<String> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--sets" => sets = Some(PathBuf::from(value()?)),
            "--model" | "--keep" => script_arguments.extend([name.clone(), value()?]),
            "--help" => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(format!("unknown argument {name}\n{HELP}")),
        }
    }
    let sets = sets.ok_or_else(|| format!("--sets is missing\n{HELP}"))?;
    let cache = reference_cache()?;
    add_multilingual(&cache)?;
    build(&["--example", "evaluate"], "the searches")?;
    build(
        &["--package", "rekall-model", "--features", "transformer", "--example", "embed_texts"],
        "the vectors",
    )?;
    let examples = target().join("release/examples");
    let mut script = Command::new(train_model::python()?);
    script.arg(root().join(train_model::SCRIPTS).join("quality.py")).arg(sets);
    script.arg("--evaluate").arg(examples.join("evaluate"));
    script.arg("--embedder").arg(examples.join("embed_texts"));
    script.arg("--results").arg(target().join("quality"));
    let of = |folder: &Path| format!("path:{}", folder.display());
    for (name, source) in [
        ("earlier", of(&root().join(EARLIER))),
        ("built-in", "bundled".to_owned()),
        ("MiniLM", of(&reference_files(&cache)?)),
        ("MiniLM int8", of(&reference_files(&cache)?)),
        ("E5", of(&multilingual_files(&cache)?)),
        ("E5 int8", of(&multilingual_files(&cache)?)),
    ] {
        script.arg("--model").arg(format!("{name}={source}"));
    }
    for (option, name) in [
        ("--english", "MiniLM"),
        ("--english", "MiniLM int8"),
        ("--int8", "MiniLM int8"),
        ("--int8", "E5 int8"),
    ] {
        script.arg(option).arg(name);
    }
    step("quality", script.args(script_arguments).env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn build(arguments: &[&str], what: &str) -> Outcome {
    step(what, cargo(&["build", "--quiet", "--release"]).args(arguments))
}
