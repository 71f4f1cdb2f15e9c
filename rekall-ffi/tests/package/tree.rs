//! What is in the tree, and what its libraries show.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command;
use crate::command::libraries::{self, Symbols};
use crate::command::options::{Built, Layout};
use crate::command::system::System;
use crate::toolchain::{self, answers, skip};

/// Installed once for all tests here, in place of what the run before left: gigabytes, and nothing drops what is static.
static TREE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", folder.display()),
        _ => fs::create_dir_all(&folder).unwrap(),
    }
    let archive = toolchain::libraries().join("librekall_ffi.a");
    let prefix = folder.join("prefix");
    command::install(&archive, &prefix, &built(), &layout(), Symbols::Kept).unwrap();
    folder
});

/// What this test was built with.
pub(crate) fn built() -> Built {
    let mut features = Vec::new();
    macro_rules! name_those_that_are_on {
        ($($name:literal)*) => { $(if cfg!(feature = $name) { features.push($name); })* };
    }
    name_those_that_are_on!("bundled-sqlite" "bundled-model" "bundled-model-v1" "faer" "sqlite-vec" "transformer" "hub" "candle");
    name_those_that_are_on!("cuda" "metal" "mkl" "accelerate");
    Built {
        system: System::find(None).unwrap(),
        sqlite: cfg!(feature = "bundled-sqlite"),
        model: cfg!(feature = "bundled-model"),
        model_v1: cfg!(feature = "bundled-model-v1"),
        features: ["--no-default-features", "--features", &features.join(",")].map(str::to_owned).to_vec(),
    }
}

fn layout() -> Layout {
    Layout { libdir: "lib".into() }
}

/// Where the tree stands.
pub(crate) fn prefix() -> PathBuf {
    TREE.join("prefix")
}

/// What programs ask the loader for: the library's name with the number of its binary interface.
pub(crate) fn soname() -> String {
    format!("librekall.so.{}", rekall_ffi::REKALL_ABI_VERSION)
}

/// A new folder beside it.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = TREE.join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

/// What a static program links besides librekall.a.
pub(crate) fn system() -> Vec<String> {
    let pc = fs::read_to_string(prefix().join("lib/pkgconfig/rekall.pc")).unwrap();
    let line = pc.lines().find_map(|line| line.strip_prefix("Libs.private: ")).unwrap();
    line.split(' ').map(str::to_owned).collect()
}

/// Compiles and links a program with the installed library, shared or static.
pub(crate) fn link(command: &mut Command, is_static: bool) -> &mut Command {
    let lib = prefix().join("lib");
    command.arg("-I").arg(prefix().join("include"));
    match is_static {
        true => command.arg(lib.join("librekall.a")).args(system()),
        false => command.arg("-L").arg(&lib).arg("-lrekall").arg(format!("-Wl,-rpath,{}", lib.display())),
    }
}

/// The names that a library shows.
fn shown(library: &Path, how: &[&str]) -> BTreeSet<String> {
    let output = toolchain::run(Command::new("nm").args(how).arg("--defined-only").arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
}

#[test]
fn the_tree_is_complete() {
    let lib = prefix().join("lib");
    let version = env!("CARGO_PKG_VERSION");
    let versioned = format!("librekall.so.{version}");
    assert_eq!(fs::read_link(lib.join("librekall.so")).unwrap(), Path::new(&soname()));
    assert_eq!(fs::read_link(lib.join(soname())).unwrap(), Path::new(&versioned));
    let mut left: BTreeSet<PathBuf> = BTreeSet::new();
    fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.insert(path.strip_prefix(prefix()).unwrap().to_owned());
            }
        }
    }
    walk(&prefix(), &mut left);
    let (by_abi, by_version) = (format!("lib/{}", soname()), format!("lib/{versioned}"));
    for file in [
        "include/rekall.h",
        "include/rekall.hpp",
        "lib/librekall.a",
        "lib/librekall.so",
        &by_abi,
        &by_version,
        "lib/pkgconfig/rekall.pc",
        "lib/cmake/rekall/rekall-config.cmake",
        "lib/cmake/rekall/rekall-config-version.cmake",
        "share/licenses/rekall/LICENSE-APACHE",
        "share/licenses/rekall/LICENSE-MIT",
        "share/licenses/rekall/THIRD-PARTY.txt",
    ] {
        assert!(left.remove(Path::new(file)), "{file}");
    }
    for file in ["LICENSE-Apache-2.0", "NOTICE"] {
        let file = format!("share/licenses/rekall/static-fren-{file}");
        assert_eq!(left.remove(Path::new(&file)), cfg!(feature = "bundled-model"), "{file}");
    }
    // The rest: the parts of rekall.hpp.
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/rekall")).unwrap() {
        let installed = Path::new("include/rekall").join(file.unwrap().file_name());
        assert!(left.remove(&installed), "{}", installed.display());
    }
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn shown_is_what_the_header_declares() {
    if !answers("nm") {
        return skip("nm");
    }
    let declared = libraries::functions().unwrap();
    assert!(declared.len() > 100);
    assert_eq!(shown(&prefix().join("lib/librekall.so"), &["-D"]), declared);
    assert_eq!(shown(&toolchain::libraries().join("librekall_ffi.so"), &["-D"]), declared);
    assert_eq!(shown(&prefix().join("lib/librekall.a"), &["-g"]), declared);
}

