//! The whole product in a terminal: remember notes, index folders, search by meaning and by words.
//!
//! ```text
//! cargo run --release --example cli -- quickstart
//! cargo run --release --example cli -- help
//! ```
//!
//! Every command works out a [`Report`](report::Report), which holds its result twice: as text for people and
//! as JSON for programs. [`print`](report::print) prints one of the two, and nothing else ever goes to the standard output.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod date;
mod differing;
mod excerpt;
mod failure;
mod interrupt;
mod origin;
mod place;
mod progress;
mod report;
mod session;
mod style;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use failure::Failure;
use report::write_out;
use style::Style;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    let style = Style::of_stdout();
    match commands::run(&cli, style) {
        Ok(report) => report::print(&report, cli.json),
        Err(failure) => print_failure(&failure, cli.json),
    }
}

fn print_failure(failure: &Failure, json: bool) -> ExitCode {
    if json {
        write_out(&failure.to_json().to_string());
    } else if matches!(failure, Failure::Stopped { .. }) {
        eprintln!("{failure}");
    } else {
        eprintln!("error: {failure}");
    }
    ExitCode::from(failure.exit_code())
}

/// Arguments that cannot be understood, or a request for help. clap would exit with 2, which here means
/// "not in this build".
fn refuse_arguments(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return write_out(&error.render().to_string());
    }
    // The arguments did not parse, so `--json` has to be looked for by hand.
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let first = text.split("\n\n").next().unwrap_or_default();
        let message = first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
        return print_failure(&Failure::Usage(message), true);
    }
    // To the standard error, in clap's own colours. If even that is closed there is nobody left to tell.
    drop(error.print());
    ExitCode::FAILURE
}
