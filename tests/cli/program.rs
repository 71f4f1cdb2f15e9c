//! The command line program in a folder of its own, for tests.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program, next to this test in the target folder.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile.join("examples").join(format!("cli{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is missing: run `cargo build --example cli`", program.display());
    program
}

/// A folder of its own for each test, where everything that the program writes goes.
pub struct World {
    folder: TempDir,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(program());
        command.args(arguments);
        command
    }

    /// Another program in the same surroundings.
    pub fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("REKALL_DB", self.path("knowledge.db"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The one document that a command prints with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--json"], arguments].concat());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {stdout}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {stdout:?}"))
    }

    /// Kind and message of the error that a command ends with, and its exit code.
    pub fn error(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = self.run(&[&["--json"], arguments].concat());
        let stdout = String::from_utf8(output.stdout).unwrap();
        let document: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{arguments:?}: {stdout:?}"));
        let part =
            |name: &str| document["error"][name].as_str().unwrap_or_else(|| panic!("{stdout}")).to_owned();
        (part("kind"), part("message"), output.status.code().unwrap())
    }

    pub fn add(&self, arguments: &[&str]) -> String {
        let added = self.json(&[&["add"], arguments].concat());
        added["id"].as_str().unwrap().to_owned()
    }

    pub fn titles(&self, arguments: &[&str]) -> Vec<String> {
        let found = self.json(&[&["search"], arguments].concat());
        let hits = found["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["entry"]["title"].as_str().unwrap().to_owned()).collect()
    }
}

/// A number of a document.
pub fn count(document: &Value, name: &str) -> u64 {
    document[name].as_u64().unwrap_or_else(|| panic!("no {name} in {document}"))
}
