//! Tests on files: fixtures and golden vectors lie beside, nothing is fetched.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_files;
#[cfg(feature = "candle")]
mod candle;
mod common;
mod golden_static;
#[cfg(feature = "transformer")]
mod golden_transformers;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "transformer")]
mod network;
#[cfg(feature = "transformer")]
mod real_model;
