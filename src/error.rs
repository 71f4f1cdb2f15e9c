//! Errors of the whole library.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// What went wrong. The message says what was expected and what was got; [`kind`](Self::kind) is for code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The query holds nothing to search for; or is a vector alone, where its text is needed for words or a reranker.
    #[error("the query is empty")]
    EmptyQuery,
    /// The query is longer than any text that somebody searches by.
    #[error("the query is too long: at most {max} bytes, got {got}")]
    QueryTooLong {
        /// The most bytes of UTF-8.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// The query holds nothing that the model knows, and only meaning was asked for.
    #[error("the query holds no word that the model knows")]
    UnknownQuery,
    /// A limit of no hits, or of more than anybody can read.
    #[error("limit must be 1 to {max}, got {got}")]
    InvalidLimit {
        /// The largest limit.
        max: usize,
        /// What was given.
        got: usize,
    },
    /// A threshold that is not a similarity.
    #[error("threshold must be -1 to 1, got {got}")]
    InvalidThreshold {
        /// What was given.
        got: f32,
    },
    /// Weights out of range.
    #[error("weights must be 0 to {max}, got {semantic:e} and {text:e}")]
    InvalidWeights {
        /// The largest weight.
        max: f64,
        /// Weight of meaning.
        semantic: f64,
        /// Weight of words.
        text: f64,
    },
    /// Recency that no age can be measured by.
    #[error("the half-life must be longer than 0 and the floor 0 to 1, got {half_life:?} and {floor}")]
    InvalidRecency {
        /// The half-life given.
        half_life: Duration,
        /// The floor given.
        floor: f64,
    },
    /// A share of relevance that is none.
    #[error("diversity's lambda must be 0 to 1, got {got}")]
    InvalidDiversity {
        /// What was given.
        got: f64,
    },
    /// More hits to be re-ranked than anybody waits for.
    #[error("rerank must be 0 to {max}, got {got}")]
    InvalidRerank {
        /// The most hits.
        max: usize,
        /// What was given.
        got: usize,
    },
    /// A search asks for its hits to be re-ranked, and no reranker was chosen when the memory was opened.
    #[error(
        "no reranker to re-rank hits with: name one when opening (Builder::reranker, source in [reranker] of the settings), such \
         as hub:cross-encoder/ms-marco-MiniLM-L6-v2"
    )]
    NoReranker,
    /// A vector with the wrong number of components.
    #[error("vector must have {expected} components, got {got}")]
    VectorLength {
        /// Dimensions of the space.
        expected: usize,
        /// Components given.
        got: usize,
    },
    /// A vector that has no direction.
    #[error("vector must be finite and not zero, got {problem}")]
    VectorValue {
        /// What is wrong with it.
        problem: String,
    },
    /// The vectors in the file were made by another model.
    #[error(
        "the file's vectors were made by {}, the model given is {}{}",
        short(stored),
        short(requested),
        advice(stored)
    )]
    ModelMismatch {
        /// Fingerprint of the active space.
        stored: String,
        /// Fingerprint of the model.
        requested: String,
    },
    /// Meaning was asked for, and there is no model to embed the query.
    #[error("no model to embed text with")]
    NoModel,
    /// The entry has no vector to compare others with.
    #[error("the entry {id} has no vector yet")]
    NotEmbedded {
        /// The entry.
        id: crate::EntryId,
    },
    /// A folder or file to be synchronized with that is not there, or cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Folder {
        /// As it was given.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// JSON that does not say what a synchronization found.
    #[error("expected sources in JSON: {problem}")]
    SourcesJson {
        /// What is wrong with it.
        problem: String,
    },
    /// An entry without a key where one is needed.
    #[error("the entry's metadata must have a text or a number under {field:?}, by which it is found again")]
    UpsertKey {
        /// The metadata's key that was named.
        field: String,
    },
    /// A key that is not one entry's alone.
    #[error("{entries} entries have the same value under {field:?} of their metadata")]
    AmbiguousKey {
        /// The metadata's key that was named.
        field: String,
        /// How many entries have that value.
        entries: usize,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A newer search of the same key was begun.
    #[error("superseded by a newer search of the key {key:?}")]
    Superseded {
        /// The key given.
        key: String,
    },
    /// This build lacks what was asked for.
    #[error("{what} is not in this build: it needs the feature {feature}")]
    NotBuilt {
        /// What was asked for.
        what: &'static str,
        /// The Cargo feature that brings it.
        feature: &'static str,
    },
    /// One of the operations of a [`Batch`](crate::Batch) failed, and with it all of them.
    #[error("operation {number}: {source}")]
    Operation {
        /// Which one, from 0.
        number: usize,
        /// What went wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Storage failed or refused.
    #[error(transparent)]
    Core(rekall_core::Error),
    /// The model failed or is not available; [`rekall_model::Error::is_permanent`] says whether for good.
    #[error(transparent)]
    Model(rekall_model::Error),
    /// Vector search failed.
    #[error(transparent)]
    Index(rekall_index::Error),
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type: the message names place and key.
    #[error("{}", message.trim_end())]
    Syntax {
        /// What the parser said.
        message: String,
    },
    /// A value that the key does not have.
    #[error("{key} must be {expected}, got {got:?}")]
    UnknownValue {
        /// The key.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        got: String,
    },
}

/// A fingerprint's name and how much of the rest tells two models of one name apart; the whole of it is for
/// programs.
fn short(fingerprint: &str) -> String {
    match rekall_model::Fingerprint::parse(fingerprint) {
        Ok(parsed) => parsed.short(),
        Err(_) => fingerprint.to_owned(),
    }
}

/// What to do with the vectors of a former built-in model.
fn advice(stored: &str) -> &'static str {
    let of_bundled = rekall_model::Fingerprint::parse(stored).ok().and_then(|stored| stored.bundled_model());
    match of_bundled {
        Some(source) if source != rekall_model::ModelSource::Bundled => {
            "; the former is the built-in model of an earlier version: reembed makes vectors of the latter, and until \
             then a build with the feature bundled-model-v1, or that model from its folder, searches by meaning"
        }
        _ => "",
    }
}

