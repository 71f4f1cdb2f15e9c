//! The command line program `examples/cli`, run as its users run it.
//!
//! Cargo builds examples for `cargo test`; for `cargo test --test cli` alone run `cargo build --example cli` first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod copy;
mod program;
mod rerank;
mod scopes;
mod shown;
mod time_and_place;
mod watch;
