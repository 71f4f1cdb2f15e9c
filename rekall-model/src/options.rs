//! How to load and run a model.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::Error;

/// What computes a transformer's vectors.
///
/// ```no_run
/// use rekall_model::{Device, LoadOptions, ModelSource, load};
///
/// let options = LoadOptions::new().device(Device::Cuda(0));
/// let model = load(&ModelSource::Path("models/all-MiniLM-L6-v2".into()), &options)?;
/// # Ok::<(), rekall_model::Error>(())
/// ```
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

/// What numbers a transformer's matrices are multiplied in. As text (configuration files, command lines): `f32` or `int8`.
///
/// ```no_run
/// use rekall_model::{LoadOptions, ModelSource, Precision, load};
///
/// let options = LoadOptions::new().precision(Precision::Int8);
/// let model = load(&ModelSource::Path("models/all-MiniLM-L6-v2".into()), &options)?;
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Precision {
    /// Floats of 32 bits, as the reference implementations have it.
    #[default]
    F32,
    /// Integers of eight bits: a quarter of the memory. The weights are rounded when the model is loaded, by column, and
    /// what is multiplied by them by token. Those of a hub model are kept beside its files and mapped by later loads. Vectors are
    /// near those of `F32`, and a space of their own; a text's has the same bits alone, in any batch and on any number of threads.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;

    /// ```
    /// use rekall_model::Precision;
    ///
    /// assert_eq!("int8".parse::<Precision>()?, Precision::Int8);
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "f32" => Ok(Self::F32),
            "int8" => Ok(Self::Int8),
            other => Err(Error::InvalidInput {
                what: "precision",
                expected: "f32 or int8".into(),
                got: format!("{other:?}"),
            }),
        }
    }
}

/// How to load and run a model. Every field has a default that follows the model's own files.
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use rekall_model::{Error, LoadOptions, ModelSource, load};
///
/// let options = LoadOptions::new().max_tokens(64).document_prefix("passage: ");
/// let model = load(&ModelSource::Bundled, &options)?;
/// assert!(model.max_tokens() < Some(64), "the prefix takes a part of them");
/// assert!(matches!(
///     load(&ModelSource::Bundled, &LoadOptions::new().dimensions(100)),
///     Err(Error::InvalidInput { what: "dimensions", .. })
/// ));
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
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
    /// What numbers a transformer's matrices are multiplied in; `Int8` is for transformers on the processor alone.
    /// Default: 32-bit floats.
    pub precision: Precision,
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
    /// Share one loaded transformer, or reranker, among the processes of this user that ask for the same one (feature `host`;
    /// over a Unix socket, or a named pipe of Windows, where it was never run). The first process is the host: it has the model,
    /// and threads that answer the others. Vectors and scores have the same bits as without. A host that ends costs the others a retry: one of them takes its place. Models
    /// that are not transformers on the processor are loaded as without it. Default: false.
    pub model_host: bool,
}

/// Progress of one file's download.
///
/// ```
/// use rekall_model::DownloadProgress;
///
/// fn show(progress: &DownloadProgress<'_>) {
///     println!("{}: {} %", progress.file, 100 * progress.bytes / progress.total.max(1));
/// }
///
/// show(&DownloadProgress { file: "model.safetensors", bytes: 1, total: 4 });
/// ```
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
///
/// ```no_run
/// use rekall_model::{LoadOptions, ModelSource, ProgressObserver, load};
///
/// let observer = ProgressObserver::new(|progress| println!("{}: {}", progress.file, progress.bytes));
/// let source: ModelSource = "hub:sentence-transformers/all-MiniLM-L6-v2".parse()?;
/// let model = load(&source, &LoadOptions::new().progress(observer))?;
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Clone)]
pub struct ProgressObserver(Arc<dyn Fn(&DownloadProgress<'_>) + Send + Sync>);

impl ProgressObserver {
    /// An observer that calls `observe`.
    pub fn new(observe: impl Fn(&DownloadProgress<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Passes a report on.
    ///
    /// ```
    /// use rekall_model::{DownloadProgress, ProgressObserver};
    ///
    /// let observer = ProgressObserver::new(|progress| assert_eq!(progress.total, 4));
    /// observer.report(&DownloadProgress { file: "config.json", bytes: 4, total: 4 });
    /// ```
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
    /// Refuses eight bits where there is no such code.
    pub(crate) fn check_precision(&self, is_transformer: bool) -> Result<(), Error> {
        if self.precision == Precision::F32 || (is_transformer && self.device == Device::Cpu) {
            return Ok(());
        }
        let place =
            if is_transformer { format!("device {:?}", self.device) } else { "a static model".into() };
        Err(Error::InvalidInput {
            what: "precision",
            expected: format!("{} for a transformer on the processor", Precision::Int8),
            got: format!("{} for {place}", self.precision),
        })
    }

    /// The defaults.
    ///
    /// ```
    /// use rekall_model::LoadOptions;
    ///
    /// let options = LoadOptions::new().max_threads(2).offline(true);
    /// assert_eq!((options.max_threads, options.offline), (Some(2), true));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`dimensions`](Self::dimensions).
    #[must_use]
    pub fn dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets [`max_tokens`](Self::max_tokens).
    #[must_use]
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets [`max_threads`](Self::max_threads).
    #[must_use]
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.max_threads = Some(threads);
        self
    }

    /// Sets [`device`](Self::device).
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Sets [`precision`](Self::precision).
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Sets [`query_prefix`](Self::query_prefix).
    #[must_use]
    pub fn query_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.query_prefix = Some(prefix.into());
        self
    }

    /// Sets [`document_prefix`](Self::document_prefix).
    #[must_use]
    pub fn document_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.document_prefix = Some(prefix.into());
        self
    }

    /// Sets [`progress`](Self::progress).
    #[must_use]
    pub fn progress(mut self, observer: ProgressObserver) -> Self {
        self.progress = Some(observer);
        self
    }

    /// Sets [`hub_endpoint`](Self::hub_endpoint).
    #[must_use]
    pub fn hub_endpoint(mut self, address: impl Into<String>) -> Self {
        self.hub_endpoint = Some(address.into());
        self
    }

    /// Sets [`hub_cache`](Self::hub_cache).
    #[must_use]
    pub fn hub_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.hub_cache = Some(folder.into());
        self
    }

    /// Sets [`offline`](Self::offline).
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Sets [`model_host`](Self::model_host).
    #[must_use]
    pub fn model_host(mut self, shared: bool) -> Self {
        self.model_host = shared;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_written_as_they_are_read() {
        for precision in [Precision::F32, Precision::Int8] {
            assert_eq!(precision.to_string().parse::<Precision>().unwrap(), precision);
        }
        let error = "fp16".parse::<Precision>().unwrap_err().to_string();
        assert_eq!(error, "precision: expected f32 or int8, got \"fp16\"");
    }
}
