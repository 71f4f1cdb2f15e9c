//! Files that were found and not read, each with its reason.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A file or folder that was not read, and why. It says nothing about what the file was before: skipped is not
/// gone.
#[derive(Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it was not read.
    pub reason: SkipReason,
}

impl Skipped {
    pub(crate) fn new(path: impl Into<PathBuf>, reason: SkipReason) -> Self {
        Self { path: path.into(), reason }
    }

    /// The path as a URI; see [`file_uri`](crate::file_uri).
    pub fn uri(&self) -> String {
        crate::file_uri(&self.path)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// Larger than [`ReadOptions::max_bytes`](crate::ReadOptions::max_bytes).
    #[error("{bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The greatest size that is read.
        limit: u64,
    },
    /// No text: it has bytes that no text has.
    #[error("binary")]
    Binary,
    /// Text, but in no encoding that could be determined.
    #[error("unknown encoding ({guess} was tried)")]
    UnknownEncoding {
        /// The encoding that seemed most likely, and does not fit.
        guess: &'static str,
    },
    /// A kind of file that is not read; see [`FileKind`](crate::FileKind).
    #[error("unknown kind of file")]
    UnknownKind,
    /// What the format requires is missing: a notebook that is not JSON, for instance.
    #[error("malformed: {message}")]
    Malformed {
        /// What is wrong.
        message: String,
    },
    /// The system does not let it be read.
    #[error("unreadable: {0}")]
    Unreadable(#[source] io::Error),
    /// A pipe, a socket or a device, which is never opened.
    #[error("neither a file nor a folder")]
    NotAFile,
    /// A symbolic link to something outside of the folders, or to nothing; see
    /// [`WalkOptions::follow_links`](crate::WalkOptions::follow_links).
    #[error("symbolic link to outside of the folder")]
    SymbolicLink,
    /// A symbolic link to a folder that contains it.
    #[error("symbolic link into a circle")]
    LinkLoop,
    /// Another name of a file that was found under its first one: a hard link.
    #[error("the same file as {}", first.display())]
    SameFile {
        /// The name under which it is read.
        first: PathBuf,
    },
    /// Written to while it was read, more than once.
    #[error("changed while it was read")]
    Changing,
}

impl SkipReason {
    /// A short name that does not change, for programs: `too_large`, `binary`, `unknown_encoding`,
    /// `unknown_kind`, `malformed`, `unreadable`, `not_a_file`, `symbolic_link`, `link_loop`, `same_file`,
    /// `changing`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Binary => "binary",
            Self::UnknownEncoding { .. } => "unknown_encoding",
            Self::UnknownKind => "unknown_kind",
            Self::Malformed { .. } => "malformed",
            Self::Unreadable(_) => "unreadable",
            Self::NotAFile => "not_a_file",
            Self::SymbolicLink => "symbolic_link",
            Self::LinkLoop => "link_loop",
            Self::SameFile { .. } => "same_file",
            Self::Changing => "changing",
        }
    }
}
