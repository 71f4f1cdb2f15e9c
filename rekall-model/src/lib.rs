//! Local text embedding models: a text goes in, a unit vector of `f32` comes out.
//!
//! - [`Embedder`] is the contract every model meets, ours and a host's own.
//! - [`StaticEmbedder`] reads Model2Vec files (token vectors and a weighted mean): hundreds of
//!   thousands of words a second, no matrix product. With the feature `bundled-model` a small
//!   French and English one is compiled in: [`ModelSource::Bundled`].
//! - `BertEmbedder` (feature `transformer`) runs sentence models on the processor: BERT, RoBERTa, CamemBERT, DistilBERT,
//!   MPNet, NomicBERT, GTE, JinaBERT, ModernBERT, Qwen3 and Gemma 3. Weights are packed once, texts are not padded, activations are fused
//!   with the matrix products. With the feature `candle` the first three run on candle's devices
//!   ([`LoadOptions::device`]).
//! - [`Reranker`] judges how well passages answer a query: `CrossEncoder` (feature `transformer`), by [`load_reranker`]
//!   and [`check_reranker`].
//! - [`load`] turns a [`ModelSource`] into a model; [`check`] says what its small files say against that.
//! - With the feature `host`, processes of one user can share one loaded transformer or reranker: [`LoadOptions::model_host`].
//! - [`ModelManager`] keeps a model of either kind in memory only while it is needed: loaded on first use, once, and dropped
//!   when idle.
//! - [`Fingerprint`] names the vector space a model makes; vectors of two spaces never mix.
//!
//! Only a hub model (feature `hub`) that is not cached yet touches the network. Nothing here prints, and no
//! thread is started unless it was asked for.
//!
//! ```
//! # #[cfg(feature = "bundled-model")] {
//! use rekall_model::{Embedder, LoadOptions, ModelSource, load};
//!
//! let model = load(&ModelSource::Bundled, &LoadOptions::default())?;
//! let question = model.embed_query("le serveur ne répond plus")?;
//! let rows = model.embed_documents(&["the server is down", "a recipe for bread"])?;
//! let similarity = |row: &[f32]| row.iter().zip(&question).map(|(a, b)| a * b).sum::<f32>();
//! let (server, bread) = rows.split_at(model.dimensions());
//! assert!(similarity(server) > similarity(bread));
//! # }
//! # Ok::<(), rekall_model::Error>(())
//! ```
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod architecture;
mod bytes;
#[cfg(feature = "transformer")]
mod cpu;
mod embedder;
mod error;
mod files;
mod fingerprint;
#[cfg(feature = "host")]
mod host;
#[cfg(feature = "hub")]
mod hub;
mod load;
mod manager;
mod mapped;
mod memory;
mod options;
mod parts;
mod reranker;
#[cfg(any(feature = "hub", feature = "transformer"))]
mod shards;
mod source;
mod static_model;
mod tensors;
mod tokenize;
#[cfg(feature = "transformer")]
mod transformer;
mod unigram;
mod vectorized;

pub use embedder::{Embedder, Embeddings, Progress};
pub use error::{Error, ErrorKind};
pub use fingerprint::{Fingerprint, ModelKind};
pub use load::{check, check_reranker, load, load_reranker};
pub use manager::{
    Clock, EventObserver, KeepAlive, LeaseOptions, ManagerOptions, ManagerStats, ModelEvent, ModelLease,
    ModelManager, ModelState, SystemClock, UnloadOutcome,
};
pub use memory::{ReleasedMemory, process_rss, release_memory};
pub use options::{Device, DownloadProgress, LoadOptions, Precision, ProgressObserver};
pub use parts::embed_in_parts;
pub use reranker::Reranker;
pub use source::ModelSource;
pub use static_model::StaticEmbedder;
#[cfg(feature = "transformer")]
pub use transformer::{BertEmbedder, CrossEncoder};
