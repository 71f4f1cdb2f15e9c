//! Model files made to harm: each is refused by name, or loads and works; none hangs, panics, or makes the
//! process ask for more memory than its own size explains.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../offline/common.rs"]
#[allow(dead_code, reason = "shared with the tests on files")]
mod common;
mod counting;
mod folder;
mod mutations;
mod special_files;
mod tokenizers;
mod weights;
