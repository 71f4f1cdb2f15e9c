//! Sentence transformers: BERT and XLM-RoBERTa encoders with a pooling on top, as the Python package
//! sentence-transformers stores and runs them.

mod batch;
#[cfg(feature = "candle")]
mod candle;
mod config;
mod embedder;
mod forward;
mod model;
mod special_tokens;
mod tensor_parallel;
mod vocabulary;
mod weights;
mod worker_pool;

pub use model::BertEmbedder;
