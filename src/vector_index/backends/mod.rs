//! The backends, one file each.

mod binary;
mod flat;
mod in_file;
pub(super) mod pgvector;
mod rows;
mod sq8;
pub(super) mod streamed_sq8;
#[cfg(feature = "sqlite-vec")]
pub(super) mod vec0;

pub(super) use binary::BinaryBackend;
pub(super) use flat::FlatBackend;
pub(crate) use rows::keep_best;
pub(super) use rows::{RowsBackend, TxRows};
pub(super) use sq8::Sq8Backend;