#[test]
fn the_soname_is_the_abi() {
    if !answers("readelf") {
        return skip("readelf");
    }
    let output = toolchain::run(Command::new("readelf").arg("-d").arg(prefix().join("lib/librekall.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("Library soname: [{}]", soname())), "{text}");
    assert!(!text.contains("TEXTREL"), "{text}");
}

/// A packager's tools compare what the same sources give twice.
#[test]
fn a_tree_is_the_same_byte_for_byte() {
    let again = folder("again").join("prefix");
    let archive = toolchain::libraries().join("librekall_ffi.a");
    let made = command::install(&archive, &again, &built(), &layout(), Symbols::Kept).unwrap();
    for file in [&made.fixed, &made.shared] {
        let first = prefix().join(file.strip_prefix(&again).unwrap());
        assert!(fs::read(file).unwrap() == fs::read(&first).unwrap(), "{}", first.display());
    }
}

#[test]
fn the_oldest_glibc_is_told() {
    if !answers("readelf") {
        return skip("readelf");
    }
    let library = prefix().join("lib/librekall.so");
    let output = toolchain::run(Command::new("readelf").arg("-VW").arg(&library));
    let text = String::from_utf8(output.stdout).unwrap();
    let asked = text.split_whitespace().filter_map(|word| word.strip_prefix("GLIBC_"));
    let numbers = |version: &str| version.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    let least = libraries::least_glibc(&library).unwrap();
    assert_eq!(least.as_deref().map(numbers), asked.map(numbers).max(), "{text}");
}

/// Nothing but the C library and the unwinder.
#[test]
fn the_shared_library_needs_little() {
    if !answers("readelf") {
        return skip("readelf");
    }
    let output = toolchain::run(Command::new("readelf").arg("-dW").arg(prefix().join("lib/librekall.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines().filter(|line| line.contains("(NEEDED)")) {
        let (_, name) = line.split_once('[').unwrap();
        let known = ["libc.", "libm.", "libgcc_s.", "ld-", "libsqlite3.", "libpthread.", "libdl.", "librt."];
        assert!(known.iter().any(|known| name.starts_with(known)), "{line}");
    }
}

/// As it is handed out: the command strips what the other tests keep, for a backtrace that can be read.
#[test]
fn a_stripped_tree_shows_and_does_the_same() {
    if !answers("nm") {
        return skip("nm");
    }
    let place = folder("stripped");
    let prefix = place.join("prefix");
    command::install(
        &toolchain::libraries().join("librekall_ffi.a"),
        &prefix,
        &built(),
        &layout(),
        Symbols::Stripped,
    )
    .unwrap();
    let declared = libraries::functions().unwrap();
    assert_eq!(shown(&prefix.join("lib/librekall.so"), &["-D"]), declared);
    assert_eq!(shown(&prefix.join("lib/librekall.a"), &["-g"]), declared);
    let all = Command::new("nm").arg(prefix.join("lib/librekall.so")).output().unwrap();
    assert!(all.stdout.is_empty(), "symbols were left");
    let source = place.join("program.c");
    fs::write(
        &source,
        "#include <rekall.h>\n#include <stdio.h>\nint main(void)\n{\n    rekall_error *error = NULL;\n\
         rekall_db *db = NULL;\n    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;\n\
         options.flags = REKALL_OPEN_NO_MODEL;\n\
         if (rekall_open(\"memory.db\", &options, &db, &error)) return 1;\n    rekall_close(db);\n\
         if (rekall_open(\"/nonexistent/x\", &options, &db, &error) != REKALL_IO) return 2;\n\
         puts(rekall_error_message(error));\n    rekall_error_free(error);\n    return 0;\n}\n",
    )
    .unwrap();
    let lib = prefix.join("lib");
    for library in [lib.join("librekall.so"), lib.join("librekall.a")] {
        let mut command = Command::new("cc");
        command.arg("-I").arg(prefix.join("include")).arg(&source).arg(&library).args(system());
        command.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-o").arg(place.join("program"));
        toolchain::run(&mut command);
        let output = toolchain::run(Command::new(place.join("program")).current_dir(&place));
        assert!(String::from_utf8_lossy(&output.stdout).contains("/nonexistent/x"), "{output:?}");
    }
}
