//! `cargo xtask bench-peers [--quick] …`: rekall's indexes beside other libraries, in one run.
//!
//! Makes a Python of its own under `target/bench-peers` for the peers, builds rekall's side, and hands over
//! to `benches/peers/index/driver.py`, which measures and prints.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, cargo, root, step};

/// What rekall's side is built with: all backends, and SQLite compiled in so that its version does not vary.
const FEATURES: &str = "faer,sqlite-vec,bundled-sqlite,testing";

pub(crate) fn bench_peers(arguments: &[String]) -> Outcome {
    let target = root().join(env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from));
    let folder = target.join("bench-peers");
    let sources = root().join("benches/peers/index");
    let python = environment(&folder.join("venv"), &sources.join("requirements.txt"))?;
    let build = [
        "build",
        "--release",
        "--package",
        "rekall-index",
        "--example",
        "bench_peers",
        "--features",
        FEATURES,
    ];
    step("rekall's side", &mut cargo(&build))?;
    let mut driver = Command::new("python3");
    driver.arg(sources.join("driver.py"));
    driver.arg("--rekall").arg(target.join("release/examples/bench_peers"));
    driver.arg("--python").arg(python);
    driver.arg("--work").arg(folder.join("work"));
    driver.arg("--out").arg(target.join("bench-peers.json"));
    step("peers", driver.args(arguments).env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Installs the packages of a list into a virtual environment, as far as they are available; returns its
/// interpreter.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let python = folder.join("bin/python");
    let wanted =
        fs::read_to_string(requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let done = folder.join("installed.txt");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    step("a Python for the peers", Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    for package in wanted.split_whitespace() {
        // One at a time, so that one that fails does not prevent the others. The driver names the missing
        // ones.
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
        if let Err(message) = step(package, &mut install) {
            println!("not installed: {message}");
        }
    }
    fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))?;
    Ok(python)
}
