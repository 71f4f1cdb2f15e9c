//! `cargo xtask package`: what a C or C++ program needs, in a tree that can be copied to /usr/local or into a
//! package. [`options::USAGE`] lists its arguments.

pub(crate) mod libraries;
pub(crate) mod licenses;
pub(crate) mod options;
pub(crate) mod paths;
pub(crate) mod spdx;
pub(crate) mod system;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Outcome, cargo, root, step, target};
use options::{Built, Layout, Options};

/// What Rust's standard library needs besides the C library; a test links a program with only these. The
/// unwinder is not among them, because every compiler adds its own, and another one for a fully static
/// program.
const SYSTEM: &str = "-lutil -lrt -lpthread -lm -ldl -lc";

pub(crate) fn package(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let archive = build(&options)?;
    let prefix = options.place();
    let made = install(&archive, &prefix, &options.built, &options.layout, options.symbols())?;
    // Reported once the tree is complete, because a packager may want to inspect it.
    let mut named = Vec::new();
    for file in [&made.fixed, &made.shared].into_iter().chain(&made.symbols) {
        let size = fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?.len();
        println!("{}: {:.1} MB", file.display(), size as f64 / 1e6);
        named.extend(paths::named(file)?);
    }
    if let Some(glibc) = libraries::least_glibc(&made.shared)? {
        println!("needs glibc {glibc} or newer");
    }
    if named.is_empty() {
        return Ok(());
    }
    Err(format!(
        "paths of this machine are in the libraries, {}: the compiler did not remap them. Flags in a \
         target's section of cargo's configuration override ours: put them into RUSTFLAGS",
        named.join(", ")
    ))
}

/// Cargo's static library.
fn build(options: &Options) -> Result<PathBuf, String> {
    let Options { profile, built, .. } = options;
    let mut command = cargo(&["rustc", "--package", "rekall-ffi", "--lib", "--crate-type", "staticlib"]);
    command.args(["--profile", profile]).args(&built.features);
    if options.is_cross {
        command.args(["--target", &built.system.triple]);
    }
    if options.debug_symbols {
        let profile = profile.to_uppercase().replace('-', "_");
        command.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "line-tables-only");
    }
    paths::rename(&mut command, &built.system.triple, &|name| env::var(name).ok())?;
    step("static library", &mut command)?;
    let folder = if options.is_cross { target().join(&built.system.triple) } else { target() };
    // The folders of cargo's built-in profiles.
    let folder = folder.join(match profile.as_str() {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    });
    Ok(folder.join("librekall_ffi.a"))
}

impl Options {
    fn symbols(&self) -> libraries::Symbols {
        match (self.debug_symbols, self.strip) {
            (true, _) => libraries::Symbols::Apart,
            (_, true) => libraries::Symbols::Stripped,
            (_, false) => libraries::Symbols::Kept,
        }
    }
}

/// Makes the tree from cargo's static library.
pub(crate) fn install(
    archive: &Path,
    prefix: &Path,
    built: &Built,
    layout: &Layout,
    symbols: libraries::Symbols,
) -> Result<libraries::Made, String> {
    let version = env!("CARGO_PKG_VERSION");
    let (lib, include) = (prefix.join(&layout.libdir), prefix.join("include"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/rekall"));
    for folder in [&pkgconfig, &cmake] {
        make(folder)?;
    }
    copy_headers(&root().join("include"), &include)?;
    let system = if built.sqlite { SYSTEM.to_owned() } else { format!("{SYSTEM} -lsqlite3") };
    let flags: Vec<&str> = system.split(' ').collect();
    let made = libraries::link(archive, &lib, version, &flags, symbols, &built.system)?;
    let names: Vec<&str> = flags.iter().map(|flag| flag.trim_start_matches("-l")).collect();
    let soname = libraries::soname()?;
    let filled = |template: &str| {
        template
            .replace("@VERSION@", version)
            .replace("@SONAME@", &soname)
            .replace("@SYSTEM@", &system)
            .replace("@LIBRARIES@", &names.join(";"))
            .replace("@LIBDIR@", &layout.libdir.to_string_lossy())
            .replace("@UP_FROM_PKGCONFIG@", &layout.up(1))
            .replace("@UP_FROM_CMAKE@", &layout.up(2))
            .replace("@POINTER_BYTES@", &built.system.pointer_bytes.to_string())
    };
    write(&pkgconfig.join("rekall.pc"), &filled(include_str!("rekall.pc.in")))?;
    write(&cmake.join("rekall-config.cmake"), &filled(include_str!("rekall-config.cmake.in")))?;
    let version_file = cmake.join("rekall-config-version.cmake");
    write(&version_file, &filled(include_str!("rekall-config-version.cmake.in")))?;
    copy_licenses(&prefix.join("share/licenses/rekall"), built)?;
    Ok(made)
}

/// The library's licenses, those of the model that is compiled in, and those of everything else in the
/// library.
fn copy_licenses(to: &Path, built: &Built) -> Outcome {
    make(to)?;
    let own = ["LICENSE-MIT", "LICENSE-APACHE"].map(|name| (root().join(name), name.to_owned()));
    let models = [
        (built.model, "rekall-model/data/static-fren", "static-fren"),
        (built.model_v1, "rekall-model-v1/data", "rekall-model-v1"),
    ];
    let models = models.into_iter().filter(|&(is_built, ..)| is_built).flat_map(|(_, data, prefix)| {
        ["LICENSE-Apache-2.0", "NOTICE"]
            .map(|name| (root().join(data).join(name), format!("{prefix}-{name}")))
    });
    for (from, name) in own.into_iter().chain(models) {
        copy(&from, &to.join(name))?;
    }
    let packages = licenses::packages(&built.features, &built.system.triple)?;
    licenses::check(&packages)?;
    write(&to.join(licenses::FILE), &licenses::notice(&packages, &licenses::others(built.sqlite)?)?)
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
            copy(&file.path(), &target)?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map_err(|error| format!("{}: {error}", from.display()))?;
    allow(to, 0o644)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    allow(path, 0o644)
}

/// Sets a file's mode, whatever the builder's umask is.
pub(crate) fn allow(path: &Path, mode: u32) -> Outcome {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let _ = (path, mode);
    Ok(())
}
