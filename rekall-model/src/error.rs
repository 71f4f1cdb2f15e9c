//! The crate's error type.

use std::path::{Path, PathBuf};

/// What a model could not do, with the file and the values that say why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A model folder lacks a file that this kind of model needs.
    #[error("{}: expected {expected}, got no such file", path.display())]
    MissingFile {
        /// Where it was looked for.
        path: PathBuf,
        /// What the file is for.
        expected: String,
    },
    /// A file is not what it has to be: truncated, malformed, of wrong shapes, or from another model than the
    /// files beside it.
    #[error("{}: expected {expected}, got {got}", path.display())]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// What it had to hold.
        expected: String,
        /// What it holds.
        got: String,
    },
    /// A well-formed model of a kind this crate does not run.
    #[error("{}: expected {expected}, got {got}", path.display())]
    UnsupportedModel {
        /// The file that says what the model is.
        path: PathBuf,
        /// What this crate runs.
        expected: String,
        /// What the file asks for.
        got: String,
    },
    /// This build lacks the Cargo feature that the model needs.
    #[error("{what} needs the Cargo feature `{feature}` of rekall-model, which is off in this build")]
    FeatureOff {
        /// What was asked for.
        what: String,
        /// The Cargo feature.
        feature: &'static str,
    },
    /// A hub model that is neither cached nor can be downloaded now.
    #[error("model {repo} is unavailable: {reason}")]
    Unavailable {
        /// The repository on the hub.
        repo: String,
        /// No network, or the hub is out of order.
        reason: String,
        /// The transport's own error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The hub has no such model, or does not give it to anybody, or not without a token.
    #[error("model {repo} is refused: {reason}")]
    Refused {
        /// The repository on the hub.
        repo: String,
        /// What the hub said.
        reason: String,
        /// The transport's own error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A file came from the hub with other bytes than the hub says that it has; it was thrown away.
    #[error("{}: expected {expected}, got {got}", path.display())]
    BrokenDownload {
        /// The file in the hub's cache.
        path: PathBuf,
        /// The digest that it had to have.
        expected: String,
        /// The digest that it had.
        got: String,
    },
    /// A text without a single token that the model knows, such as an empty text or one of unknown symbols.
    /// It has no direction, hence no vector.
    #[error("text number {index} has no token known to the model")]
    Unembeddable {
        /// Position in the slice given, counted from 0; 0 for a query.
        index: usize,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer failed on text number {index}: {reason}")]
    Tokenize {
        /// Position in the slice given, counted from 0; 0 for a query.
        index: usize,
        /// The tokenizer's message.
        reason: String,
    },
    /// An option or argument that the model cannot honor.
    #[error("{what}: expected {expected}, got {got}")]
    InvalidInput {
        /// The option or argument.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// A managed model could not be loaded. Shared by all callers who waited for that load; kind and
    /// message are the cause's.
    #[error("{source}")]
    Load {
        /// Why.
        source: std::sync::Arc<Error>,
    },
    /// The observer asked to stop; nothing was kept.
    #[error("cancelled after {done} of {total} texts")]
    Cancelled {
        /// Texts finished.
        done: usize,
        /// Texts asked for.
        total: usize,
    },
    /// A computation that cannot fail on sound files did: the model's numbers, each of them finite, add up to
    /// more than a number can hold, or this crate has a bug.
    #[error("model computation failed: {reason}")]
    Compute {
        /// What went wrong.
        reason: String,
    },
}

/// The few ways to fail that a caller may treat differently; stable, unlike the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder is absent.
    NotFound,
    /// Reading failed.
    Io,
    /// The files are damaged or do not belong together.
    InvalidModel,
    /// A kind of model that this crate, or this build of it, does not run.
    Unsupported,
    /// The hub cannot be reached or refuses.
    Unavailable,
    /// The text has no vector.
    Unembeddable,
    /// An invalid option or argument.
    InvalidInput,
    /// Stopped on request.
    Cancelled,
    /// A bug in this crate, or weights whose sums overflow.
    Internal,
}

impl Error {
    /// The kind of this error, for code that decides by kind and never by text.
    ///
    /// ```
    /// use rekall_model::{ErrorKind, ModelSource};
    ///
    /// let error = "ftp:model".parse::<ModelSource>().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Io { .. } => ErrorKind::Io,
            Self::MissingFile { .. } => ErrorKind::NotFound,
            Self::InvalidFile { .. } | Self::BrokenDownload { .. } => ErrorKind::InvalidModel,
            Self::UnsupportedModel { .. } | Self::FeatureOff { .. } => ErrorKind::Unsupported,
            Self::Unavailable { .. } | Self::Refused { .. } => ErrorKind::Unavailable,
            Self::Unembeddable { .. } => ErrorKind::Unembeddable,
            Self::Tokenize { .. } | Self::InvalidInput { .. } => ErrorKind::InvalidInput,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Load { source } => source.kind(),
            Self::Compute { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the model fails for good: in the same way each time, until somebody changes its files, the options,
    /// the build or the access to the hub. False where trying again later may succeed (no network, a download that
    /// broke off, no memory), and for an error of a single text.
    ///
    /// ```
    /// use rekall_model::{LoadOptions, ModelSource, load};
    ///
    /// let missing = load(&ModelSource::Path("no/such/folder".into()), &LoadOptions::new());
    /// assert!(missing.err().is_some_and(|error| error.is_permanent()));
    /// ```
    pub fn is_permanent(&self) -> bool {
        use std::io::ErrorKind as System;
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                System::NotFound | System::PermissionDenied | System::NotADirectory | System::IsADirectory
            ),
            Self::MissingFile { .. }
            | Self::InvalidFile { .. }
            | Self::UnsupportedModel { .. }
            | Self::FeatureOff { .. }
            | Self::Refused { .. }
            | Self::InvalidInput { .. } => true,
            Self::Load { source } => source.is_permanent(),
            Self::Unavailable { .. }
            | Self::BrokenDownload { .. }
            | Self::Unembeddable { .. }
            | Self::Tokenize { .. }
            | Self::Cancelled { .. }
            | Self::Compute { .. } => false,
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn invalid_file(path: &Path, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::InvalidFile { path: path.to_owned(), expected: expected.into(), got: got.into() }
    }
}
