//! `cargo xtask lint`: warnings are errors, and so is a dependency whose license forbids redistribution.

use std::process::Command;

use crate::package::licenses;
use crate::package::system::System;
use crate::run::{Outcome, cargo, root, step};

/// Sets of features, each with its arguments for cargo.
const FEATURES: &[(&str, &[&str])] = &[
    ("default features", &[]),
    ("no default features", &["--no-default-features"]),
    ("all features", &["--all-features"]),
];

pub(crate) fn lint(_: &[String]) -> Outcome {
    conflict_markers()?;
    step("rustfmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    for (name, features) in FEATURES {
        let mut command = cargo(&["clippy", "--workspace", "--all-targets", "--quiet"]);
        command.args(*features).args(["--", "-D", "warnings"]);
        step(&format!("clippy, {name}"), &mut command)?;
    }
    // In the workspace the facade asks for it.
    let mut command = cargo(&["clippy", "--package", "rekall-core", "--no-default-features", "--quiet"]);
    step("clippy, rekall-core without SQLite", command.args(["--", "-D", "warnings"]))?;
    println!("== licenses");
    for (name, features) in FEATURES {
        licenses(features).map_err(|message| format!("licenses, {name}: {message}"))?;
    }
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    step("rustdoc", command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// What an unfinished merge leaves is found by a compiler in code, by nobody in documents.
fn conflict_markers() -> Outcome {
    let search = ["grep", "--line-number", "--extended-regexp", "^(<<<<<<<|>>>>>>>) "];
    let Ok(found) = Command::new("git").args(search).current_dir(root()).output() else {
        println!("== no git: marks of a merge conflict are not looked for");
        return Ok(());
    };
    let lines = String::from_utf8_lossy(&found.stdout);
    if lines.is_empty() { Ok(()) } else { Err(format!("marks of a merge conflict:\n{lines}")) }
}

/// Checks that everything compiled in with these features may be redistributed, and has a license text.
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
    fn what_is_compiled_in_may_be_redistributed() {
        // All features bring packages that a build for the tests never fetched; the command checks those,
        // too.
        for (name, features) in &FEATURES[..2] {
            assert_eq!(licenses(features), Ok(()), "{name}");
        }
    }

    /// The features of a manifest, `default` left out.
    fn features(manifest: &str) -> Vec<String> {
        let section = manifest.split("\n[features]\n").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim());
        names.filter(|name| !name.starts_with('#') && *name != "default").map(str::to_owned).collect()
    }

    #[test]
    fn every_feature_is_documented_with_its_crate() {
        let read = |path: &str| std::fs::read_to_string(crate::run::root().join(path)).unwrap();
        let page = read("docs/features.md");
        for (package, manifest) in [
            ("rekall", "Cargo.toml"),
            ("rekall-ffi", "rekall-ffi/Cargo.toml"),
            ("rekall-core", "rekall-core/Cargo.toml"),
            ("rekall-index", "rekall-index/Cargo.toml"),
            ("rekall-model", "rekall-model/Cargo.toml"),
            ("rekall-cache", "rekall-cache/Cargo.toml"),
            ("rekall-files", "rekall-files/Cargo.toml"),
            ("rekall-postgres", "rekall-postgres/Cargo.toml"),
        ] {
            let heading = format!("`{package}`");
            let mut sections = page.split("\n## ");
            let section = sections.find(|text| text.lines().next().unwrap_or_default().contains(&heading));
            let section = section.unwrap_or_else(|| panic!("docs/features.md has no section for {package}"));
            let features = features(&read(manifest));
            assert!(!features.is_empty(), "{manifest}");
            for feature in features {
                assert!(
                    section.contains(&format!("`{feature}`")),
                    "{package}: {feature} in docs/features.md"
                );
            }
        }
    }
}
