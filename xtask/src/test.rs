//! `cargo xtask test`: everything that must pass.

use crate::mcp::reference_client;
use crate::model::{add_multilingual, reference_cache};
use crate::run::{Outcome, cargo, step};
use crate::tools;

/// What the tests are built with beside the default features: in one build, because each set of features is built from the start. Candle
/// runs on the processor, as it does on its devices.
const FEATURES: &str = "rekall/postgres,rekall/candle,rekall-ffi/postgres,rekall-files/watch";

/// A model that processes share: on in all tests but those of a build that has no such thing.
const HOST: &str = "rekall/host,rekall-ffi/host";

pub(crate) fn test(arguments: &[String]) -> Outcome {
    let mut command = cargo(&["test", "--workspace", "--features", FEATURES, "--features", HOST]);
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
    step("unit tests with the least features", cargo(&least).arg("--lib"))?;
    let mut command = cargo(&least);
    command.args(["--test", "entries", "--test", "search", "--test", "coherence", "--"]);
    command.args(["bad_input::", "recall::", "persisted_index::"]);
    step("tests with the least features", &mut command)?;
    let with_former = format!("{FEATURES},rekall/bundled-model-v1");
    let mut command = cargo(&["test", "--workspace", "--features", &with_former]);
    command.args(["--test", "models", "--", "former_model::", "model_host::"]);
    step("tests with a former built-in model, and without a shared one", &mut command)?;
    postgres.map(drop)
}
