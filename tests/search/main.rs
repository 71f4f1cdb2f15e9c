//! What a search finds: by meaning, by words and by both, in what order, with which filters, and what it says of its hits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod duplicates;
mod filter_model;
mod filters;
mod finds_as_written;
mod finds_honestly;
mod finds_scripts;
mod finds_words;
mod fusion;
mod naive_ranking;
mod passages;
mod ranking;
mod recall;
mod rerank;
mod similar;
mod unknown_words;
mod words;
