//! `cargo xtask test`: everything that must pass.

use std::process::Command;

use crate::mcp::reference_client;
use crate::model::{add_multilingual, reference_cache};
use crate::run::{Outcome, cargo, step};
use crate::tools;

/// What the tests are built with beside the default features: in one build, because each set of features is built from the start. Candle
/// runs on the processor, as it does on its devices.
const FEATURES: &str = "rekall/postgres,rekall/candle,rekall-ffi/postgres,rekall-files/watch";

/// A model that processes share: on in all tests but those of a build that has no such thing.
const HOST: &str = "rekall/host,rekall-ffi/host";

/// Tests of the facade that run with the least features, too: programs, and modules of each.
const LEAST: &[(&str, &[&str])] =
    &[("entries", &["bad_input"]), ("search", &["recall"]), ("coherence", &["persisted_index"])];

/// Those that run with a former built-in model, too.
const FORMER: &[(&str, &[&str])] = &[("models", &["former_model", "model_host"])];

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
    step("tests with the least features", modules(&mut cargo(&least), LEAST))?;
    let with_former = format!("{FEATURES},rekall/bundled-model-v1");
    let mut command = cargo(&["test", "--workspace", "--features", &with_former]);
    step("tests with a former built-in model, and without a shared one", modules(&mut command, FORMER))?;
    postgres.map(drop)
}

/// Runs these modules of these programs alone.
fn modules<'a>(command: &'a mut Command, programs: &[(&str, &[&str])]) -> &'a mut Command {
    for (program, _) in programs {
        command.args(["--test", program]);
    }
    let filters = programs.iter().flat_map(|(_, modules)| *modules).map(|module| format!("{module}::"));
    command.arg("--").args(filters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::root;

    /// A filter that fits nothing would pass.
    #[test]
    fn every_module_that_is_named_has_tests() {
        for (program, modules) in LEAST.iter().chain(FORMER) {
            let folder = root().join("tests").join(program);
            let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
            for module in *modules {
                assert!(main.contains(&format!("\nmod {module};\n")), "{program}: {module}");
                let text = std::fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap();
                assert!(text.contains("#[test]"), "{program}: {module}");
            }
        }
    }
}
