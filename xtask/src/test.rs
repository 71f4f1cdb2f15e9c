//! `cargo xtask test`: everything that must pass.

use crate::mcp::reference_client;
use crate::model::{add_multilingual, reference_cache};
use crate::run::{Outcome, cargo, step};
use crate::tools;

/// What the tests are built with beside the default features: in one build, because each set of features is built from the start.
const FEATURES: &str = "rekall/postgres,rekall-ffi/postgres,rekall-files/watch";

pub(crate) fn test(arguments: &[String]) -> Outcome {
    let mut command = cargo(&["test", "--workspace", "--features", FEATURES]);
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
    // On the processor, where candle runs as it does on its devices; and a model that processes share. A build of its own: about ten
    // CPU minutes.
    let model = [
        "test",
        "--package",
        "rekall-model",
        "--features",
        "candle,host,hub",
        "--lib",
        "--test",
        "offline",
        "--test",
        "host",
    ];
    step("tests on candle and of a shared model", &mut cargo(&model))?;
    postgres.map(drop)
}
