//! What can go wrong, in types.

use std::path::PathBuf;

use crate::{EntryId, ScopeName};

/// A small, stable classification of [`Error`], for hosts that branch on it (the C ABI does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's value is out of range, empty, too long or malformed.
    InvalidInput,
    /// No entry, link, space or file of that name.
    NotFound,
    /// Another writer held the file longer than the time-out.
    Busy,
    /// The operating system refused to read or write, or the file was moved away while it was open.
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
    /// The file was written by the Python tool; it must be imported or migrated.
    LegacyFile,
    /// A vector has the wrong length or invalid components.
    InvalidVector,
    /// The vectors stored were made by another model.
    SpaceMismatch,
    /// The caller asked to stop.
    Interrupted,
    /// No memory was left, or less than SQLite was allowed.
    OutOfMemory,
    /// The store's engine does not offer this.
    Unsupported,
    /// Something that cannot happen did: a rule of the schema was broken, a statement refused.
    Internal,
}

/// Errors of this crate. Messages say what was expected and what was got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id that is not a ULID.
    #[error("id must be a ULID of 26 characters in capitals, got {got:?}")]
    InvalidId {
        /// What was given, at most 64 characters of it.
        got: String,
    },
    /// A field that may not be blank.
    #[error("{field} is empty")]
    Empty {
        /// Name of the field.
        field: &'static str,
    },
    /// A text with a NUL character, which C strings and SQL functions would cut off.
    #[error("{field} contains a NUL character at byte {position}")]
    Nul {
        /// Name of the field.
        field: &'static str,
        /// Byte position of the NUL.
        position: usize,
    },
    /// A text or list over its limit.
    #[error("{field} is too long: at most {limit} {unit}, got {got}")]
    TooLong {
        /// Name of the field.
        field: &'static str,
        /// Largest size allowed.
        limit: usize,
        /// Size given.
        got: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// JSON nested deeper than can be read back everywhere.
    #[error("{field} is nested too deep: at most {limit} levels, got {got}")]
    TooDeep {
        /// Name of the field.
        field: &'static str,
        /// Most levels allowed.
        limit: usize,
        /// Levels given.
        got: usize,
    },
    /// A number in JSON that would be rounded.
    #[error("{field} holds a number that 64 bits cannot hold exactly, give it as text: {got}")]
    InexactNumber {
        /// Name of the field.
        field: &'static str,
        /// The number, at most 64 characters of it.
        got: String,
    },
    /// A text that is no JSON.
    #[error("{field} must be JSON: {detail}")]
    NotJson {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A value outside its range.
    #[error("{field} must be {expected}, got {got}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// The range in words.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// No entry has this id.
    #[error("no entry has the id {id}")]
    EntryNotFound {
        /// The id asked for.
        id: EntryId,
    },
    /// An entry with this id is already there.
    #[error("an entry with the id {id} already exists")]
    DuplicateId {
        /// The id given.
        id: EntryId,
    },
    /// A deletion by a filter that has no condition.
    #[error("a filter without a condition would take every entry: name a condition, or ask for all of them")]
    Unconditional,
    /// No vector space has this number.
    #[error("no vector space has the number {id}")]
    SpaceNotFound {
        /// The number asked for.
        id: i64,
    },
    /// No scope has this name, or the one that a handle is bound to was removed.
    #[error("no scope has the name \"{name}\"")]
    ScopeNotFound {
        /// The name asked for.
        name: ScopeName,
    },
    /// The vectors of the file belong to another model.
    #[error("the stored vectors were made by {stored}, not by {requested}")]
    SpaceMismatch {
        /// Fingerprint of the active space.
        stored: String,
        /// Fingerprint asked for.
        requested: String,
    },
    /// A vector with the wrong number of components.
    #[error("vector must have {expected} components, got {got}")]
    VectorLength {
        /// Dimensions of the space.
        expected: usize,
        /// Components given.
        got: usize,
    },
    /// A vector that is not finite or not of unit length.
    #[error("vector must be finite and of length 1, got {problem}")]
    VectorValue {
        /// What is wrong with it.
        problem: String,
    },
    /// Another writer held the file longer than the time-out.
    #[error("another writer held the database longer than the time-out: {detail}")]
    Busy {
        /// What SQLite said.
        detail: String,
    },
    /// The file holds something else.
    #[error("{path} is not a rekall database: {found}")]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// The file was written by the Python tool.
    #[error("{path} was written by the Python tool (schema {schema}): import it or open it with migration")]
    LegacyFile {
        /// The file.
        path: PathBuf,
        /// Its schema version, as far as it is known.
        schema: i64,
    },
    /// The file is none of the Python tool's.
    #[error("{path} is not a file of the Python tool: {found}")]
    NotALegacyFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The file was written by a newer version of this library.
    #[error("{path} has file version {found}, this library reads up to {supported}")]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Newest version this library knows.
        supported: i64,
    },
    /// Something cannot be written.
    #[error("{what} is read-only")]
    ReadOnly {
        /// The file, folder or store.
        what: String,
    },
    /// No space left, or a limit on file sizes was reached.
    #[error("no space left to write: {detail}")]
    Full {
        /// What SQLite said.
        detail: String,
    },
    /// The file is damaged.
    #[error("the database is damaged: {detail}")]
    Corrupt {
        /// What was found.
        detail: String,
    },
    /// An entry of which something cannot be read; the others can.
    #[error("entry {id} cannot be read, check and repair show what is left of it: {detail}")]
    UnreadableEntry {
        /// The entry.
        id: EntryId,
        /// What was found.
        detail: String,
    },
    /// A file that would be overwritten.
    #[error("{path} already exists")]
    AlreadyExists {
        /// The file.
        path: PathBuf,
    },
    /// There is no file of that name.
    #[error("there is no file {path}")]
    FileNotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file, or the log beside it, was moved away, deleted or replaced while the store was open. A log goes that way
    /// when a second copy of SQLite in this process had the file open and closed it.
    #[error("{path} is no longer the file that was opened: close it and open it again")]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// JSON that is no entry.
    #[error("expected an entry in JSON: {problem}")]
    BadEntry {
        /// What is wrong with it.
        problem: String,
    },
    /// A line of an export that cannot be read.
    #[error("line {line}: expected {expected}, got {got}")]
    BadLine {
        /// Number of the line, from 1.
        line: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// The export was written by a newer version of this library.
    #[error("the export has version {found}, this library reads up to {supported}")]
    NewerExport {
        /// Version in the first line.
        found: u64,
        /// Newest version this library knows.
        supported: u64,
    },
    /// The stream that is exported to or imported from failed.
    #[error("cannot {action} the export: {source}")]
    Stream {
        /// What was tried, as a verb.
        action: &'static str,
        /// The stream's error.
        #[source]
        source: std::io::Error,
    },
    /// The operating system refused, outside of SQLite; see [`Error::Engine`] for what it refuses there.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random bits to make an id from.
    #[error("cannot get random bits from the system: {source}")]
    Random {
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Something that this store cannot do.
    #[error("{engine} cannot do this: {capability}")]
    Unsupported {
        /// What was asked for.
        capability: &'static str,
        /// Name of the store's engine.
        engine: &'static str,
    },
    /// Any other error of the engine's: the system refused to read, write or open, or a server cannot be reached (the kind is
    /// [`ErrorKind::Io`] then), no memory was left ([`ErrorKind::OutOfMemory`]), or a rule of the schema was broken
    /// ([`ErrorKind::Internal`]).
    #[error("{engine}: {source}")]
    Engine {
        /// Name of the engine: `SQLite`.
        engine: &'static str,
        /// The error's class.
        kind: ErrorKind,
        /// The engine's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The error that another part carried through as its own: one of this crate's, or of SQLite's. Gives back what is
    /// neither.
    ///
    /// # Errors
    /// The argument, when it is neither.
    pub fn downcast(
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let source = match source.downcast::<Self>() {
            Ok(error) => return Ok(*error),
            Err(source) => source,
        };
        #[cfg(feature = "sqlite")]
        let source = match source.downcast::<rusqlite::Error>() {
            Ok(error) => return Ok(Self::from(*error)),
            Err(source) => source,
        };
        Err(source)
    }

    /// The error's class.
    ///
    /// ```
    /// # use rekall_core::{EntryId, ErrorKind};
    /// let error = "no id".parse::<EntryId>().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidId { .. }
            | Self::Empty { .. }
            | Self::Nul { .. }
            | Self::TooLong { .. }
            | Self::TooDeep { .. }
            | Self::InexactNumber { .. }
            | Self::NotJson { .. }
            | Self::OutOfRange { .. }
            | Self::DuplicateId { .. }
            | Self::Unconditional
            | Self::AlreadyExists { .. }
            | Self::BadEntry { .. }
            | Self::BadLine { .. } => ErrorKind::InvalidInput,
            Self::EntryNotFound { .. }
            | Self::SpaceNotFound { .. }
            | Self::ScopeNotFound { .. }
            | Self::FileNotFound { .. } => ErrorKind::NotFound,
            Self::SpaceMismatch { .. } => ErrorKind::SpaceMismatch,
            Self::VectorLength { .. } | Self::VectorValue { .. } => ErrorKind::InvalidVector,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::NotADatabase { .. } | Self::NotALegacyFile { .. } => ErrorKind::NotADatabase,
            Self::LegacyFile { .. } => ErrorKind::LegacyFile,
            Self::NewerVersion { .. } | Self::NewerExport { .. } => ErrorKind::NewerVersion,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Full { .. } => ErrorKind::Full,
            Self::Corrupt { .. } | Self::UnreadableEntry { .. } => ErrorKind::Corrupt,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Io { .. } | Self::Replaced { .. } | Self::Stream { .. } | Self::Random { .. } => {
                ErrorKind::Io
            }
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Engine { kind, .. } => *kind,
        }
    }
}
