//! Models of the Hugging Face hub, through its ordinary cache folder.
//!
//! hf-hub 0.5 rather than 1.x: it is blocking, over `ureq`; 1.x is asynchronous on tokio and would bring a
//! runtime into every host. Both use the same folder, as do the Python tools.
//!
//! The weights are fetched last. So where they are in the cache, all else was fetched before, and a download
//! that was cut short is never taken for a whole model (the same holds inside a file: it appears under its
//! name only when complete). Other programs fetch a few files only, such as a transformer without its
//! pooling. Such a snapshot is completed, or refused where the network may not be touched, rather than
//! guessed about; what the hub is known not to have is noted as the Python tools do, by empty files under
//! `.no_exist`.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::architecture::Architecture;
use crate::files::{self, MAX_SETTINGS_BYTES, MAX_WEIGHTS_BYTES};
use crate::load::{self, Purpose};
use crate::shards::{INDEX, Index};
use crate::{DownloadProgress, Error, LoadOptions};

/// Says what the model is.
const CONFIG: &str = "config.json";

/// Says it of a static model without a `config.json`.
const SENTENCE_TRANSFORMERS: &str = "config_sentence_transformers.json";

/// Files that a model may have beside its weights and tokenizer, in the order in which they are fetched.
const SETTINGS: [&str; 7] = [
    CONFIG,
    "modules.json",
    POOLING,
    "sentence_bert_config.json",
    SENTENCE_TRANSFORMERS,
    "tokenizer_config.json",
    "0_StaticEmbedding/config.json",
];

/// Whether a name is that of a file in the folder of a dense module, such as `2_Dense/config.json`.
fn is_of_dense_module(name: &str, file: &str) -> bool {
    name.split_once('/').is_some_and(|(folder, rest)| folder.ends_with("_Dense") && rest == file)
}

/// Says how token vectors are pooled.
const POOLING: &str = "1_Pooling/config.json";

/// Places where the weights may be in one file; a transformer's may also be in several, which [`INDEX`] names.
const WEIGHTS: [&str; 2] = ["model.safetensors", "0_StaticEmbedding/model.safetensors"];

/// The folder that holds a hub model's files, downloaded if they are not there yet.
///
/// # Errors
/// [`Error::Unavailable`] if they are not cached and cannot be downloaded now, [`Error::Refused`] if the hub does not
/// have or give them; [`Error::UnsupportedModel`] and [`Error::MissingFile`], before the weights are downloaded, for a
/// model that cannot be run; [`Error::BrokenDownload`] for a download that is not what the hub says.
pub(crate) fn folder(
    purpose: Purpose,
    repo: &str,
    revision: Option<&str>,
    options: &LoadOptions,
) -> Result<PathBuf, Error> {
    let place = CachePlace::of(repo, revision, options)?;
    let CachePlace { cache, wanted, .. } = &place;
    let found = place.complete();
    match &found {
        // Rerankers have one way of pooling.
        Some(folder) if purpose == Purpose::Rerank || declares_pooling(folder) => return Ok(folder.clone()),
        Some(folder) if options.offline => {
            let place = folder.display();
            return Err(unavailable(
                repo,
                format!(
                    "its copy in {place} lacks {POOLING}, by another program's partial download or because the \
                     model has none, and offline was asked for; load it once with the network, or as a folder"
                ),
            ));
        }
        // One that was refused before is refused without asking the hub.
        None => place.judge_config()?,
        Some(_) => {}
    }
    if options.offline {
        let place = cache.path().display();
        return Err(unavailable(repo, format!("it is not in the cache {place}, and offline was asked for")));
    }
    // Missing files have to come from the commit of those that are there.
    let commit = found.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let fetched = match commit {
        Some(commit) => Repo::with_revision(repo.to_owned(), RepoType::Model, commit.to_owned()),
        None => wanted.clone(),
    };
    read_note(&cache.token_path())?;
    let token = cache.token();
    let mut builder = ApiBuilder::from_cache(cache.clone()).with_token(token).with_progress(false);
    let endpoint = options.hub_endpoint.clone().or_else(|| std::env::var("HF_ENDPOINT").ok());
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let api = builder.build().map_err(|error| failed(repo, error))?.repo(fetched.clone());
    let offered = api.info().map_err(|error| failed(repo, error))?.siblings;
    let offered: Vec<&str> = offered.iter().map(|file| file.rfilename.as_str()).collect();
    let download = Download { purpose, repo, api, cache: cache.repo(fetched), found, options };
    let folder = download.all(&offered)?;
    for name in ["modules.json", POOLING].into_iter().filter(|name| !offered.contains(name)) {
        mark_absent(&folder, name);
    }
    Ok(folder)
}

