//! C and C++ programs against the libraries that cargo built: plain, under sanitizers, under valgrind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "support/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;

use toolchain::{answers, link_shared, run};

const SANITIZERS: &[&str] = &["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn compiler_for(name: &str) -> &'static str {
    if name.ends_with(".c") { "cc" } else { "c++" }
}

/// Whether the C compiler has the sanitizers and they work here.
fn sanitizers_work(folder: &Path) -> bool {
    let probe = folder.join("probe.c");
    std::fs::write(&probe, "int main(void) { return 0; }\n").unwrap();
    let program = folder.join("probe");
    let compiled = Command::new("cc").args(SANITIZERS).arg(&probe).arg("-o").arg(&program).output();
    compiled.is_ok_and(|output| output.status.success())
        && Command::new(&program).output().is_ok_and(|output| output.status.success())
}

/// Compiles a program and runs it: as it is, and with the sanitizers.
fn passes(name: &str, standard: &str) {
    let folder = tempfile::tempdir().unwrap();
    if !answers(compiler_for(name)) {
        return;
    }
    let builds: &[&[&str]] = if sanitizers_work(folder.path()) { &[&[], SANITIZERS] } else { &[&[]] };
    for (number, flags) in builds.iter().enumerate() {
        let program = folder.path().join(format!("program{number}"));
        let place = folder.path().join(format!("data{number}"));
        std::fs::create_dir(&place).unwrap();
        let standard = format!("-std={standard}");
        let flags: Vec<&str> = flags.iter().copied().chain([standard.as_str()]).collect();
        link_shared(compiler_for(name), &[&source(name)], &flags, &program);
        let output = run(Command::new(&program).arg(&place));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n", "{name}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}: a library does not print");
    }
}

#[test]
fn the_main_path() {
    passes("c/main_path.c", "c90");
}

#[test]
fn wrong_calls() {
    passes("c/misuse.c", "c99");
}

#[test]
fn callbacks_threads_and_ends() {
    passes("c/callbacks.c", "c11");
}

#[test]
fn the_cpp_wrapper() {
    passes("cpp/wrapper.cpp", "c++17");
}

#[test]
fn nothing_leaks() {
    let folder = tempfile::tempdir().unwrap();
    if !answers("valgrind") || !answers("cc") {
        return;
    }
    let program = folder.path().join("program");
    link_shared("cc", &[&source("c/main_path.c")], &["-g"], &program);
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect",
    ]);
    command.arg("--errors-for-leak-kinds=definite,indirect").arg(&program).arg(folder.path());
    run(&mut command);
}
