//! From a source to a model.

use std::path::Path;
use std::sync::Arc;

use crate::architecture::Architecture;
use crate::files::folder_name;
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
            load_folder(&folder, repository_name(repo), options)
                .map_err(|error| crate::hub::named(repo, &folder, error))
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

/// Says why [`load`] cannot succeed, as far as a model's small files show. Reads neither weights nor tokenizer, and never
/// touches the network: of a hub model it judges what is in the cache. Cost: some small files are read.
///
/// # Errors
/// As [`load`]. `Ok` promises nothing: the weights may be damaged, or the hub out of reach.
///
/// ```
/// use rekall_model::{LoadOptions, ModelSource, check};
///
/// let missing = check(&ModelSource::Path("no/such/folder".into()), &LoadOptions::new());
/// assert!(missing.is_err_and(|error| error.is_permanent()));
/// ```
pub fn check(source: &ModelSource, options: &LoadOptions) -> Result<(), Error> {
    match source {
        // Microseconds: these models are used where they lie.
        ModelSource::Bundled | ModelSource::BundledV1 => load(source, options).map(drop),
        ModelSource::Path(folder) => {
            judge(folder, &folder_name(folder), options)?;
            match recognize(folder)? {
                Architecture::Static => StaticEmbedder::check_files(folder),
                #[cfg(feature = "transformer")]
                Architecture::Bert | Architecture::ModernBert => crate::BertEmbedder::check_files(folder),
                #[cfg(not(feature = "transformer"))]
                Architecture::Bert | Architecture::ModernBert => Ok(()),
            }
        }
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => crate::hub::check(repo, revision.as_deref(), options),
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

/// A hub model's name is that of its repository, without the owner's.
#[cfg(feature = "hub")]
pub(crate) fn repository_name(repo: &str) -> &str {
    repo.rsplit('/').next().unwrap_or(repo)
}

#[cfg(not(feature = "hub"))]
fn hub_is_off(source: &ModelSource) -> Error {
    Error::FeatureOff { what: format!("the model {source}"), feature: "hub" }
}

fn load_folder(folder: &Path, name: &str, options: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    match recognize(folder)? {
        Architecture::Static => Ok(Arc::new(StaticEmbedder::from_named_folder(folder, name, options)?)),
        #[cfg(feature = "transformer")]
        Architecture::Bert | Architecture::ModernBert => {
            Ok(Arc::new(crate::BertEmbedder::from_named_folder(folder, name, options)?))
        }
        #[cfg(not(feature = "transformer"))]
        Architecture::Bert | Architecture::ModernBert => Err(transformer_is_off(folder)),
    }
}

/// Says why a folder's model cannot be run, as far as its settings show. Asks for no other file, so that a download can
/// be judged before it is whole.
pub(crate) fn judge(folder: &Path, name: &str, options: &LoadOptions) -> Result<(), Error> {
    match recognize(folder)? {
        Architecture::Static => Ok(()),
        #[cfg(feature = "transformer")]
        Architecture::Bert | Architecture::ModernBert => crate::BertEmbedder::judge(folder, name, options),
        #[cfg(not(feature = "transformer"))]
        Architecture::Bert | Architecture::ModernBert => {
            let _ = (name, options);
            Err(transformer_is_off(folder))
        }
    }
}

#[cfg(not(feature = "transformer"))]
fn transformer_is_off(folder: &Path) -> Error {
    Error::FeatureOff {
        what: format!("the transformer model in {}", folder.display()),
        feature: "transformer",
    }
}

/// What a folder holds.
fn recognize(folder: &Path) -> Result<Architecture, Error> {
    match folder.metadata() {
        Err(source) => return Err(Error::io(folder, source)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(Error::invalid_file(folder, "a folder with a model's files", "a file"));
        }
        Ok(_) => {}
    }
    let config_path = folder.join("config.json");
    if !config_path.exists() && has_sentence_transformers_layout(folder) {
        return Ok(Architecture::Static);
    }
    Architecture::read(&config_path)
}
