//! Models: loaded, missing, wrong, shared, of the host's own, and changed for another one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "hub")]
#[path = "../common/fake_hub.rs"]
mod fake_hub;

mod former_model;
mod http_embedder;
mod model_host;
mod model_lifecycle;
mod precision;
mod reembed;
mod reembed_killed;
mod reembed_meddled;
mod wrong_model;
