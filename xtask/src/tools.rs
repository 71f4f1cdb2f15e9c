//! Tools that some tests need, fetched if the machine lacks them.

use std::path::PathBuf;
use std::process::Command;

use crate::run::target;

/// A Python package that contains the program.
const CMAKE: &str = "cmake==4.4.4";

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
        println!("== fetching {CMAKE}");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--retries", "1", "--upgrade", "--target"])
            .arg(&tools)
            .arg(CMAKE);
        // Its exit status does not matter: the program runs afterwards, or it does not.
        let _ = pip.output();
    }
    answers(&fetched).then_some(fetched)
}

fn answers(program: &PathBuf) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
