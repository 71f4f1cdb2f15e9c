//! What can go wrong in a command, and how it is told.

use std::io;
use std::path::{Path, PathBuf};

use rekall::files::WatchError;
use serde_json::{Value, json};

use crate::interrupt;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The library refused or failed.
    #[error(transparent)]
    Rekall(#[from] rekall::Error),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// The value of an argument is malformed.
    #[error("{what}: {problem}")]
    Invalid {
        /// Which argument.
        what: &'static str,
        /// What was expected and what was got.
        problem: String,
    },
    /// The vector given is none.
    #[error("--vector {0}")]
    Vector(String),
    /// Ctrl-C.
    #[error("stopped: {kept}")]
    Stopped {
        /// What is left of the work, and how to go on.
        kept: String,
    },
    /// A file or folder that should be there is not.
    #[error("{0}")]
    NotFound(String),
    /// Folders that cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Failure {
    /// An error of the operating system, with what was tried.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// The error's class, as programs read it: the library's `ErrorKind` in snake case, or the CLI's own
    /// `usage`.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Rekall(error) => snake_case(&format!("{:?}", error.kind())),
            Self::Usage(_) => "usage".to_owned(),
            Self::Invalid { .. } => "invalid_input".to_owned(),
            Self::Vector(_) => "invalid_vector".to_owned(),
            Self::Stopped { .. } => "interrupted".to_owned(),
            Self::NotFound(_) => "not_found".to_owned(),
            Self::Watch(WatchError::Root(_)) => "not_found".to_owned(),
            Self::Watch(_) => "io".to_owned(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "not_found".to_owned(),
            Self::Io { .. } => "io".to_owned(),
        }
    }

    /// What the process exits with, as `--help` says.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Rekall(rekall::Error::NotBuilt { .. }) => 2,
            Self::Stopped { .. } => interrupt::EXIT_CODE,
            _ => 1,
        }
    }

    /// The document that `--json` prints.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "error": { "kind": self.kind(), "message": self.to_string() } })
    }
}

impl From<rekall::storage::Error> for Failure {
    fn from(error: rekall::storage::Error) -> Self {
        Self::Rekall(error.into())
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, character) in name.char_indices() {
        if character.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}
