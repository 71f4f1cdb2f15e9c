//! The installable tree: what is in it, what its libraries show, and programs built against it from elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![cfg(target_os = "linux")]

#[path = "../../../xtask/src/package/mod.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "shared with the command of that name")]
mod command;
mod examples;
mod guide;
mod licenses;
mod memory;
mod other_sqlite;
mod package_command;
mod panics;
mod readme;
#[path = "../../../xtask/src/run.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "shared with the commands of xtask")]
mod run;
#[path = "../support/toolchain.rs"]
mod toolchain;
mod tree;
mod two_copies;
