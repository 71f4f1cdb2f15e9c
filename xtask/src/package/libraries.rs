//! The installed libraries, made of cargo's static one.
//!
//! Cargo gives the shared library neither a version nor a SONAME, and must not: the programs in the tree link it where
//! it lies. So it is linked anew from the static one, with a SONAME and an export list.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::Outcome;

/// Its number is the binary interface's, which below 1.0 may break with the version's second number.
pub(crate) const SONAME: &str = "librekall.so.0";

/// librekall.a and librekall.so.VERSION with its links, in `lib`.
pub(crate) fn link(archive: &Path, lib: &Path, version: &str, system: &[&str], strip: bool) -> Outcome {
    let (fixed, exports) = (lib.join("librekall.a"), lib.join("exports.map"));
    fs::copy(archive, &fixed).map_err(|error| format!("{}: {error}", archive.display()))?;
    fs::write(&exports, "{ global: rekall_*; local: *; };\n")
        .map_err(|error| format!("{}: {error}", exports.display()))?;
    let file = format!("librekall.so.{version}");
    let mut shared = compiler();
    shared.args(["-shared", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,-z,nodelete"]);
    shared.args(["-Wl,--no-undefined", &format!("-Wl,-soname,{SONAME}")]).args(strip.then_some("-s"));
    shared.arg(prefixed("-Wl,--version-script=", &exports)).arg("-Wl,--whole-archive").arg(archive);
    run(shared.arg("-Wl,--no-whole-archive").args(system).arg("-o").arg(lib.join(&file)))?;
    symlink(&file, &lib.join(SONAME))?;
    symlink(SONAME, &lib.join("librekall.so"))?;
    remove(&exports)
}

fn compiler() -> Command {
    tool("CC", "cc")
}

/// A tool that the environment may name.
fn tool(variable: &str, usual: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| usual.into()))
}

fn prefixed(flag: &str, path: &Path) -> OsString {
    let mut text = OsString::from(flag);
    text.push(path);
    text
}

fn run(command: &mut Command) -> Outcome {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{:?}: {}", command.get_program(), String::from_utf8_lossy(&output.stderr)))
}

fn remove(path: &Path) -> Outcome {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn symlink(target: &str, place: &Path) -> Outcome {
    remove(place)?;
    std::os::unix::fs::symlink(target, place).map_err(|error| format!("{}: {error}", place.display()))
}

#[cfg(not(unix))]
fn symlink(_: &str, place: &Path) -> Outcome {
    Err(format!("{}: this system has no links", place.display()))
}
