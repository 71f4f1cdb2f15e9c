//! `cargo xtask package [--prefix DIR] [--no-default-features] [--features LIST]`: what a C or C++ program needs, in a
//! tree that can be copied to /usr/local or into a package.

pub(crate) mod libraries;

use std::env;
use std::fs;
use std::path::Path;

use crate::run::{Outcome, cargo, root, step, target};

/// What Rust's standard library needs besides the C library; a test links a program with just these. The unwinder is not
/// among them: every compiler adds its own, which is another one for a fully static program.
const SYSTEM: &str = "-lutil -lrt -lpthread -lm -ldl -lc";

pub(crate) fn package(arguments: &[String]) -> Outcome {
    let mut prefix = target().join("dist");
    let (mut build, mut built) = (Vec::new(), Built { sqlite: true, model: true });
    let mut features = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--prefix" => prefix = env::current_dir().map_err(|error| error.to_string())?.join(value()?),
            "--no-default-features" => {
                built = Built { sqlite: false, model: false };
                build.push(argument.clone());
            }
            "--features" => {
                let list = value()?;
                features.extend(list.split(',').map(str::to_owned));
                build.extend([argument.clone(), list]);
            }
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let mut command = cargo(&["build", "--release", "--package", "rekall-ffi", "--lib"]);
    step("static library", command.args(build))?;
    let archive = target().join("release/librekall_ffi.a");
    // In whatever order the arguments came.
    built.sqlite |= features.iter().any(|feature| feature == "bundled-sqlite");
    built.model |= features.iter().any(|feature| feature == "bundled-model");
    install(&archive, &prefix, built, true)?;
    println!("installed into {}", prefix.display());
    for library in ["librekall.a", &format!("librekall.so.{}", env!("CARGO_PKG_VERSION"))] {
        let size = fs::metadata(prefix.join("lib").join(library)).map_err(|error| error.to_string())?.len();
        println!("{library}: {:.1} MB", size as f64 / 1e6);
    }
    Ok(())
}

/// What is compiled into the library, and the tree has to know.
pub(crate) struct Built {
    pub(crate) sqlite: bool,
    pub(crate) model: bool,
}

/// Makes the tree from cargo's static library.
pub(crate) fn install(archive: &Path, prefix: &Path, built: Built, strip: bool) -> Outcome {
    if !cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd")) {
        return Err("only for systems with ELF libraries so far".to_owned());
    }
    let version = env!("CARGO_PKG_VERSION");
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/rekall"));
    for folder in [&pkgconfig, &cmake] {
        make(folder)?;
    }
    copy_headers(&root().join("include"), &include)?;
    let system = if built.sqlite { SYSTEM.to_owned() } else { format!("{SYSTEM} -lsqlite3") };
    let flags: Vec<&str> = system.split(' ').collect();
    libraries::link(archive, &lib, version, &flags, strip)?;
    let names: Vec<&str> = flags.iter().map(|flag| flag.trim_start_matches("-l")).collect();
    let soname = libraries::soname()?;
    let filled = |template: &str| {
        template
            .replace("@VERSION@", version)
            .replace("@SONAME@", &soname)
            .replace("@SYSTEM@", &system)
            .replace("@LIBRARIES@", &names.join(";"))
    };
    write(&pkgconfig.join("rekall.pc"), &filled(include_str!("rekall.pc.in")))?;
    write(&cmake.join("rekall-config.cmake"), &filled(include_str!("rekall-config.cmake.in")))?;
    copy_licences(&prefix.join("share/licenses/rekall"), built.model)?;
    let version_file = cmake.join("rekall-config-version.cmake");
    write(&version_file, &filled(include_str!("rekall-config-version.cmake.in")))
}

/// The library's licences, and those of the model that is compiled in.
fn copy_licences(to: &Path, model: bool) -> Outcome {
    make(to)?;
    let own = ["LICENSE-MIT", "LICENSE-APACHE"].map(|name| (root().join(name), name.to_owned()));
    let data = root().join("rekall-model/data/static-fren");
    let models =
        ["LICENSE-Apache-2.0", "NOTICE"].map(|name| (data.join(name), format!("static-fren-{name}")));
    let models = models.into_iter().filter(|_| model);
    for (from, name) in own.into_iter().chain(models) {
        fs::copy(&from, to.join(name)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}

/// Headers, folders of headers included.
fn copy_headers(from: &Path, to: &Path) -> Outcome {
    make(to)?;
    let failed = |error| format!("{}: {error}", from.display());
    for file in fs::read_dir(from).map_err(failed)? {
        let file = file.map_err(failed)?;
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy_headers(&file.path(), &target)?;
        } else {
            fs::copy(file.path(), target).map_err(failed)?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
