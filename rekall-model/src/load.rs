//! From a source to a model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::read_json;
use crate::static_model::has_sentence_transformers_layout;
use crate::{Embedder, Error, ModelSource, StaticEmbedder};

/// How to load and run a model. Every field has a default that follows the model's own files.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Keep only the first so many dimensions, then normalise. Allowed only where the model
    /// declares that its vectors may be cut so (Matryoshka). Default: all.
    pub dimensions: Option<usize>,
    /// Cut texts at fewer tokens than the model's own limit. Default: the model's limit.
    pub max_tokens: Option<usize>,
    /// Most threads one call may use, the caller's included. Default: 1, as a library is a guest.
    pub max_threads: Option<usize>,
    /// Text put before each query. Default: what the model's files say.
    pub query_prefix: Option<String>,
    /// Text put before each document. Default: what the model's files say.
    pub document_prefix: Option<String>,
    /// Folder of the hub's cache. Default: the one all hub tools share.
    pub hub_cache: Option<PathBuf>,
    /// Never touch the network: a hub model is read from the cache or refused. Default: false.
    pub offline: bool,
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
/// [`ModelSource::Bundled`]; reading and hashing all files for the others (about 0.1 s for 90 MB).
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
        ModelSource::Path(folder) => load_folder(folder, options),
        ModelSource::Hub { .. } => {
            Err(Error::FeatureOff { what: format!("the model {source}"), feature: "hub" })
        }
    }
}

/// Recognises what a folder holds and loads it.
fn load_folder(folder: &Path, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match folder.metadata() {
        Err(source) => return Err(Error::io(folder, source)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(Error::bad_file(folder, "a folder with a model's files", "a file"));
        }
        Ok(_) => {}
    }
    let config_path = folder.join("config.json");
    if !config_path.exists() && has_sentence_transformers_layout(folder) {
        return Ok(Arc::new(StaticEmbedder::from_folder(folder, options)?));
    }
    let config: Architecture = read_json(&config_path)?;
    match config.model_type.as_deref() {
        Some("model2vec") => Ok(Arc::new(StaticEmbedder::from_folder(folder, options)?)),
        Some("bert" | "xlm-roberta") => Err(Error::FeatureOff {
            what: format!("the transformer model in {}", folder.display()),
            feature: "candle",
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
