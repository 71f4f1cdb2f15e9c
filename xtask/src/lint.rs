//! `cargo xtask lint`: warnings are errors.

use crate::run::{Outcome, cargo, step};

/// Features of the facade that need an accelerator's toolkit to build are left out of "all".
const FEATURES: &[(&str, &[&str])] = &[
    ("default features", &[]),
    ("no default features", &["--no-default-features"]),
];

pub(crate) fn lint(_: &[String]) -> Outcome {
    step("rustfmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    for (name, features) in FEATURES {
        let mut command = cargo(&["clippy", "--workspace", "--all-targets", "--quiet"]);
        command.args(*features).args(["--", "-D", "warnings"]);
        step(&format!("clippy, {name}"), &mut command)?;
    }
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    step("rustdoc", command.env("RUSTDOCFLAGS", "-D warnings"))
}
