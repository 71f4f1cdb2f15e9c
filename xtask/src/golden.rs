//! `cargo xtask golden`: tiny models of random numbers, and the vectors that the reference implementations make with them,
//! which the tests of `rekall-model` compare. The references come from a package registry into virtual environments under
//! the target folder; that of the networks is the one of `bench-embed`.

use std::process::Command;

use crate::run::{Outcome, root, step, target};
use crate::venv::environment;

const SCRIPTS: &str = "rekall-model/tests/golden";

pub(crate) fn golden(_: &[String]) -> Outcome {
    let (root, target) = (root(), target());
    let torch =
        environment(&target.join("bench-embed/venv"), &root.join("benches/peers/embed/requirements.txt"))?;
    let model2vec = environment(&target.join("golden-venv"), &root.join(SCRIPTS).join("requirements.txt"))?;
    for (python3, script) in [
        (&torch, "make_decoders.py"),
        (&torch, "make_int8.py"),
        (&torch, "make_modernbert.py"),
        (&torch, "make_post_norm.py"),
        (&torch, "make_rerankers.py"),
        (&torch, "make_static_embedding.py"),
        (&model2vec, "make_static_kinds.py"),
    ] {
        step(script, Command::new(python3).arg(root.join(SCRIPTS).join(script)))?;
    }
    Ok(())
}
