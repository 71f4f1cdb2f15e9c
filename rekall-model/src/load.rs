//! From a source to a model.

use std::path::Path;
use std::sync::Arc;

use crate::files::{folder_name, read_json};
use crate::static_model::{CURRENT, V1, has_sentence_transformers_layout};
use crate::{Embedder, Error, LoadOptions, ModelSource, StaticEmbedder};

/// Loads a model.
///
/// A folder is recognized by its `config.json` and weights. Cost: microseconds for the bundled models.
/// For the others all files are read and hashed, and each number of the weights is checked to be finite.
///
/// # Errors
/// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::UnsupportedModel`] naming the file, what was
/// expected and what was got; [`Error::FeatureOff`]; [`Error::InvalidInput`] for an option that the
/// model cannot honor. Nothing stays loaded after an error.
///
/// ```
/// use rekall_model::{ErrorKind, LoadOptions, ModelSource, load};
///
/// let missing = load(&ModelSource::Path("no/such/folder".into()), &LoadOptions::new());
/// assert_eq!(missing.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
/// ```
///
/// A hub model is downloaded at the first load, and read from the cache afterwards:
///
/// ```no_run
/// use rekall_model::{LoadOptions, ModelSource, load};
///
/// let source: ModelSource = "hub:intfloat/multilingual-e5-small".parse()?;
/// let model = load(&source, &LoadOptions::new().max_threads(2))?;
/// assert_eq!(model.dimensions(), 384);
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub fn load(source: &ModelSource, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match source {
        ModelSource::Bundled => Ok(Arc::new(StaticEmbedder::from_bundled(&CURRENT, options)?)),
        ModelSource::BundledV1 => Ok(Arc::new(StaticEmbedder::from_bundled(&V1, options)?)),
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

/// Recognizes what a folder holds and loads it.
fn load_folder(folder: &Path, name: &str, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match folder.metadata() {
        Err(source) => return Err(Error::io(folder, source)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(Error::invalid_file(folder, "a folder with a model's files", "a file"));
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
