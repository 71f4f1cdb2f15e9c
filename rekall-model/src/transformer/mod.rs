//! Sentence transformers: encoders with a pooling on top, as the Python package sentence-transformers stores and runs
//! them.
//!
//! [`encoder`] says what a network is; `post_norm/` (BERT and most others), `modern_bert/` and `decoder/` are some, on
//! the parts that they share (`reader`, `attention`, `rotary`, `workspace`). [`model`] reads a folder, `batch` and `embedder` work on texts.

mod attention;
mod batch;
#[cfg(feature = "candle")]
mod candle;
mod cross_encoder;
mod decoder;
mod dense;
mod embedder;
mod encoder;
mod heads;
mod kept;
mod micro_batch;
mod model;
mod modern_bert;
mod pooling;
mod position_bias;
mod post_norm;
mod quantization;
mod reader;
mod rotary;
mod settings;
mod shape;
mod special_tokens;
mod stored_weight;
mod tensor_parallel;
mod vocabulary;
mod wanted;
mod weight_files;
mod worker_pool;
mod workspace;

pub use cross_encoder::CrossEncoder;
pub use model::BertEmbedder;
