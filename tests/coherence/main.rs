//! Searches and files beside other writers, upkeep and damage: every answer is from what the file holds now.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod crowded;
mod damaged_by_others;
mod long_reader;
mod not_erased;
mod odd_logs;
mod orphaned_rows;
mod persisted_index;
mod racing_indexes;
mod racing_updates;
mod restored;
mod stopped_upkeep;
mod unreadable;
