//! What can go wrong between this crate and a server, in types.

mod core;
mod sqlstate;

use rekall_core::ErrorKind;

/// Errors of a memory on a server. No message holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL that cannot be read.
    #[error("the URL is no PostgreSQL URL: {problem}")]
    BadUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// Encryption cannot be set up on this side.
    #[error("cannot set up encryption: {problem}")]
    Tls {
        /// What is wrong.
        problem: String,
    },
    /// No connection came about: nobody answers, the names lead nowhere, or the two sides do not agree on encryption.
    #[error("cannot connect to {server}: {problem}")]
    Unreachable {
        /// Where the server is.
        server: String,
        /// What happened.
        problem: String,
    },
    /// The server answers and does not let the user in: a wrong name or password, no such database.
    #[error("{server} refuses the connection: {problem}")]
    Refused {
        /// Where the server is.
        server: String,
        /// What it said.
        problem: String,
    },
    /// The server is not one that a memory can be kept on.
    #[error("{server} must be {expected}, got {got}")]
    Unfit {
        /// Where the server is.
        server: String,
        /// What is needed.
        expected: &'static str,
        /// What is there.
        got: String,
    },
    /// The server cannot search vectors itself: its extension is missing or too old, or the vectors are too long for it.
    #[error("pgvector on {server}: expected {expected}, got {got}")]
    NoPushDown {
        /// Where the server is.
        server: String,
        /// What is needed.
        expected: String,
        /// What is there, and what helps.
        got: String,
    },
    /// The connection broke in the middle of a transaction. What it wrote is undone.
    #[error("the connection to the server was lost: {problem}")]
    ConnectionLost {
        /// What happened.
        problem: String,
    },
    /// The connection broke after a commit was sent and before it was confirmed, and the server could not be asked since:
    /// the transaction happened wholly or not at all, and nobody can say which. It is not tried again.
    #[error("the connection was lost during a commit, which may or may not have happened: {problem}")]
    CommitUnknown {
        /// What happened.
        problem: String,
    },
    /// A commit after a statement that had failed: nothing was written.
    #[error("the transaction was given up when a statement failed: {problem}")]
    Aborted {
        /// What the statement failed with.
        problem: String,
    },
    /// Another writer, or others who use all connections, took longer than the time-out.
    #[error("waited longer than the time-out: {detail}")]
    Busy {
        /// What was waited for.
        detail: String,
    },
    /// A statement took longer than it may, by this program's settings or the server's, or somebody cancelled it on the server.
    #[error("the server stopped a statement, for its time or on request: {detail}")]
    TimedOut {
        /// What the server said.
        detail: String,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The server, or what the user may do there, allows no writing.
    #[error("the server does not allow it: {detail}")]
    ReadOnly {
        /// What the server said.
        detail: String,
    },
    /// The server's disk, or a limit of it, is full.
    #[error("the server has no space left: {detail}")]
    Full {
        /// What the server said.
        detail: String,
    },
    /// The server has no memory left.
    #[error("the server has no memory left: {detail}")]
    OutOfMemory {
        /// What the server said.
        detail: String,
    },
    /// The server found damage, or a row cannot be read.
    #[error("the memory is damaged: {detail}")]
    Corrupt {
        /// What was found.
        detail: String,
    },
    /// There is no memory in this schema, and none was to be made.
    #[error("{server} has no memory")]
    NotFound {
        /// Where it was looked for.
        server: String,
    },
    /// The schema holds something else.
    #[error("{server} is no memory: it has {found}")]
    NotAMemory {
        /// Where the schema is.
        server: String,
        /// What it has.
        found: String,
    },
    /// The memory was written by a newer version of this library.
    #[error("{server} has version {found}, this library reads up to {supported}")]
    NewerVersion {
        /// Where the memory is.
        server: String,
        /// Version of the memory.
        found: i64,
        /// Newest version this library knows.
        supported: i64,
    },
    /// The tables were dropped or renamed while the memory was open.
    #[error("the memory that was opened is no longer there: {detail}")]
    Gone {
        /// What the server said.
        detail: String,
    },
    /// The system refuses to start the thread that talks to the server.
    #[error("cannot start the thread that talks to the server: {source}")]
    Thread {
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Any other error of the server or the client.
    #[error("{problem}")]
    Postgres {
        /// What was said, by the server with its code.
        problem: String,
        /// The client's error.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// The error's class.
    ///
    /// ```
    /// use rekall_core::ErrorKind;
    /// use rekall_postgres::Error;
    ///
    /// let error = Error::Busy { detail: "all connections are in use".to_owned() };
    /// assert_eq!(error.kind(), ErrorKind::Busy);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadUrl { .. } => ErrorKind::InvalidInput,
            Self::Tls { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::ConnectionLost { .. }
            | Self::CommitUnknown { .. }
            | Self::TimedOut { .. }
            | Self::Gone { .. }
            | Self::Thread { .. } => ErrorKind::Io,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Full { .. } => ErrorKind::Full,
            Self::OutOfMemory { .. } => ErrorKind::OutOfMemory,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::NotAMemory { .. } | Self::Unfit { .. } => ErrorKind::NotADatabase,
            Self::NewerVersion { .. } => ErrorKind::NewerVersion,
            Self::NoPushDown { .. } => ErrorKind::Unsupported,
            Self::Aborted { .. } | Self::Postgres { .. } => ErrorKind::Internal,
        }
    }
}