/// A small, stable classification of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's value is empty, too long, out of range or malformed.
    InvalidInput,
    /// No entry, link, file or space of that name.
    NotFound,
    /// Another writer held the file longer than the time-out.
    Busy,
    /// The operating system refused to read or write, or the file was moved away or replaced while it was
    /// open.
    Io,
    /// The disk, or a limit on the file's size, is full.
    Full,
    /// The file, its folder or the store is read-only.
    ReadOnly,
    /// The file is damaged.
    Corrupt,
    /// The path holds something else than a rekall file.
    NotADatabase,
    /// The file was written by a newer version.
    NewerVersion,
    /// The file was written by the Python tool.
    LegacyFile,
    /// A vector has the wrong length or bad components.
    InvalidVector,
    /// The file's vectors were made by another model.
    ModelMismatch,
    /// There is no model, or it cannot be had now: trying again later may succeed.
    ModelUnavailable,
    /// The model cannot be used until somebody changes it: it is missing, broken or refused by the hub. One of a kind that
    /// this build does not run is [`Unsupported`](Self::Unsupported).
    InvalidModel,
    /// This build or machine lacks what was asked for.
    Unsupported,
    /// The caller asked to stop, or a newer search of the same key was begun.
    Interrupted,
    /// No memory was left, or less than SQLite was allowed.
    OutOfMemory,
    /// A bug in this library.
    Internal,
}

impl Error {
    /// The error's class.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyQuery
            | Self::QueryTooLong { .. }
            | Self::UnknownQuery
            | Self::InvalidLimit { .. }
            | Self::InvalidThreshold { .. }
            | Self::InvalidWeights { .. }
            | Self::SourcesJson { .. }
            | Self::InvalidRecency { .. }
            | Self::InvalidDiversity { .. }
            | Self::InvalidRerank { .. }
            | Self::NoReranker
            | Self::UpsertKey { .. }
            | Self::AmbiguousKey { .. }
            | Self::Config(_) => ErrorKind::InvalidInput,
            Self::VectorLength { .. } | Self::VectorValue { .. } => ErrorKind::InvalidVector,
            Self::ModelMismatch { .. } => ErrorKind::ModelMismatch,
            Self::NoModel => ErrorKind::ModelUnavailable,
            Self::Folder { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Folder { .. } => ErrorKind::Io,
            Self::NotEmbedded { .. } => ErrorKind::NotFound,
            Self::Interrupted | Self::Superseded { .. } => ErrorKind::Interrupted,
            Self::NotBuilt { .. } => ErrorKind::Unsupported,
            Self::Operation { source, .. } => source.kind(),
            Self::Core(error) => of_core(error.kind()),
            Self::Model(error) => of_model(error),
            Self::Index(error) => of_index(error.kind()),
        }
    }
}

