//! Why a process could not be asked. Callers of a model never see it: they do the work themselves.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Error;

/// How long the other side of a socket may be silent while it is to speak.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(super) enum HostError {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A folder for sockets that others could have a hand in.
    #[error("{}: expected {expected}, got {got}", path.display())]
    Folder { path: PathBuf, expected: String, got: String },
    /// What came is no message of this protocol.
    #[error("{what}: expected {expected}, got {got}")]
    Message { what: &'static str, expected: String, got: String },
    /// No frame began within the time.
    #[error("expected an answer within {} s, got none", .0.as_secs())]
    Quiet(Duration),
    /// Another process is the host, and does not answer.
    #[error("another process has had the lock for {} s and does not answer", .0.as_secs())]
    Silent(Duration),
}

impl HostError {
    pub(super) fn message(what: &'static str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Message { what, expected: expected.into(), got: got.into() }
    }

    /// Whether a host was there, and ended.
    pub(super) fn is_ended(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        let Self::Io(error) = self else { return false };
        matches!(error.kind(), ConnectionReset | BrokenPipe | UnexpectedEof)
    }

    /// Whether there is nobody at the other end, so that another process may take the place.
    pub(super) fn is_gone(&self) -> bool {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        let Self::Io(error) = self else { return false };
        self.is_ended() || matches!(error.kind(), NotFound | ConnectionRefused)
    }
}

/// Why there is no answer to a question.
#[derive(Debug)]
pub(super) enum Failure {
    /// The model's own error: the same that it would be in this process.
    Model(Error),
    /// The way to it.
    Way(HostError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Model(error)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Way(error)
    }
}
