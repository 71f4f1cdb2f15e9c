//! `cargo xtask fuzz [CALLS [SEED]]`: sequences of calls of the C ABI, driven by random bytes.

use crate::run::{Outcome, cargo, step};

/// How many calls are made unless the arguments say otherwise.
const CALLS: &str = "1000000";

pub(crate) fn fuzz(arguments: &[String]) -> Outcome {
    let number = |at: usize, usual: &str| -> Result<String, String> {
        let given = arguments.get(at).map_or(usual, String::as_str);
        given.parse::<u64>().map_err(|_| format!("CALLS and SEED are numbers, got {given}"))?;
        Ok(given.to_owned())
    };
    if let Some(more) = arguments.get(2) {
        return Err(format!("unknown argument {more}"));
    }
    let mut command = cargo(&["test", "--package", "rekall-ffi", "--test", "sequences"]);
    command.args(["--", "--nocapture"]);
    command.env("REKALL_FUZZ_CALLS", number(0, CALLS)?).env("REKALL_FUZZ_SEED", number(1, "1")?);
    step("sequences of calls", &mut command)
}
