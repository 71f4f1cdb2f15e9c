//! Memories on a PostgreSQL server.
#![cfg(all(feature = "postgres", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod cut_off;
mod killed;
mod pgvector;
mod pooled;
mod team;
mod trips;
mod urls;
