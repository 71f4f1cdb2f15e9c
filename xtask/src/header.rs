//! `cargo xtask header`: generates include/rekall.h from rekall-ffi/src.

use crate::run::{Outcome, cargo, step};

pub(crate) fn header(_: &[String]) -> Outcome {
    let mut command = cargo(&["test", "--quiet", "--package", "rekall-ffi", "--test", "header"]);
    command.args(["--", "the_header_is_fresh"]).env("REKALL_UPDATE_HEADER", "1");
    step("include/rekall.h", &mut command)
}
