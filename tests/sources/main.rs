//! Entries that follow sources, such as the files of a folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod edit_folders;
mod edit_scripts;
mod folders;
mod marks;
mod runs;
mod twin;
