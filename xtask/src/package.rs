//! `cargo xtask package [--prefix DIR] [--no-default-features] [--features LIST]`: what a C or C++ program needs, in a
//! tree that can be copied to /usr/local or into a package.
//!
//! Cargo gives the shared library neither a version nor a SONAME, and must not: the programs in the tree link it where
//! it lies. So the shared library is linked once more from the static one, with a SONAME and an export list.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, cargo, root, step, target};

/// First number of the SONAME: the binary interface.
const SOVERSION: &str = "0";

/// What Rust's standard library needs besides the C library; a test links a program with just these.
const SYSTEM: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

pub(crate) fn package(arguments: &[String]) -> Outcome {
    let mut prefix = root().join("target/dist");
    let (mut build, mut defaults, mut bundled) = (Vec::new(), true, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--prefix" => prefix = env::current_dir().map_err(|error| error.to_string())?.join(value()?),
            "--no-default-features" => {
                defaults = false;
                build.push(argument.clone());
            }
            "--features" => {
                let list = value()?;
                bundled |= list.split(',').any(|feature| feature == "bundled-sqlite");
                build.extend([argument.clone(), list]);
            }
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let mut command = cargo(&["build", "--release", "--package", "rekall-ffi", "--lib"]);
    step("static library", command.args(build))?;
    let archive = target().join("release/librekall_ffi.a");
    install(&archive, &prefix, defaults || bundled, true)?;
    println!("installed into {}", prefix.display());
    Ok(())
}

/// Makes the tree from a static library.
pub(crate) fn install(archive: &Path, prefix: &Path, bundled_sqlite: bool, strip: bool) -> Outcome {
    if !cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd")) {
        return Err("only for systems with ELF libraries so far".to_owned());
    }
    let version = env!("CARGO_PKG_VERSION");
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/rekall"));
    for folder in [&lib, &include, &pkgconfig, &cmake] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for header in ["rekall.h", "rekall.hpp"] {
        copy(&root().join("include").join(header), &include.join(header))?;
    }
    copy(archive, &lib.join("librekall.a"))?;
    let sqlite = if bundled_sqlite { "" } else { " -lsqlite3" };
    shared(archive, &lib, version, sqlite.trim(), strip)?;
    let system = format!("{SYSTEM}{sqlite}");
    write(&pkgconfig.join("rekall.pc"), &PC.replace("@VERSION@", version).replace("@SYSTEM@", &system))?;
    let libraries: Vec<&str> = system.split(' ').map(|flag| flag.trim_start_matches("-l")).collect();
    let config = CMAKE.replace("@VERSION@", version).replace("@SYSTEM@", &libraries.join(";"));
    write(&cmake.join("rekall-config.cmake"), &config)?;
    write(&cmake.join("rekall-config-version.cmake"), &CMAKE_VERSION.replace("@VERSION@", version))
}

/// librekall.so.VERSION, and the links that lead to it: the loader's and the linker's.
fn shared(archive: &Path, lib: &Path, version: &str, sqlite: &str, strip: bool) -> Outcome {
    let exports = lib.join("exports.map");
    write(&exports, "{ global: rekall_*; local: *; };\n")?;
    let (file, soname) = (format!("librekall.so.{version}"), format!("librekall.so.{SOVERSION}"));
    let mut command = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.arg("-shared").arg("-o").arg(lib.join(&file));
    command.args(["-Wl,--whole-archive"]).arg(archive).args(["-Wl,--no-whole-archive", "-Wl,--gc-sections"]);
    command.arg(format!("-Wl,-soname,{soname}")).arg(format!("-Wl,--version-script={}", exports.display()));
    command.args(["-Wl,-z,relro,-z,now", "-Wl,-z,nodelete", "-Wl,--no-undefined"]);
    command.args(strip.then_some("-s")).args(SYSTEM.split(' ')).args((!sqlite.is_empty()).then_some(sqlite));
    let output = command.output().map_err(|error| format!("the C compiler: {error}"))?;
    if !output.status.success() {
        return Err(format!("linking {file}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    fs::remove_file(&exports).map_err(|error| error.to_string())?;
    link(&file, &lib.join(&soname))?;
    link(&soname, &lib.join("librekall.so"))
}

#[cfg(unix)]
fn link(target: &str, place: &Path) -> Outcome {
    let _ = fs::remove_file(place);
    std::os::unix::fs::symlink(target, place).map_err(|error| format!("{}: {error}", place.display()))
}

#[cfg(not(unix))]
fn link(_: &str, place: &Path) -> Outcome {
    Err(format!("{}: this system has no links", place.display()))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Found by its own place, so that the tree may be moved.
const PC: &str = "prefix=${pcfiledir}/../..
libdir=${prefix}/lib
includedir=${prefix}/include

Name: rekall
Description: A local semantic memory
Version: @VERSION@
Libs: -L${libdir} -lrekall
Libs.private: @SYSTEM@
Cflags: -I${includedir}
";

const CMAKE: &str = r#"# find_package(rekall) gives rekall::rekall (the shared library) and rekall::static.
get_filename_component(rekall_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET rekall::rekall)
  add_library(rekall::rekall SHARED IMPORTED)
  set_target_properties(rekall::rekall PROPERTIES
    IMPORTED_LOCATION "${rekall_prefix}/lib/librekall.so.@VERSION@"
    IMPORTED_SONAME "librekall.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${rekall_prefix}/include")
  add_library(rekall::static STATIC IMPORTED)
  set_target_properties(rekall::static PROPERTIES
    IMPORTED_LOCATION "${rekall_prefix}/lib/librekall.a"
    INTERFACE_LINK_LIBRARIES "@SYSTEM@"
    INTERFACE_INCLUDE_DIRECTORIES "${rekall_prefix}/include")
endif()
"#;

/// Below 1.0 the second number must agree, from then on the first.
const CMAKE_VERSION: &str = r#"set(PACKAGE_VERSION "@VERSION@")
string(REGEX MATCH "^0\\.[0-9]+|^[0-9]+" rekall_line "${PACKAGE_VERSION}")
string(REGEX MATCH "^0\\.[0-9]+|^[0-9]+" rekall_wanted "${PACKAGE_FIND_VERSION}")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR NOT rekall_line STREQUAL rekall_wanted)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"#;
