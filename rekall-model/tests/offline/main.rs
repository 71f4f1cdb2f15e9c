//! Tests on fixtures and golden vectors of the repository; nothing is fetched.

#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(feature = "candle")]
mod candle;
mod common;
mod golden_static;
#[cfg(feature = "transformer")]
mod golden_transformers;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "transformer")]
mod int8;
mod invalid_files;
#[cfg(all(feature = "transformer", feature = "hub"))]
mod kept;
#[cfg(feature = "transformer")]
mod network;
#[cfg(feature = "transformer")]
mod ready_int8;
#[cfg(feature = "transformer")]
mod real_model;
#[cfg(feature = "transformer")]
mod rerank;
#[cfg(feature = "transformer")]
mod shards;
