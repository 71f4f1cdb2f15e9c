//! `cargo xtask lint`: warnings are errors, and so is a dependency that may not be handed on.

use crate::package::licenses;
use crate::package::system::System;
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
    println!("== licenses");
    for (name, features) in FEATURES {
        licenses(features).map_err(|message| format!("licenses, {name}: {message}"))?;
    }
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    step("rustdoc", command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Whether all that is compiled in with these features may be handed on, with a text to go with it.
fn licenses(features: &[&str]) -> Outcome {
    let features: Vec<String> = features.iter().map(|&feature| feature.to_owned()).collect();
    let packages = licenses::packages(&features, &System::find(None)?.triple)?;
    licenses::check(&packages)?;
    licenses::notice(&packages, &[]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_may_be_handed_on() {
        // All features bring packages that a build for the tests never fetched; the chore looks at those,
        // too.
        for (name, features) in &FEATURES[..2] {
            assert_eq!(licenses(features), Ok(()), "{name}");
        }
    }
}
