//! The installed libraries, made of cargo's static one.
//!
//! Cargo's archive has SQLite and Rust's standard library with their ordinary global names: a program with an SQLite
//! of its own could not link it. So its objects are linked into one, of which only our functions stay global.
//!
//! Cargo gives the shared library neither a version nor a SONAME, and must not: the programs in the tree link it where
//! it lies. So it is linked anew from that object.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, root};

/// What all of our functions begin with.
const PREFIX: &str = "rekall_";

/// Bitcode that Rust's standard library carries along; run together it is nonsense, over which tools stumble. It is taken
/// out afterwards: a linker script that discards it replaces the usual one, and with it `KEEP` for the unwind tables.
const BITCODE: &[&str] = &[".llvmbc", ".llvmcmd"];

/// librekall.a and librekall.so.VERSION with its links, in `lib`.
pub(crate) fn link(archive: &Path, lib: &Path, version: &str, system: &[&str], strip: bool) -> Outcome {
    let soname = soname()?;
    let object = lib.join("rekall.o");
    let mut one = compiler();
    // Groups are dissolved: their names would stay global, and a linker that finds one of the same name in another Rust
    // library drops ours, though what is in it became our own below.
    one.args(["-r", "-nostdlib", "-Wl,--gc-sections", "-Wl,--force-group-allocation"]);
    for function in functions()? {
        one.arg(format!("-Wl,-u,{function}"));
    }
    run(one.arg(archive).arg("-o").arg(&object))?;
    let mut localize = tool("OBJCOPY", "objcopy");
    localize.args(["--wildcard", &format!("--keep-global-symbol={PREFIX}*")]);
    localize.args(BITCODE.iter().map(|section| format!("--remove-section={section}")));
    run(localize.args(strip.then_some("--strip-debug")).arg(&object))?;

    let fixed = lib.join("librekall.a");
    remove(&fixed)?;
    run(tool("AR", "ar").arg("rcs").arg(&fixed).arg(&object))?;

    let file = format!("librekall.so.{version}");
    let mut shared = compiler();
    shared.args(["-shared", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,-z,nodelete"]);
    shared.args(["-Wl,--no-undefined", &format!("-Wl,-soname,{soname}")]).args(strip.then_some("-s"));
    run(shared.arg(&object).args(system).arg("-o").arg(lib.join(&file)))?;
    symlink(&file, &lib.join(&soname))?;
    symlink(&soname, &lib.join("librekall.so"))?;
    remove(&object)
}

/// The name that programs ask the loader for. Its number is REKALL_ABI_VERSION, not the version's first, which stays 0 while
/// the interface may break: a program never meets a library of another interface, and both can be installed at once.
pub(crate) fn soname() -> Result<String, String> {
    let number = header()?
        .lines()
        .find_map(|line| line.strip_prefix("#define REKALL_ABI_VERSION ")?.parse::<u32>().ok())
        .ok_or("rekall.h: no REKALL_ABI_VERSION")?;
    Ok(format!("librekall.so.{number}"))
}

fn header() -> Result<String, String> {
    let path = root().join("include/rekall.h");
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The functions that the header declares. Not read from the archive: its objects carry bitcode, which binutils with
/// a plugin of another LLVM cannot read.
pub(crate) fn functions() -> Result<BTreeSet<String>, String> {
    let found: BTreeSet<String> = header()?
        .lines()
        .filter(|line| !line.starts_with([' ', '*', '/', '#', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with(PREFIX))
        .map(str::to_owned)
        .collect();
    if found.is_empty() { Err("rekall.h: it declares nothing".to_owned()) } else { Ok(found) }
}

fn compiler() -> Command {
    tool("CC", "cc")
}

/// A tool that the environment may name.
fn tool(variable: &str, usual: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| usual.into()))
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
