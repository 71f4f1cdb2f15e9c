//! Static embeddings: a vector per token, looked up and averaged. No network, no matrix product.
//!
//! The files and the arithmetic are those of Model2Vec (the Python package `model2vec`, 0.10): text →
//! tokens, no special ones, at most `max_length`; unknown tokens dropped; Σ weight × row; normalized.
//! This implementation differs on purpose:
//! - Vectors always have length 1, also for a model whose configuration says `normalize: false`:
//!   similarity is the dot product everywhere in this engine.
//! - Long text is cut by tokens alone. Python first cuts it to `max_length` × the median piece's length
//!   in characters, to save time; the results differ only when the first `max_length` tokens are longer.
//! - Rows may have four bits a number, see `four_bit`; Python reads the same model with eight.
//! - Sums are `f32` for `f16` rows too, where Python rounds each result to `f16`.
//!
//! A model that sentence-transformers has stored (no `config.json`) has that package's arithmetic: the mean of all tokens,
//! unknown ones among them, cut only where `tokenizer.json` says so.

mod bundled;
mod embedder;
mod files;
mod four_bit;
mod number;
mod rows;

pub(crate) use bundled::{BundledModel, CURRENT, V1};
pub use embedder::StaticEmbedder;
pub(crate) use files::has_sentence_transformers_layout;
