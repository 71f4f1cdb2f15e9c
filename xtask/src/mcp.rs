//! The server of the Model Context Protocol: its reference client for the tests, and `cargo xtask bench-mcp`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::run::{Outcome, cargo, python, root, step, target};
use crate::venv::environment;

const SERVER: &str = "examples/mcp_server";

/// Notes that the figures are about.
const NOTES: &str = "10000";

/// A Python with the reference client of the protocol.
pub(crate) fn reference_client() -> Result<PathBuf, String> {
    environment(&target().join("mcp-client"), &root().join(SERVER).join("tests/requirements.txt"))
}

/// The first answer of a cold server among 10,000 notes, and the memory of an idle one.
pub(crate) fn bench_mcp(arguments: &[String]) -> Outcome {
    let build = ["build", "--quiet", "--release", "--package", "rekall-mcp-server"];
    step("server", &mut cargo(&build))?;
    let (server, work) = (target().join("release/rekall-mcp-server"), target().join("bench-mcp"));
    let database = work.join("notes.db");
    if !database.exists() {
        fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        let mut generate = cargo(&["run", "--quiet", "--release", "--example", "cli", "--", "--db"]);
        generate.arg(&database).args(["generate", "--count", NOTES]).stdout(Stdio::null());
        step("notes", &mut generate)?;
    }
    let mut measure = python(&Path::new(SERVER).join("measure.py"));
    measure.arg(server).arg(database).arg("--json").arg(target().join("bench-mcp.json")).args(arguments);
    step("measuring", &mut measure)
}
