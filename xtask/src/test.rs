//! `cargo xtask test`: everything that must pass.

use crate::mcp::reference_client;
use crate::model::{add_multilingual, reference_cache};
use crate::run::{Outcome, cargo, step};
use crate::tools;

pub(crate) fn test(arguments: &[String]) -> Outcome {
    let mut command = cargo(&["test", "--workspace"]);
    command.args(arguments);
    match reference_cache() {
        Ok(cache) => {
            // Its one test prints that it was skipped.
            if let Err(message) = add_multilingual(&cache) {
                println!("== {message}");
            }
            command.env("REKALL_TEST_HUB_CACHE", cache);
        }
        // A machine without a network runs all other tests.
        Err(_) => println!("== no model could be fetched: the tests with a real transformer are skipped"),
    }
    match reference_client() {
        Ok(python) => {
            command.env("REKALL_TEST_MCP_PYTHON", python);
        }
        Err(message) => {
            println!("== {message}: the test with the reference client of the protocol is skipped")
        }
    }
    if let Some(cmake) = tools::cmake() {
        command.env("CMAKE", cmake);
    }
    if let Some(folder) = tools::cmark() {
        command.env("REKALL_TEST_CMARK", folder);
    }
    let postgres = tools::postgres();
    match &postgres {
        Ok(folder) => {
            command.env("REKALL_TEST_POSTGRES", folder);
        }
        // All other tests run all the same, and the command fails at its end.
        Err(message) => println!("== {message}"),
    }
    step("tests", &mut command)?;
    if !arguments.is_empty() {
        return postgres.map(drop);
    }
    let least = ["test", "--package", "rekall", "--no-default-features", "--features", "bundled-sqlite"];
    let mut command = cargo(&least);
    command.args(["--lib", "--test", "bad_input", "--test", "persisted_index", "--test", "recall"]);
    step("tests with the least features", &mut command)?;
    let former = ["test", "--package", "rekall", "--features", "bundled-model-v1", "--test", "former_model"];
    step("tests with a former built-in model", &mut cargo(&former))?;
    let facade = ["test", "--package", "rekall", "--features", "postgres"];
    let c = ["test", "--package", "rekall-ffi", "--features", "postgres", "--test", "c_programs"];
    let (mut facade, mut c) = (cargo(&facade), cargo(&c));
    for test in [
        "bad_input",
        "cli_copy",
        "filters",
        "freshness",
        "naive_model",
        "on_server",
        "reembed",
        "team",
        "words",
    ] {
        facade.args(["--test", test]);
    }
    if let Ok(folder) = &postgres {
        facade.env("REKALL_TEST_POSTGRES", folder);
        c.env("REKALL_TEST_POSTGRES", folder);
    }
    let mut programs = cargo(&["build", "--package", "rekall", "--features", "postgres"]);
    step("the programs for a server", programs.args(["--example", "cli", "--example", "team"]))?;
    step("tests of the facade on a server", &mut facade)?;
    step("a C program on a server", c.arg("runs_on_a_server"))?;
    let watch = ["test", "--package", "rekall-files", "--features", "watch", "--lib", "watch"];
    step("tests of watching folders", &mut cargo(&watch))?;
    postgres.map(drop)
}
