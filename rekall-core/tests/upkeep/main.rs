//! Upkeep: check and repair, backup, export and import, compaction, forgetting for good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod by_path;
mod check;
mod coherence;
mod copies;
mod jsonl;
mod long_readers;
mod names;
mod salvage;
mod secure_delete;
mod secure_operations;
mod semantic;
mod stopped;
#[path = "../upkeep_common/mod.rs"]
mod upkeep_common;
