//! Keeps the paths of the building machine out of the libraries: they would reveal who built them and where,
//! and make builds on other machines differ.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::system::rustc;
use crate::run::{root, target};

/// Folders of this machine, each with its replacement in the libraries. The more specific ones come last,
/// because compilers use the last one that matches.
pub(crate) fn renamed() -> Result<Vec<(PathBuf, String)>, String> {
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    let version = rustc(&["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("rust");
    let mut folders = Vec::new();
    if let Some(home) = home() {
        folders.push((home, "/home".to_owned()));
    }
    if let Some(cargo) = cargo_home() {
        folders.push((cargo, "/cargo".to_owned()));
    }
    // The path that Rust's own releases use for the standard library.
    folders.push((sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{commit}")));
    folders.push((root(), "/rekall".to_owned()));
    folders.push((target(), "/rekall/target".to_owned()));
    // A path can appear as it is written, and with its links resolved.
    let real: Vec<(PathBuf, String)> =
        folders.iter().filter_map(|(path, name)| Some((path.canonicalize().ok()?, name.clone()))).collect();
    folders.extend(real);
    let mut seen = BTreeSet::new();
    folders.retain(|(path, _)| path.parent().is_some() && seen.insert(path.clone()));
    folders.sort_by_key(|(path, _)| path.components().count());
    Ok(folders)
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| home().map(|home| home.join(".cargo")))
}

/// Adds the replacements to a build's flags, besides those of the environment.
pub(crate) fn rename(
    build: &mut Command,
    triple: &str,
    set: &dyn Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let folders = renamed()?;
    let rust: Vec<String> =
        folders.iter().map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())).collect();
    let given = match (set("CARGO_ENCODED_RUSTFLAGS"), set("RUSTFLAGS")) {
        (Some(encoded), _) => Some(encoded.split('\u{1f}').map(str::to_owned).collect::<Vec<_>>()),
        (_, Some(flags)) => Some(flags.split_whitespace().map(str::to_owned).collect()),
        _ => None,
    };
    match given {
        // The environment takes precedence over cargo's configuration, so our flags are added there.
        Some(flags) => {
            let all: Vec<String> = flags.into_iter().filter(|flag| !flag.is_empty()).chain(rust).collect();
            build.env("CARGO_ENCODED_RUSTFLAGS", all.join("\u{1f}"));
        }
        // Otherwise cargo joins these with those of its configuration.
        None => {
            let quoted: Vec<String> = rust.iter().map(|flag| format!("{flag:?}")).collect();
            build.arg("--config").arg(format!("build.rustflags=[{}]", quoted.join(",")));
        }
    }
    // These are split at spaces.
    let c = folders.iter().map(|(path, name)| (path.display().to_string(), name));
    let c: Vec<String> = c
        .filter(|(path, _)| !path.contains(char::is_whitespace))
        .map(|(path, name)| format!("-ffile-prefix-map={path}={name}"))
        .collect();
    // The first one that is set is used.
    let underscored = triple.replace('-', "_");
    let variables = [
        format!("CFLAGS_{triple}"),
        format!("CFLAGS_{underscored}"),
        "TARGET_CFLAGS".to_owned(),
        "CFLAGS".to_owned(),
    ];
    let variable = variables.iter().find(|name| set(name).is_some()).unwrap_or(&variables[1]);
    let before = set(variable).unwrap_or_default();
    build.env(variable, format!("{before} {}", c.join(" ")).trim());
    Ok(())
}

/// The folders of this machine that a file contains, each with one position.
pub(crate) fn named(file: &Path) -> Result<Vec<String>, String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut found = Vec::new();
    for (folder, _) in renamed()? {
        let needle = format!("{}/", folder.display()).into_bytes();
        if let Some(at) = find(&bytes, &needle) {
            let end = (at + 120).min(bytes.len());
            let text = String::from_utf8_lossy(&bytes[at..end]);
            found.push(text.split(char::is_control).next().unwrap_or_default().to_owned());
        }
    }
    Ok(found)
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        if bytes[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_special_folder_comes_last() {
        let folders = renamed().unwrap();
        for (at, (folder, _)) in folders.iter().enumerate() {
            assert!(folders[..at].iter().all(|(other, _)| !other.starts_with(folder)), "{folders:?}");
        }
        assert!(folders.iter().any(|(folder, name)| *folder == root() && name == "/rekall"));
    }

    /// A variable of the build's environment.
    fn given(build: &Command, name: &str) -> Option<String> {
        let mut all = build.get_envs();
        all.find_map(|(key, value)| (key == name).then(|| value.unwrap().to_str().unwrap().to_owned()))
    }

    #[test]
    fn what_the_builder_wants_stays() {
        let mut build = Command::new("cargo");
        let set = |name: &str| match name {
            "RUSTFLAGS" => Some("-C target-cpu=x86-64-v3".to_owned()),
            "CFLAGS_a_b" => Some("-O1".to_owned()),
            "CFLAGS" => Some("-O3".to_owned()),
            _ => None,
        };
        rename(&mut build, "a-b", &set).unwrap();
        let rust = given(&build, "CARGO_ENCODED_RUSTFLAGS").unwrap();
        assert!(rust.starts_with("-C\u{1f}target-cpu=x86-64-v3\u{1f}--remap-path-prefix="), "{rust}");
        assert!(given(&build, "CFLAGS_a_b").unwrap().starts_with("-O1 -ffile-prefix-map="));
        assert_eq!(given(&build, "CFLAGS"), None);
        assert_eq!(build.get_args().count(), 0, "cargo's configuration comes after the environment");

        let mut build = Command::new("cargo");
        rename(&mut build, "a-b", &|_| None).unwrap();
        let told: Vec<_> = build.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
        assert!(told[0] == "--config" && told[1].starts_with("build.rustflags=[\"--remap-path-prefix="));
        assert_eq!(given(&build, "CARGO_ENCODED_RUSTFLAGS"), None);
    }

    #[test]
    fn a_path_of_this_machine_is_found() {
        let place = env::temp_dir().join(format!("rekall-paths-{}", std::process::id()));
        let inside = root().join("src/lib.rs");
        fs::write(&place, format!("\u{1}{}\0rest", inside.display())).unwrap();
        assert!(named(&place).unwrap().contains(&inside.display().to_string()));
        fs::write(&place, "/rekall/src/lib.rs").unwrap();
        assert_eq!(named(&place).unwrap(), Vec::<String>::new());
        fs::remove_file(&place).unwrap();
    }
}
