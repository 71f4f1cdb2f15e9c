//! Why a process could not be asked. Callers of a model never see it: they do the work themselves.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Error;

/// How long a host lets a client be silent that is to speak.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a host may say nothing about a question before it is asked whether it is there: it may be at work on a long text.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// How long it has for that, and for any step of what takes no computation. A process that is stopped costs the others this once.
/// Longer than a machine that is loaded lets a thread wait.
pub(super) const GREETING: Duration = Duration::from_secs(3);

/// How often a host that is still loading says so.
pub(super) const SIGN: Duration = Duration::from_millis(500);

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
    /// Nothing came, or nothing was taken, within the time.
    #[error("expected a sign of life within {} s, got none", .0.as_secs())]
    Quiet(Duration),
    /// The host has all the connections that it may have.
    #[error("expected a host with at most {most} connections, got one that has them")]
    Full { most: usize },
    /// Another process has the right to be the host, and no socket.
    #[error("another process has had the lock for {} s and cannot be reached", .0.as_secs())]
    Absent(Duration),
}

impl HostError {
    pub(super) fn message(what: &'static str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Message { what, expected: expected.into(), got: got.into() }
    }

    /// Whether there is nobody at the other end, so that another process may take the place.
    pub(super) fn is_gone(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof};
        let Self::Io(error) = self else { return false };
        matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset | BrokenPipe | UnexpectedEof)
    }

    /// Whether there is somebody who says nothing.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Quiet(_))
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
