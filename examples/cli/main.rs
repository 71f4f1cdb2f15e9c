//! The whole product in a terminal: remember notes, index folders, search by meaning and by words.
//!
//! ```text
//! cargo run --release --example cli -- quickstart
//! cargo run --release --example cli -- help
//! ```
//!
//! Every command works out a [`Report`](report::Report), which holds its result twice: as text for people and
//! as JSON for programs. `main` prints one of the two, and nothing else ever goes to the standard output.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod date;
mod excerpt;
mod failure;
mod interrupt;
mod place;
mod progress;
mod report;
mod session;
mod style;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use failure::Failure;
use report::Report;
use style::Style;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    let style = Style::of_stdout();
    match commands::run(&cli, style) {
        Ok(report) => print_report(&report, cli.json),
        Err(failure) => print_failure(&failure, cli.json),
    }
}

fn print_report(report: &Report, json: bool) -> ExitCode {
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    let written = if json { write_out(&report.json.to_string()) } else { write_out(&report.text) };
    if report.damage { ExitCode::FAILURE } else { written }
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

/// Writes to the standard output. A reader that went away early (`… | head`) is no error.
fn write_out(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stdout, "{text}{end}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
