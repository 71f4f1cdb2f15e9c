//! The installable tree: what is in it, what the library exports, and the examples built against it from elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![cfg(target_os = "linux")]

#[path = "../../xtask/src/package.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "shared with the chore of that name")]
mod package;
#[path = "../../xtask/src/run.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "shared with the chores")]
mod run;
#[path = "support/toolchain.rs"]
mod toolchain;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use toolchain::{answers, libraries};

struct Tree {
    folder: tempfile::TempDir,
}

/// Installed once for all tests here.
static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let archive = libraries().join("librekall_ffi.a");
    package::install(&archive, &folder.path().join("prefix"), cfg!(feature = "bundled-sqlite"), false)
        .unwrap();
    Tree { folder }
});

fn prefix() -> PathBuf {
    TREE.folder.path().join("prefix")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Copies an example folder out of the repository and builds it with its Makefile.
fn build(language: &str, place: &str, make: &[&str]) -> PathBuf {
    let target = TREE.folder.path().join(place);
    fs::create_dir_all(&target).unwrap();
    for file in fs::read_dir(examples().join(language)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), target.join(file.file_name())).unwrap();
    }
    let mut command = Command::new("make");
    command.args(make).current_dir(&target).env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    toolchain::run(&mut command);
    target
}

fn tools() -> bool {
    ["make", "pkg-config", "cc", "c++"].into_iter().all(answers)
}

/// Runs a program of the examples in its folder; what it prints.
fn output(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = toolchain::run(Command::new(folder.join(program)).args(arguments).current_dir(folder));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_tree_is_complete() {
    let lib = prefix().join("lib");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(fs::read_link(lib.join("librekall.so")).unwrap(), Path::new("librekall.so.0"));
    assert_eq!(
        fs::read_link(lib.join("librekall.so.0")).unwrap(),
        PathBuf::from(format!("librekall.so.{version}"))
    );
    for file in [
        "include/rekall.h",
        "include/rekall.hpp",
        "lib/librekall.a",
        "lib/pkgconfig/rekall.pc",
        "lib/cmake/rekall/rekall-config.cmake",
        "lib/cmake/rekall/rekall-config-version.cmake",
    ] {
        assert!(prefix().join(file).is_file(), "{file}");
    }
    assert!(!lib.join("exports.map").exists());
}

#[test]
fn exported_is_what_the_header_declares() {
    if !answers("nm") {
        return;
    }
    let exported = |library: &Path| -> BTreeSet<String> {
        let output = toolchain::run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned).collect()
    };
    let header = fs::read_to_string(prefix().join("include/rekall.h")).unwrap();
    let declared: BTreeSet<String> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '*', '/', '#']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("rekall_") && header.contains(&format!("{name}(")))
        .map(str::to_owned)
        .collect();
    assert!(declared.len() > 100, "{declared:?}");
    assert_eq!(exported(&prefix().join("lib/librekall.so")), declared);
    assert_eq!(exported(&libraries().join("librekall_ffi.so")), declared);
}

#[test]
fn the_soname_is_the_abi() {
    if !answers("readelf") {
        return;
    }
    let output = toolchain::run(Command::new("readelf").arg("-d").arg(prefix().join("lib/librekall.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Library soname: [librekall.so.0]"), "{text}");
    assert!(!text.contains("TEXTREL"), "{text}");
}

#[test]
fn the_c_examples_build_and_run_shared_and_static() {
    if !tools() {
        return;
    }
    for (place, make) in [("c-shared", &[][..]), ("c-static", &["STATIC=1"][..])] {
        let folder = build("c", place, make);
        if cfg!(feature = "bundled-model") {
            let text = output(&folder, "quickstart", &[]);
            assert!(text.lines().next().unwrap().contains("CORS fails on Safari"), "{place}: {text}");
        }
        let text = output(&folder, "own_embedder", &[]);
        assert!(
            text.contains("Marmalade recipe\n") && text.contains("the model was asked 4 times"),
            "{place}: {text}"
        );
        let needed =
            String::from_utf8(toolchain::run(Command::new("ldd").arg(folder.join("quickstart"))).stdout);
        assert_eq!(needed.unwrap().contains("librekall.so.0"), make.is_empty(), "{place}");
    }
}

#[test]
fn the_cpp_example_builds_and_answers() {
    if !tools() {
        return;
    }
    for (place, make) in [("cpp-shared", &[][..]), ("cpp-static", &["STATIC=1"][..])] {
        let folder = build("cpp", place, make);
        let notes = folder.join("files");
        fs::create_dir(&notes).unwrap();
        fs::write(notes.join("a.md"), "# Backup\nThe disk was full.\n\n## Restore\nTake the newest file.\n")
            .unwrap();
        fs::write(notes.join("b.txt"), "Trains leave at noon.\n").unwrap();
        let text = output(&folder, "notes", &["notes.db", "files", "when do trains leave"]);
        assert!(text.starts_with("3 sections indexed, 3 in all\n"), "{place}: {text}");
        assert!(text.lines().nth(1).unwrap().contains("b.txt"), "{place}: {text}");
        let again = output(&folder, "notes", &["notes.db", "files", "disk"]);
        assert!(again.starts_with("0 sections indexed, 3 in all\n"), "{place}: {again}");
    }
}

#[test]
fn cmake_finds_the_tree() {
    if !answers("cmake") {
        return;
    }
    for (language, program) in [("c", "quickstart"), ("cpp", "notes")] {
        for linked in ["OFF", "ON"] {
            let place = TREE.folder.path().join(format!("cmake-{language}-{linked}"));
            let mut configure = Command::new("cmake");
            configure.arg("-S").arg(examples().join(language)).arg("-B").arg(&place);
            configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
            configure.arg(format!("-DREKALL_STATIC={linked}"));
            toolchain::run(&mut configure);
            toolchain::run(Command::new("cmake").arg("--build").arg(&place));
            assert!(place.join(program).is_file());
        }
    }
}

/// The blocks of a language in the README, as written.
fn readme(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

#[test]
fn the_readme_programs_compile_and_run() {
    if !tools() || !cfg!(feature = "bundled-model") {
        return;
    }
    for (language, compiler, standard, end) in
        [("c", "cc", "-std=c99", "c"), ("cpp", "c++", "-std=c++17", "cpp")]
    {
        for (number, program) in readme(language).into_iter().enumerate() {
            let folder = TREE.folder.path().join(format!("readme-{language}-{number}"));
            fs::create_dir(&folder).unwrap();
            let source = folder.join(format!("program.{end}"));
            fs::write(&source, program).unwrap();
            let lib = prefix().join("lib");
            let mut command = Command::new(compiler);
            command.arg(standard).args(toolchain::WARNINGS).arg("-I").arg(prefix().join("include"));
            command.arg(&source).arg("-L").arg(&lib).arg("-lrekall");
            command.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-o").arg(folder.join("program"));
            toolchain::run(&mut command);
            assert!(output(&folder, "program", &[]).contains("CORS fails on Safari"));
        }
    }
}
