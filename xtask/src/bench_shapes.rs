//! `cargo xtask bench-shapes`: how fast networks of the published models' shapes run, in floats and in eight bits.
//!
//! benches/peers/embed/shapes.py makes them, of random numbers, and measures. It shares the environment of `bench-embed`.

use std::process::Command;

use crate::bench_embed::{CONTENDER, PEERS};
use crate::model::{reference_cache, reference_files};
use crate::run::{Outcome, cargo, root, step, target};
use crate::venv::environment;

pub(crate) fn bench_shapes(_: &[String]) -> Outcome {
    let model = reference_files(&reference_cache()?)?;
    let (scripts, work) = (root().join(PEERS), target().join("bench-embed"));
    let python3 = environment(&work.join("venv"), &scripts.join("requirements.txt"))?;
    step("rekall's side", &mut cargo(CONTENDER))?;
    let mut measure = Command::new(python3);
    measure.arg(scripts.join("shapes.py")).arg(model);
    measure.arg(target().join("release/examples/embed_contender")).arg(work);
    step("measuring", measure.env("PYTHONDONTWRITEBYTECODE", "1"))
}
