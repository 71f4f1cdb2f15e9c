//! What becomes of entries: written, changed, listed, in sets and scopes, as JSON, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod batch;
mod changes;
mod embed_many;
mod entry_sets;
mod facets;
mod freshness;
mod json;
mod listing;
mod many;
mod naive_model;
mod names;
mod scopes;
mod serialized;
mod settings;
mod supersede;
