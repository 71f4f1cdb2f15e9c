//! How to load and run a model.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What computes a transformer's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The processor, with this crate's own code, which is the fastest choice there.
    #[default]
    Cpu,
    /// The processor, with candle (feature `candle`): for its features `mkl` and `accelerate`.
    CandleCpu,
    /// An NVIDIA graphics card by number (feature `cuda`).
    Cuda(usize),
    /// An Apple graphics processor by number (feature `metal`).
    Metal(usize),
}

/// How to load and run a model. Every field has a default that follows the model's own files.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Keep only this many leading dimensions, then normalize. Allowed only where the model
    /// declares that its vectors may be shortened (Matryoshka). Default: all.
    pub dimensions: Option<usize>,
    /// Cut texts at fewer tokens than the model's own limit; a prefix's tokens count, special ones do
    /// not. Default: the model's limit.
    pub max_tokens: Option<usize>,
    /// The most threads that one call may use, the caller's included. Default: 1, because a library is a
    /// guest. With more, a transformer keeps the other threads asleep between calls until it is dropped.
    pub max_threads: Option<usize>,
    /// What computes a transformer. Default: this crate's own code on the processor.
    pub device: Device,
    /// Text put before each query. Default: what the model's files say.
    pub query_prefix: Option<String>,
    /// Text put before each document. Default: what the model's files say.
    pub document_prefix: Option<String>,
    /// Receives the progress of a download. Default: none.
    pub progress: Option<ProgressObserver>,
    /// Address of the hub or a mirror. Default: the environment's `HF_ENDPOINT`, else the public hub.
    pub hub_endpoint: Option<String>,
    /// Folder of the hub's cache. Default: the one all hub tools share, `HF_HUB_CACHE`, else `hub` in
    /// `HF_HOME`, else in `~/.cache/huggingface`.
    pub hub_cache: Option<PathBuf>,
    /// Never touch the network: a hub model is read from the cache or refused. Default: false.
    pub offline: bool,
}

/// Progress of one file's download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadProgress<'a> {
    /// The file's name in its repository.
    pub file: &'a str,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes in all; `bytes` equals it exactly once, at the end.
    pub total: u64,
}

/// Receives [`DownloadProgress`], on the loading thread.
#[derive(Clone)]
pub struct ProgressObserver(Arc<dyn Fn(&DownloadProgress<'_>) + Send + Sync>);

impl ProgressObserver {
    /// An observer that calls `observe`.
    pub fn new(observe: impl Fn(&DownloadProgress<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Passes a report on.
    pub fn report(&self, progress: &DownloadProgress<'_>) {
        (self.0)(progress);
    }
}

impl fmt::Debug for ProgressObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressObserver").finish_non_exhaustive()
    }
}

impl LoadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
}
