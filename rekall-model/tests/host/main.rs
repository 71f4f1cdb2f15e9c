//! Processes that share a model: the same bits as without a host, and an answer whatever becomes of it. Each process is real, and a
//! host that is killed is killed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod process;
mod sharing;
mod strangers;
mod wire;
