//! The installed libraries, made from cargo's static library.
//!
//! In cargo's archive SQLite and Rust's standard library have their ordinary global names, and a program with
//! an SQLite of its own could not link it. Its objects are therefore linked into one, in which only our
//! functions stay global.
//!
//! Cargo gives the shared library neither a version nor a SONAME, because the programs in the tree link it in
//! place. It is therefore linked again from that object.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::system::System;
use crate::run::{Outcome, root};

/// The prefix of all of our functions.
const PREFIX: &str = "rekall_";

/// Bitcode sections of Rust's standard library. Concatenated by the linker they are invalid, and tools fail
/// on them. They are removed afterwards, because a linker script that discards them would replace the default
/// one, and with it `KEEP` for the unwind tables.
const BITCODE: &[&str] = &[".llvmbc", ".llvmcmd"];

/// Where the symbols and line numbers for a debugger go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbols {
    /// They stay in the libraries.
    Kept,
    /// They are removed.
    Stripped,
    /// Those of the shared library go into a file beside it, where debuggers look for it.
    Apart,
}

/// The files that were made.
pub(crate) struct Made {
    pub(crate) fixed: PathBuf,
    pub(crate) shared: PathBuf,
    pub(crate) symbols: Option<PathBuf>,
}

/// librekall.a and librekall.so.VERSION with its links, in `lib`.
pub(crate) fn link(
    archive: &Path,
    lib: &Path,
    version: &str,
    libraries: &[&str],
    symbols: Symbols,
    system: &System,
) -> Result<Made, String> {
    let soname = soname()?;
    let object = lib.join("rekall.o");
    let mut one = system.compiler();
    // Section groups are dissolved. Their names would stay global, and a linker that finds a group of the
    // same name in another Rust library would drop ours, although its content is local by then.
    one.args(["-r", "-nostdlib", "-Wl,--gc-sections", "-Wl,--force-group-allocation"]);
    for function in functions()? {
        one.arg(format!("-Wl,-u,{function}"));
    }
    run(one.arg(archive).arg("-o").arg(&object))?;
    let mut localize = system.tool("OBJCOPY", "objcopy");
    localize.args(["--wildcard", &format!("--keep-global-symbol={PREFIX}*")]);
    localize.args(BITCODE.iter().map(|section| format!("--remove-section={section}")));
    run(localize.args((symbols == Symbols::Stripped).then_some("--strip-debug")).arg(&object))?;

    let file = format!("librekall.so.{version}");
    let shared = lib.join(&file);
    let mut link = system.compiler();
    link.args(["-shared", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,-z,nodelete", "-Wl,--build-id"]);
    link.args(["-Wl,--no-undefined", "-Wl,--as-needed", &format!("-Wl,-soname,{soname}")]);
    link.args((symbols == Symbols::Stripped).then_some("-s"));
    // The hardening flags of a distribution.
    link.args(env::var("LDFLAGS").unwrap_or_default().split_whitespace());
    run(link.arg(&object).args(libraries).arg("-o").arg(&shared))?;
    symlink(&file, &lib.join(&soname))?;
    symlink(&soname, &lib.join("librekall.so"))?;
    let apart = lib.join(format!("{file}.debug"));
    // A file of an earlier build would not match.
    remove(&apart)?;
    let mut made = Made { fixed: lib.join("librekall.a"), shared, symbols: None };
    if symbols == Symbols::Apart {
        let objcopy = || system.tool("OBJCOPY", "objcopy");
        run(objcopy().arg("--only-keep-debug").arg(&made.shared).arg(&apart))?;
        let mut link = OsString::from("--add-gnu-debuglink=");
        link.push(&apart);
        run(objcopy().arg("--strip-all").arg(link).arg(&made.shared))?;
        run(objcopy().arg("--strip-debug").arg(&object))?;
        super::allow(&apart, 0o644)?;
        made.symbols = Some(apart);
    }

    remove(&made.fixed)?;
    // The same bytes for every builder at any time.
    run(system.tool("AR", "ar").arg("rcsD").arg(&made.fixed).arg(&object))?;
    super::allow(&made.fixed, 0o644)?;
    // Tools of some distributions look for debug information only in executable files.
    super::allow(&made.shared, 0o755)?;
    remove(&object)?;
    Ok(made)
}

/// The oldest version of glibc that a library runs with, which is the newest one whose functions it needs.
/// `None` for another C library.
pub(crate) fn least_glibc(library: &Path) -> Result<Option<String>, String> {
    let bytes = fs::read(library).map_err(|error| format!("{}: {error}", library.display()))?;
    let parts =
        |version: &str| version.split('.').map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<_>>>();
    // Version names are separate strings in the file.
    let names = bytes.split(|&byte| byte == 0).filter_map(|name| str::from_utf8(name).ok());
    let versions = names.filter_map(|name| parts(name.strip_prefix("GLIBC_")?));
    Ok(versions.max().map(|parts| parts.iter().map(u32::to_string).collect::<Vec<_>>().join(".")))
}

/// The name that programs ask the loader for. Its number is REKALL_ABI_VERSION, not the version's first,
/// which stays 0 while the interface may break: a program never loads a library with another interface, and
/// both can be installed at once.
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

/// The functions that the header declares. They are not read from the archive, because its objects contain
/// bitcode, which binutils with a plugin of another LLVM version cannot read.
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
