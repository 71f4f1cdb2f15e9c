//! The result of a command, for people and for programs.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use rekall::Entry;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// What a command found out or did.
pub(crate) struct Report {
    /// For programs: printed with `--json`, as the only document (of `watch`: one a line).
    pub(crate) json: Value,
    /// For people.
    pub(crate) text: String,
    /// What kept the result from being complete; goes to the standard error.
    pub(crate) notes: Vec<String>,
    /// Whether damage was found: the command did its work, and scripts should still stop.
    pub(crate) damage: bool,
}

impl Report {
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), notes: Vec::new(), damage: false }
    }

    /// A report that programs get as the library writes it.
    pub(crate) fn of(result: &impl Serialize, text: impl Into<String>) -> Result<Self, Failure> {
        let json = serde_json::to_value(result)
            .map_err(|error| Failure::Invalid { what: "result", problem: error.to_string() })?;
        Ok(Self::new(json, text))
    }

    /// Marks the report as one of damage.
    pub(crate) fn of_damage(mut self) -> Self {
        self.damage = true;
        self
    }

    /// Adds what is to be said beside the result.
    pub(crate) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// Prints a report; fails where it is one of damage or cannot be written.
pub(crate) fn print(report: &Report, json: bool) -> ExitCode {
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    let written = if json { write_out(&report.json.to_string()) } else { write_out(&report.text) };
    if report.damage { ExitCode::FAILURE } else { written }
}

/// Writes to the standard output. A reader that went away early (`… | head`) is no error.
pub(crate) fn write_out(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stdout, "{text}{end}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// An entry as a JSON object, to which more can be added.
pub(crate) fn entry(entry: &Entry) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(fields)) => fields,
        // An entry is a struct of texts, numbers and JSON values: there is nothing in it that JSON cannot
        // hold.
        _ => Map::new(),
    }
}

/// Milliseconds with three decimals.
pub(crate) fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
