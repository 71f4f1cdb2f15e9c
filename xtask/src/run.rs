//! Running other programs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The result of a command: nothing, or one line that says what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// The cargo that runs this program, in the project's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The folder for everything that is built or fetched.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from))
}

/// A Python process that runs a script of the project.
pub(crate) fn python(script: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(root().join(script));
    command
}

/// Runs a step to its end, shows its output, and says how long it took.
pub(crate) fn step(name: &str, command: &mut Command) -> Outcome {
    println!("== {name}");
    let started = Instant::now();
    let status = command.status().map_err(|error| format!("{name}: {error}"))?;
    println!("== {name}: {:.0} s", started.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
}