/// Where things are kept that are made of a snapshot's files: beside them in the cache, so that they go with the model.
pub(crate) fn kept(snapshot: &Path) -> Option<PathBuf> {
    Some(snapshot.parent()?.parent()?.join("rekall"))
}

/// Judges what the cache has of a hub model, without the network.
pub(crate) fn check(
    purpose: Purpose,
    repo: &str,
    revision: Option<&str>,
    options: &LoadOptions,
) -> Result<(), Error> {
    let place = CachePlace::of(repo, revision, options)?;
    match place.complete() {
        Some(folder) => judge(purpose, repo, &folder, options),
        None => place.judge_config(),
    }
}

fn judge(purpose: Purpose, repo: &str, folder: &Path, options: &LoadOptions) -> Result<(), Error> {
    let name = load::repository_name(repo);
    load::judge(purpose, folder, name, options).map_err(|error| named(repo, folder, error))
}

/// Names the repository where a model of it is refused, rather than a place in the cache.
pub(crate) fn named(repo: &str, folder: &Path, error: Error) -> Error {
    match error {
        Error::UnsupportedModel { path, expected, got } => {
            let path = match path.strip_prefix(folder) {
                Ok(file) => Path::new(&format!("hub:{repo}")).join(file),
                Err(_) => path,
            };
            Error::UnsupportedModel { path, expected, got }
        }
        other => other,
    }
}

/// Where a revision of a repository is in the cache, or would be.
struct CachePlace<'a> {
    repo: &'a str,
    revision: &'a str,
    cache: Cache,
    wanted: Repo,
}

impl<'a> CachePlace<'a> {
    fn of(repo: &'a str, revision: Option<&'a str>, options: &LoadOptions) -> Result<Self, Error> {
        let named = std::env::var_os("HF_HUB_CACHE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let cache = match options.hub_cache.clone().or(named) {
            Some(folder) => Cache::new(folder),
            // `Cache::default` panics without a home folder.
            None if std::env::var_os("HF_HOME").is_none() && std::env::home_dir().is_none() => {
                return Err(unavailable(
                    repo,
                    "no cache folder: neither HF_HUB_CACHE, HF_HOME nor a home folder is set",
                ));
            }
            None => Cache::from_env(),
        };
        let revision = revision.unwrap_or("main");
        let wanted = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
        check_reference(&cache.path().join(wanted.folder_name()).join("refs").join(revision))?;
        Ok(Self { repo, revision, cache, wanted })
    }

    /// The snapshot's folder, if it is complete. Asks the hub nothing, not even for a newer revision.
    fn complete(&self) -> Option<PathBuf> {
        let complete = |folder: &Path| {
            let in_one = WEIGHTS.into_iter().map(|name| folder.join(name)).find(|weights| weights.exists());
            let index = || Some(folder.join(INDEX)).filter(|index| index.exists() && has_all(index));
            let weights = in_one.or_else(index);
            weights.is_some_and(|weights| weights.with_file_name("tokenizer.json").exists())
        };
        self.snapshots().into_iter().find(|folder| complete(folder))
    }

    /// The folders that may hold the revision. A branch or tag is a reference to a commit; a commit names its snapshot
    /// itself.
    fn snapshots(&self) -> Vec<PathBuf> {
        let repo = self.cache.repo(self.wanted.clone());
        let by_name = repo.get("config.json").and_then(|file| file.parent().map(Path::to_owned));
        by_name.into_iter().chain([repo.pointer_path(self.revision)]).collect()
    }

    /// Refuses an architecture that is not known, if a `config.json` is there that says so.
    fn judge_config(&self) -> Result<(), Error> {
        let has_config = |folder: &PathBuf| folder.join(CONFIG).exists();
        match self.snapshots().into_iter().find(has_config) {
            Some(folder) => judge_config(self.repo, &folder.join(CONFIG)).map(drop),
            None => Ok(()),
        }
    }
}

fn judge_config(repo: &str, config: &Path) -> Result<Architecture, Error> {
    let folder = config.parent().unwrap_or(config);
    Architecture::read(config).map_err(|error| named(repo, folder, error))
}

/// Whether all files that an index names are beside it. One that cannot be read has nothing to wait for: the loader refuses it.
fn has_all(index: &Path) -> bool {
    Index::read(index)
        .map_or(true, |found| found.files().iter().all(|file| index.with_file_name(file).exists()))
}

/// Largest small file read from the cache, in bytes: the name of a commit, or a token.
const MAX_NOTE_BYTES: u64 = 4096;

