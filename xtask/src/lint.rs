//! `cargo xtask lint`: warnings are errors.

use crate::run::{Outcome, cargo, step};

/// Each with what cargo is told.
const FEATURES: &[(&str, &[&str])] = &[
    ("default features", &[]),
    ("no default features", &["--no-default-features"]),
    ("all features", &["--all-features"]),
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