fn of_core(kind: rekall_core::ErrorKind) -> ErrorKind {
    use rekall_core::ErrorKind as Core;
    match kind {
        Core::InvalidInput => ErrorKind::InvalidInput,
        Core::NotFound => ErrorKind::NotFound,
        Core::Busy => ErrorKind::Busy,
        Core::Io => ErrorKind::Io,
        Core::Full => ErrorKind::Full,
        Core::ReadOnly => ErrorKind::ReadOnly,
        Core::Corrupt => ErrorKind::Corrupt,
        Core::NotADatabase => ErrorKind::NotADatabase,
        Core::NewerVersion => ErrorKind::NewerVersion,
        Core::LegacyFile => ErrorKind::LegacyFile,
        Core::InvalidVector => ErrorKind::InvalidVector,
        Core::SpaceMismatch => ErrorKind::ModelMismatch,
        Core::Interrupted => ErrorKind::Interrupted,
        Core::OutOfMemory => ErrorKind::OutOfMemory,
        Core::Unsupported => ErrorKind::Unsupported,
        Core::Internal => ErrorKind::Internal,
        _ => ErrorKind::Internal,
    }
}

fn of_model(error: &rekall_model::Error) -> ErrorKind {
    use rekall_model::ErrorKind as Model;
    match error.kind() {
        Model::Unembeddable | Model::InvalidInput => ErrorKind::InvalidInput,
        Model::Unsupported => ErrorKind::Unsupported,
        Model::Cancelled => ErrorKind::Interrupted,
        Model::NotFound | Model::Io | Model::InvalidModel | Model::Unavailable => {
            if error.is_permanent() {
                ErrorKind::InvalidModel
            } else {
                ErrorKind::ModelUnavailable
            }
        }
        _ => ErrorKind::Internal,
    }
}

fn of_index(kind: rekall_index::ErrorKind) -> ErrorKind {
    use rekall_index::ErrorKind as Index;
    match kind {
        Index::InvalidInput => ErrorKind::InvalidVector,
        Index::Cancelled => ErrorKind::Interrupted,
        Index::Unavailable => ErrorKind::Unsupported,
        _ => ErrorKind::Internal,
    }
}

impl From<rekall_core::Error> for Error {
    fn from(error: rekall_core::Error) -> Self {
        match error {
            rekall_core::Error::Interrupted => Self::Interrupted,
            rekall_core::Error::SpaceMismatch { stored, requested } => {
                Self::ModelMismatch { stored, requested }
            }
            other => Self::Core(other),
        }
    }
}

impl From<rekall_model::Error> for Error {
    fn from(error: rekall_model::Error) -> Self {
        match error {
            rekall_model::Error::Cancelled { .. } => Self::Interrupted,
            other => Self::Model(other),
        }
    }
}

impl From<rekall_index::Error> for Error {
    fn from(error: rekall_index::Error) -> Self {
        match error {
            rekall_index::Error::Cancelled => Self::Interrupted,
            // What storage said to the index is still storage's.
            rekall_index::Error::Source { source } => match rekall_core::Error::downcast(source) {
                Ok(error) => error.into(),
                Err(source) => Self::Index(rekall_index::Error::Source { source }),
            },
            other => Self::Index(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_keeps_its_kind_on_its_way_through_the_index() {
        let kind = |error| Error::from(rekall_index::Error::from_source(error)).kind();
        let path = std::path::PathBuf::from("a.db");
        assert_eq!(kind(rekall_core::Error::Replaced { path }), ErrorKind::Io);
        assert_eq!(kind(rekall_core::Error::Corrupt { detail: String::new() }), ErrorKind::Corrupt);
        assert_eq!(kind(rekall_core::Error::Interrupted), ErrorKind::Interrupted);
        let unsupported = rekall_core::Error::Unsupported { capability: "backup", engine: "test" };
        assert_eq!(kind(unsupported), ErrorKind::Unsupported);
        let of_sqlite = |code| {
            let failure = rusqlite::ffi::Error::new(code);
            Error::from(rekall_index::Error::from_source(rusqlite::Error::SqliteFailure(failure, None)))
                .kind()
        };
        assert_eq!(of_sqlite(rusqlite::ffi::SQLITE_IOERR_READ), ErrorKind::Io);
        assert_eq!(of_sqlite(rusqlite::ffi::SQLITE_NOMEM), ErrorKind::OutOfMemory);
        assert_eq!(of_sqlite(rusqlite::ffi::SQLITE_FULL), ErrorKind::Full);
        let other = rekall_index::Error::from_source(std::fmt::Error);
        assert!(matches!(Error::from(other), Error::Index(rekall_index::Error::Source { .. })));
    }
}