/// A small file of the cache, if it is there. hf-hub opens these whatever they are, and would wait for a pipe
/// forever.
fn read_note(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match path.metadata() {
        // A folder (of branches with a common prefix) is no reference, and neither is what cannot be seen.
        Ok(metadata) if !metadata.is_dir() => files::read(path, MAX_NOTE_BYTES).map(Some),
        _ => Ok(None),
    }
}

/// Refuses a reference to anything but a snapshot, because its text becomes a part of paths.
fn check_reference(path: &Path) -> Result<(), Error> {
    let Some(commit) = read_note(path)? else { return Ok(()) };
    let text = String::from_utf8_lossy(&commit);
    let mut parts = Path::new(&*text).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(()),
        _ => Err(Error::invalid_file(path, "the name of a commit", format!("{text:?}"))),
    }
}

/// Whether a snapshot says how its token vectors are pooled, or is known not to say.
fn declares_pooling(folder: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        model_type: Option<String>,
    }
    // The loader refuses what cannot be read.
    let kind = files::read(&folder.join("config.json"), MAX_SETTINGS_BYTES).ok();
    let kind = kind.and_then(|json| serde_json::from_slice::<Kind>(&json).ok()).and_then(|k| k.model_type);
    // Static models have one way of pooling; the loader refuses everything else.
    !kind.as_deref().is_some_and(Architecture::is_pooled)
        || folder.join(POOLING).exists()
        // Each repository has this file, and only a complete download contains it.
        || folder.join(".gitattributes").exists()
        || [POOLING, "modules.json"]
            .iter()
            .any(|name| absence_marker(folder, name).is_some_and(|path| path.exists()))
}

/// Where it is noted that the hub has no such file.
fn absence_marker(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(folder.parent()?.parent()?.join(".no_exist").join(folder.file_name()?).join(name))
}

fn mark_absent(folder: &Path, name: &str) {
    if let Some(path) = absence_marker(folder, name)
        && let Some(parent) = path.parent()
    {
        // If the cache is not writable, the hub is asked again next time.
        drop(std::fs::create_dir_all(parent).and_then(|()| std::fs::write(path, [])));
    }
}

struct Download<'a> {
    purpose: Purpose,
    repo: &'a str,
    api: ApiRepo,
    cache: CacheRepo,
    /// A snapshot that lacks some files.
    found: Option<PathBuf>,
    options: &'a LoadOptions,
}

impl Download<'_> {
    /// Fetches what is missing of a model, the weights last, and gives the snapshot's folder. The architecture is judged
    /// as soon as `config.json` is there, the settings before the weights are fetched.
    fn all(&self, offered: &[&str]) -> Result<PathBuf, Error> {
        let offers = |name: &str| offered.contains(&name);
        let architecture = match offers(CONFIG) {
            true => judge_config(self.repo, &self.file(CONFIG)?)?,
            false if offers(SENTENCE_TRANSFORMERS) => Architecture::Static,
            false => return Err(self.missing(CONFIG, "the file that says what the model is")),
        };
        let in_one = WEIGHTS.into_iter().find(|name| offers(name));
        let may_be_several = architecture != Architecture::Static && offers(INDEX);
        let Some(weights) = in_one.or_else(|| may_be_several.then_some(INDEX)) else {
            let mut names = offered.to_vec();
            names.sort_unstable();
            names.truncate(20);
            return Err(Error::UnsupportedModel {
                path: Path::new("hub:").join(self.repo),
                expected: "a repository with model.safetensors, or its index".into(),
                got: names.join(", "),
            });
        };
        let folder = weights.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let tokenizer = format!("{folder}tokenizer.json");
        if !offers(&tokenizer) {
            return Err(self.missing(&tokenizer, "the tokenizer beside the weights"));
        }
        let dense =
            |file: &'static str| offered.iter().copied().filter(move |name| is_of_dense_module(name, file));
        for name in SETTINGS.into_iter().filter(|name| offers(name)).chain(dense(CONFIG)) {
            self.file(name)?;
        }
        if offers(CONFIG)
            && let Some(folder) = self.file(CONFIG)?.parent()
        {
            judge(self.purpose, self.repo, folder, self.options)?;
        }
        self.file(&tokenizer)?;
        for name in dense("model.safetensors") {
            self.file(name)?;
        }
        let pointer = self.file(weights)?;
        if weights == INDEX {
            self.named_files(&Index::read(&pointer)?, offered)?;
        }
        let depth = Path::new(weights).components().count();
        let folder = pointer.ancestors().nth(depth).filter(|_| pointer.exists());
        folder.map(Path::to_owned).ok_or_else(|| unavailable(self.repo, "the cache lost a file just written"))
    }

    /// Fetches the files of weights that an index names.
    fn named_files(&self, index: &Index, offered: &[&str]) -> Result<(), Error> {
        if let Some(file) = index.files().into_iter().find(|file| !offered.contains(file)) {
            return Err(self.missing(file, "a file of weights that the index names"));
        }
        index.files().into_iter().try_for_each(|file| self.file(file).map(drop))
    }

    fn missing(&self, name: &str, expected: &str) -> Error {
        Error::MissingFile {
            path: Path::new(&format!("hub:{}", self.repo)).join(name),
            expected: expected.into(),
        }
    }

    /// A file's place in the cache, where it is fetched to if it is not there.
    fn file(&self, name: &str) -> Result<PathBuf, Error> {
        if let Some(here) = self.found.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists()) {
            return Ok(here);
        }
        if let Some(here) = self.cache.get(name) {
            return Ok(here);
        }
        let observer = DownloadReporter { options: self.options, file: name.to_owned(), bytes: 0, total: 0 };
        let pointer =
            self.api.download_with_progress(name, observer).map_err(|error| failed(self.repo, error))?;
        verify_digest(&pointer).inspect_err(|_| remove(&pointer))?;
        Ok(pointer)
    }
}

