//! The first model that rekall had built in: French and English, 32,000 tokens of 256 dimensions, 9 MB of read-only
//! data. It is data alone; `rekall-model` runs it, with its feature `bundled-model-v1`.
//!
//! The folder `data` of this crate is a Model2Vec model, which any version of rekall opens as
//! `path:rekall-model-v1/data`. Its origin and license are in `data/NOTICE`.
#![forbid(unsafe_code)]

/// Rows and weights of the tokens: a safetensors file.
pub static WEIGHTS: &[u8] = include_bytes!("../data/model.safetensors");

/// The tokenizer, packed by `rekall-model` from `data/tokenizer.json`.
pub static TOKENIZER: &[u8] = include_bytes!("../data/tokenizer.bin");
