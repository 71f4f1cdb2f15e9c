//! From a source to a model.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{folder_name, read_json};
use crate::static_model::has_sentence_transformers_layout;
use crate::{Embedder, Error, ModelSource, StaticEmbedder};

/// What computes a transformer's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// The processor, with this crate's own code: the fastest there.
    #[default]
    Cpu,
    /// The processor, with candle (feature `candle`): for its features `mkl` and `accelerate`.
    CandleCpu,
    /// An NVIDIA graphics card by number (feature `cuda`).
    Cuda(usize),
    /// An Apple one (feature `metal`).
    Metal(usize),
}

/// How to load and run a model. Every field has a default that follows the model's own files.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Keep only the first so many dimensions, then normalise. Allowed only where the model
    /// declares that its vectors may be cut so (Matryoshka). Default: all.
    pub dimensions: Option<usize>,
    /// Cut texts at fewer tokens than the model's own limit; a prefix's tokens count, special ones do
    /// not. Default: the model's limit.
    pub max_tokens: Option<usize>,
    /// Most threads one call may use, the caller's included. Default: 1, as a library is a guest. With more, a
    /// transformer keeps the others asleep between calls until it is dropped.
    pub max_threads: Option<usize>,
    /// What computes a transformer. Default: this crate's own code on the processor.
    pub device: Device,
    /// Text put before each query. Default: what the model's files say.
    pub query_prefix: Option<String>,
    /// Text put before each document. Default: what the model's files say.
    pub document_prefix: Option<String>,
    /// Told how a download comes along. Default: nobody.
    pub progress: Option<ProgressObserver>,
    /// Address of the hub or a mirror. Default: the environment's `HF_ENDPOINT`, else the public hub.
    pub hub_endpoint: Option<String>,
    /// Folder of the hub's cache. Default: the one all hub tools share, `HF_HUB_CACHE`, else `hub` in `HF_HOME`,
    /// else in `~/.cache/huggingface`.
    pub hub_cache: Option<PathBuf>,
    /// Never touch the network: a hub model is read from the cache or refused. Default: false.
    pub offline: bool,
}

/// How far a file's download has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadProgress<'a> {
    /// The file's name in its repository.
    pub file: &'a str,
    /// Bytes here.
    pub bytes: u64,
    /// Bytes in all; equal to `bytes` exactly once, at the end.
    pub total: u64,
}

/// Receives [`DownloadProgress`], on the loading thread.
#[derive(Clone)]
pub struct ProgressObserver(Arc<dyn Fn(&DownloadProgress<'_>) + Send + Sync>);

impl ProgressObserver {
    /// An observer that calls `tell`.
    pub fn new(tell: impl Fn(&DownloadProgress<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Passes a report on.
    pub fn tell(&self, progress: &DownloadProgress<'_>) {
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

/// Loads a model.
///
/// A folder is recognised by its `config.json` and weights. Cost: nothing to speak of for
/// [`ModelSource::Bundled`]; reading and hashing all files for the others, with a look at each number whether it is
/// finite (about 0.1 s for 90 MB).
///
/// # Errors
/// [`Error::MissingFile`], [`Error::BadFile`] or [`Error::UnsupportedModel`] naming the file, what was
/// expected and what was got; [`Error::FeatureOff`]; [`Error::InvalidInput`] for an option that the
/// model cannot honour. Nothing stays loaded after an error.
pub fn load(source: &ModelSource, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match source {
        #[cfg(feature = "bundled-model")]
        ModelSource::Bundled => Ok(Arc::new(StaticEmbedder::bundled(options)?)),
        #[cfg(not(feature = "bundled-model"))]
        ModelSource::Bundled => {
            Err(Error::FeatureOff { what: "the bundled model".into(), feature: "bundled-model" })
        }
        ModelSource::Path(folder) => load_folder(folder, &folder_name(folder), options),
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => {
            let folder = crate::hub::folder(repo, revision.as_deref(), options)?;
            let name = repo.rsplit('/').next().unwrap_or(repo);
            load_folder(&folder, name, options)
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => {
            Err(Error::FeatureOff { what: format!("the model {source}"), feature: "hub" })
        }
    }
}

/// Recognises what a folder holds and loads it.
fn load_folder(folder: &Path, name: &str, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match folder.metadata() {
        Err(source) => return Err(Error::io(folder, source)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(Error::bad_file(folder, "a folder with a model's files", "a file"));
        }
        Ok(_) => {}
    }
    let config_path = folder.join("config.json");
    if !config_path.exists() && has_sentence_transformers_layout(folder) {
        return Ok(Arc::new(StaticEmbedder::from_named_folder(folder, name, options)?));
    }
    let config: Architecture = read_json(&config_path)?;
    match config.model_type.as_deref() {
        Some("model2vec") => Ok(Arc::new(StaticEmbedder::from_named_folder(folder, name, options)?)),
        #[cfg(feature = "transformer")]
        Some("bert" | "xlm-roberta" | "roberta") => {
            Ok(Arc::new(crate::BertEmbedder::from_named_folder(folder, name, options)?))
        }
        #[cfg(not(feature = "transformer"))]
        Some("bert" | "xlm-roberta" | "roberta") => Err(Error::FeatureOff {
            what: format!("the transformer model in {}", folder.display()),
            feature: "transformer",
        }),
        other => Err(Error::UnsupportedModel {
            path: config_path,
            expected: "model_type model2vec, bert or xlm-roberta".into(),
            got: other.map_or_else(|| "none".into(), |name| format!("{name:?}")),
        }),
    }
}

/// The part of `config.json` that says what the model is.
#[derive(serde::Deserialize)]
struct Architecture {
    #[serde(default)]
    model_type: Option<String>,
}