/// The hub names large files by their SHA-256 and small ones as git does, by the SHA-1 of a header and the
/// bytes; the cache keeps each under that name.
fn verify_digest(pointer: &Path) -> Result<(), Error> {
    let blob = pointer.canonicalize().map_err(|source| Error::io(pointer, source))?;
    let name = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_digest = name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let (kind, got) = match name.len() {
        64 if is_digest => ("SHA-256", digest_of(&blob, Sha256::new())?),
        40 if is_digest => {
            let length = blob.metadata().map_err(|source| Error::io(&blob, source))?.len();
            ("git SHA-1", digest_of(&blob, Sha1::new_with_prefix(format!("blob {length}\0")))?)
        }
        // A mirror may name blobs in its own way; a file that does not parse is refused by the loader.
        _ => return Ok(()),
    };
    if got == name {
        return Ok(());
    }
    let expected = format!("{kind} {name}, as the hub says");
    Err(Error::BrokenDownload { path: pointer.to_owned(), expected, got })
}

/// A digest of what `hasher` has seen and a file, in hexadecimal.
fn digest_of(path: &Path, mut hasher: impl Digest) -> Result<String, Error> {
    let mut file = files::open(path, MAX_WEIGHTS_BYTES)?.0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|source| Error::io(path, source))? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes a file that proved wrong out of the cache, so that it is not used and the next attempt fetches it
/// again.
fn remove(pointer: &Path) {
    let blob = pointer.canonicalize();
    // The error that led here is the one to report.
    drop(std::fs::remove_file(pointer));
    if let Ok(blob) = blob {
        drop(std::fs::remove_file(blob));
    }
}

/// Passes a download's progress to the observer.
struct DownloadReporter<'a> {
    options: &'a LoadOptions,
    file: String,
    bytes: u64,
    total: u64,
}

impl DownloadReporter<'_> {
    fn report(&self) {
        if let Some(observer) = &self.options.progress {
            let Self { file, bytes, total, .. } = self;
            observer.report(&DownloadProgress { file, bytes: *bytes, total: *total });
        }
    }
}

impl Progress for DownloadReporter<'_> {
    fn init(&mut self, size: usize, _: &str) {
        self.bytes = 0;
        self.total = size as u64;
    }

    fn update(&mut self, size: usize) {
        self.bytes += size as u64;
        // The end is reported once, by `finish`.
        if size > 0 && self.bytes < self.total {
            self.report();
        }
    }

    fn finish(&mut self) {
        self.report();
    }
}

fn unavailable(repo: &str, reason: impl Into<String>) -> Error {
    Error::Unavailable { repo: repo.to_owned(), reason: reason.into(), source: None }
}

fn failed(repo: &str, error: ApiError) -> Error {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let status = line.split_once("status: ").and_then(|(_, status)| status.get(..3));
    let refused = match status {
        Some("404" | "410") => "the hub has no such model, revision or file",
        Some("401" | "403") => "the hub has no such model, or it needs a token that grants access",
        _ => {
            let (repo, reason) = (repo.to_owned(), line.to_owned());
            return Error::Unavailable { repo, reason, source: Some(Box::new(error)) };
        }
    };
    Error::Refused { repo: repo.to_owned(), reason: refused.into(), source: Some(Box::new(error)) }
}
