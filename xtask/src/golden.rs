//! `cargo xtask golden`: tiny networks of random numbers, and the vectors that the reference implementation makes with them,
//! which the tests of `rekall-model` compare. The reference comes from a package registry into a virtual environment under
//! the target folder, the one of `bench-embed`.

use std::process::Command;

use crate::run::{Outcome, root, step, target};
use crate::venv::environment;

const REQUIREMENTS: &str = "benches/peers/embed/requirements.txt";
const SCRIPT: &str = "rekall-model/tests/golden/make_modernbert.py";

pub(crate) fn golden(_: &[String]) -> Outcome {
    let python3 = environment(&target().join("bench-embed/venv"), &root().join(REQUIREMENTS))?;
    step("fixtures and golden vectors", Command::new(python3).arg(root().join(SCRIPT)))
}
