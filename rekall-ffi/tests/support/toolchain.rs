//! The C and C++ compilers of this machine, and the library that cargo built.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What every program here must pass.
pub(crate) const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Werror"];

pub(crate) fn c_compilers() -> Vec<&'static str> {
    ["gcc", "clang"].into_iter().filter(|name| answers(name)).collect()
}

pub(crate) fn cpp_compilers() -> Vec<&'static str> {
    ["g++", "clang++"].into_iter().filter(|name| answers(name)).collect()
}

/// Whether a program can be started at all.
pub(crate) fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// CMake: what the environment names, or else the machine's own.
pub(crate) fn cmake() -> Option<String> {
    let program = std::env::var("CMAKE").unwrap_or_else(|_| "cmake".to_owned());
    answers(&program).then_some(program)
}

/// Says what this machine lacks: nothing is skipped in silence.
pub(crate) fn skip(what: &str) {
    // Past the test harness, which keeps what a passing test prints to itself.
    let _ = writeln!(std::io::stderr(), "skipped: this machine has no {what}");
}

/// The folder of the headers.
pub(crate) fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include")
}

/// Where cargo put the libraries of this build: beside this test.
pub(crate) fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

pub(crate) fn show(what: &Command, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{what:?}: {}\n{out}\n{err}", output.status)
}

/// Runs a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{}", show(command, &output));
    output
}

/// The standards among these that a compiler knows.
pub(crate) fn known<'a>(compiler: &str, language: &str, standards: &[&'a str]) -> Vec<&'a str> {
    let knows = |standard: &&&str| {
        let mut command = Command::new(compiler);
        command.arg(format!("-std={standard}")).args(["-fsyntax-only", "-x", language, "/dev/null"]);
        command.output().unwrap().status.success()
    };
    let known: Vec<&str> = standards.iter().filter(knows).copied().collect();
    assert!(known.len() > 2, "{compiler} knows nearly no standard: {known:?}");
    known
}

/// Compiles without linking.
pub(crate) fn compile(compiler: &str, standard: &str, warnings: &[&str], source: &Path) {
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(WARNINGS).args(warnings).arg("-I").arg(include());
    run(command.args(["-fsyntax-only"]).arg(source));
}

/// A program linked with the shared library of this build.
pub(crate) fn link_shared(compiler: &str, sources: &[&Path], flags: &[&str], target: &Path) {
    let mut command = Command::new(compiler);
    command.args(WARNINGS).args(flags).arg("-I").arg(include()).args(sources);
    command.arg("-L").arg(libraries()).arg("-lrekall_ffi").arg("-lm").arg("-lpthread");
    command.arg(format!("-Wl,-rpath,{}", libraries().display())).arg("-o").arg(target);
    run(&mut command);
}
