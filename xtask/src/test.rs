//! `cargo xtask test`: everything that must pass.

use crate::run::{Outcome, cargo, step};

pub(crate) fn test(arguments: &[String]) -> Outcome {
    let mut command = cargo(&["test", "--workspace"]);
    command.args(arguments);
    step("tests", &mut command)
}
