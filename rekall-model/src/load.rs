//! From a source to a model.

use std::path::Path;
use std::sync::Arc;

use crate::architecture::Architecture;
use crate::files::folder_name;
use crate::static_model::{CURRENT, V1, has_sentence_transformers_layout};
use crate::{Embedder, Error, LoadOptions, ModelSource, Reranker, StaticEmbedder};

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
        ModelSource::Path(folder) => load_folder(folder, &folder_name(folder), None, options),
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => {
            let folder = crate::hub::folder(Purpose::Embed, repo, revision.as_deref(), options)?;
            load_folder(&folder, repository_name(repo), crate::hub::kept(&folder).as_deref(), options)
                .map_err(|error| crate::hub::named(repo, &folder, error))
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

/// Loads a reranker, from the same sources as [`load`]; there is none built in.
///
/// # Errors
/// As [`load`]; [`Error::UnsupportedModel`] for a model that is no reranker, and for the built-in models.
///
/// ```no_run
/// use rekall_model::{LoadOptions, load_reranker};
///
/// let model = load_reranker(&"hub:cross-encoder/ms-marco-MiniLM-L6-v2".parse()?, &LoadOptions::new())?;
/// let scores = model.scores("why is it slow?", &["the disk is full", "a recipe for bread"])?;
/// assert!(scores[0] > scores[1]);
/// # Ok::<(), rekall_model::Error>(())
/// ```
pub fn load_reranker(source: &ModelSource, options: &LoadOptions) -> Result<Arc<dyn Reranker>, Error> {
    match source {
        ModelSource::Bundled | ModelSource::BundledV1 => Err(no_reranker(source)),
        ModelSource::Path(folder) => load_reranker_folder(folder, &folder_name(folder), None, options),
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => {
            let folder = crate::hub::folder(Purpose::Rerank, repo, revision.as_deref(), options)?;
            load_reranker_folder(
                &folder,
                repository_name(repo),
                crate::hub::kept(&folder).as_deref(),
                options,
            )
            .map_err(|error| crate::hub::named(repo, &folder, error))
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

/// What a model is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Embed,
    Rerank,
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
            judge(Purpose::Embed, folder, &folder_name(folder), options)?;
            match recognize(folder)? {
                Architecture::Static => StaticEmbedder::check_files(folder),
                #[cfg(feature = "transformer")]
                Architecture::Transformer(_) => crate::BertEmbedder::check_files(folder),
                #[cfg(not(feature = "transformer"))]
                Architecture::Transformer(_) => Ok(()),
            }
        }
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => {
            crate::hub::check(Purpose::Embed, repo, revision.as_deref(), options)
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

/// As [`check`], of a reranker: says why [`load_reranker`] cannot succeed.
///
/// # Errors
/// As [`load_reranker`]; as [`check`] otherwise.
///
/// ```
/// use rekall_model::{ErrorKind, LoadOptions, ModelSource, check_reranker};
///
/// let refused = check_reranker(&ModelSource::Bundled, &LoadOptions::new());
/// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Unsupported));
/// ```
pub fn check_reranker(source: &ModelSource, options: &LoadOptions) -> Result<(), Error> {
    match source {
        ModelSource::Bundled | ModelSource::BundledV1 => Err(no_reranker(source)),
        ModelSource::Path(folder) => {
            recognize(folder)?;
            judge(Purpose::Rerank, folder, &folder_name(folder), options)?;
            #[cfg(feature = "transformer")]
            crate::BertEmbedder::check_files(folder)?;
            Ok(())
        }
        #[cfg(feature = "hub")]
        ModelSource::Hub { repo, revision } => {
            crate::hub::check(Purpose::Rerank, repo, revision.as_deref(), options)
        }
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { .. } => Err(hub_is_off(source)),
    }
}

fn no_reranker(source: &ModelSource) -> Error {
    Error::UnsupportedModel {
        path: source.to_string().into(),
        expected: "a reranker".into(),
        got: "a model that makes vectors".into(),
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

/// `kept`: the folder in which what is made of a transformer's files may be kept.
#[cfg_attr(
    not(feature = "transformer"),
    expect(unused_variables, reason = "of a static model nothing is made")
)]
fn load_folder(
    folder: &Path,
    name: &str,
    kept: Option<&Path>,
    options: &LoadOptions,
) -> Result<Arc<dyn Embedder>, Error> {
    match recognize(folder)? {
        Architecture::Static => Ok(Arc::new(StaticEmbedder::from_named_folder(folder, name, options)?)),
        #[cfg(feature = "transformer")]
        Architecture::Transformer(_) if options.model_host => load_shared(folder, name, kept, options),
        #[cfg(feature = "transformer")]
        Architecture::Transformer(_) => {
            Ok(Arc::new(crate::BertEmbedder::from_named_folder(folder, name, kept, options)?))
        }
        #[cfg(not(feature = "transformer"))]
        Architecture::Transformer(_) => Err(transformer_is_off(folder)),
    }
}

/// A transformer that the user's processes share.
#[cfg(feature = "host")]
fn load_shared(
    folder: &Path,
    name: &str,
    kept: Option<&Path>,
    options: &LoadOptions,
) -> Result<Arc<dyn Embedder>, Error> {
    if options.device != crate::Device::Cpu {
        return Ok(Arc::new(crate::BertEmbedder::from_named_folder(folder, name, kept, options)?));
    }
    Ok(Arc::new(crate::host::HostedEmbedder::load(folder, name, kept, options)?))
}

/// A reranker that the user's processes share.
#[cfg(feature = "host")]
fn load_shared_reranker(
    folder: &Path,
    name: &str,
    kept: Option<&Path>,
    options: &LoadOptions,
) -> Result<Arc<dyn Reranker>, Error> {
    Ok(Arc::new(crate::host::HostedReranker::load(folder, name, kept, options)?))
}

#[cfg(all(feature = "transformer", not(feature = "host")))]
fn load_shared(_: &Path, _: &str, _: Option<&Path>, _: &LoadOptions) -> Result<Arc<dyn Embedder>, Error> {
    Err(not_shared())
}

#[cfg(all(feature = "transformer", not(feature = "host")))]
fn load_shared_reranker(
    _: &Path,
    _: &str,
    _: Option<&Path>,
    _: &LoadOptions,
) -> Result<Arc<dyn Reranker>, Error> {
    Err(not_shared())
}

/// Why this build shares no model.
#[cfg(all(feature = "transformer", not(feature = "host")))]
fn not_shared() -> Error {
    Error::FeatureOff { what: "a model that processes share".into(), feature: "host" }
}

#[cfg(feature = "transformer")]
fn load_reranker_folder(
    folder: &Path,
    name: &str,
    kept: Option<&Path>,
    options: &LoadOptions,
) -> Result<Arc<dyn Reranker>, Error> {
    recognize(folder)?;
    if options.model_host {
        return load_shared_reranker(folder, name, kept, options);
    }
    Ok(Arc::new(crate::CrossEncoder::from_named_folder(folder, name, kept, options)?))
}

#[cfg(not(feature = "transformer"))]
fn load_reranker_folder(
    folder: &Path,
    _: &str,
    _: Option<&Path>,
    _: &LoadOptions,
) -> Result<Arc<dyn Reranker>, Error> {
    recognize(folder)?;
    Err(transformer_is_off(folder))
}

/// Says why a folder's model cannot be run, as far as its settings show. Asks for no other file, so that a download can
/// be judged before it is whole.
pub(crate) fn judge(purpose: Purpose, folder: &Path, name: &str, options: &LoadOptions) -> Result<(), Error> {
    #[cfg(feature = "transformer")]
    if purpose == Purpose::Rerank {
        return crate::CrossEncoder::judge(folder, options);
    }
    match recognize(folder)? {
        Architecture::Static => Ok(()),
        #[cfg(feature = "transformer")]
        Architecture::Transformer(_) => crate::BertEmbedder::judge(folder, name, options),
        #[cfg(not(feature = "transformer"))]
        Architecture::Transformer(_) => {
            let _ = (purpose, name, options);
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
