//! Hostile model files: each is refused by name, or loads and works. None hangs, panics, or makes the process
//! allocate more memory than its size justifies.
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
