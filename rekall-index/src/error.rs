//! What can go wrong, typed.

use crate::Key;

/// Everything this crate can answer instead of a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice of vectors has the wrong length.
    #[error("expected {expected} numbers, got {got}")]
    Dimensions {
        /// The numbers that were due: the index's dimensions, times the vectors announced.
        expected: usize,
        /// The numbers that came.
        got: usize,
    },
    /// A vector holds a NaN or an infinity.
    #[error("vector {vector} holds {value} at component {component}, expected a finite number")]
    NotFinite {
        /// Which of the vectors handed in, from 0.
        vector: usize,
        /// Which of its components, from 0.
        component: usize,
        /// The offending number.
        value: f32,
    },
    /// A vector's length is not 1 within [`UNIT_TOLERANCE`](crate::UNIT_TOLERANCE).
    #[error("vector {vector} has norm {norm}, expected 1 within 0.001")]
    NotUnit {
        /// Which of the vectors handed in, from 0.
        vector: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// A search for zero neighbors.
    #[error("expected k of at least 1, got {k}")]
    InvalidK {
        /// The k asked for.
        k: usize,
    },
    /// A key with a role that does not exist.
    #[error("expected a role below 8, got {role}")]
    InvalidRole {
        /// The role of the key.
        role: u8,
    },
    /// An index of vectors without components, or with too many of them.
    #[error("expected 1 to {most} dimensions, got {got}")]
    InvalidDimensions {
        /// The most an index takes: [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS).
        most: usize,
        /// The dimensions asked for.
        got: usize,
    },
    /// The index holds all the rows it can number.
    #[error("expected at most {most} rows, got {got}")]
    TooManyRows {
        /// The most rows an index takes.
        most: usize,
        /// The rows it would have had to take.
        got: usize,
    },
    /// The caller raised the cancel flag.
    #[error("search cancelled")]
    Cancelled,
    /// The source of exact rows does not have a row that the index holds.
    #[error("row of entry {}, role {}, chunk {} is missing from the vector source", key.entry, key.role, key.chunk)]
    MissingRow {
        /// The row.
        key: Key,
    },
    /// The source of exact rows, or the store below a backend, failed.
    #[error("vector source: {source}")]
    Source {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Persisted bytes are not what this crate wrote.
    #[error("damaged index block: {detail}")]
    Corrupt {
        /// What was expected and what was found.
        detail: String,
    },
    /// This build or this machine lacks what the backend needs.
    #[error("backend unavailable: {detail}")]
    Unavailable {
        /// What is lacking.
        detail: String,
    },
}

/// The kinds of [`Error`], small and stable, for matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller handed in something no search can use.
    InvalidInput,
    /// The caller stopped the search.
    Cancelled,
    /// A limit of the index was reached.
    Capacity,
    /// The exact rows could not be read.
    Source,
    /// Persisted bytes are damaged: drop them and rebuild.
    Corrupt,
    /// The backend does not work in this build or on this machine.
    Unavailable,
}

impl Error {
    /// What kind of error it is.
    ///
    /// # Examples
    /// ```
    /// use rekall_index::{Error, ErrorKind};
    /// assert_eq!(Error::InvalidK { k: 0 }.kind(), ErrorKind::InvalidInput);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Dimensions { .. }
            | Self::NotFinite { .. }
            | Self::NotUnit { .. }
            | Self::InvalidK { .. }
            | Self::InvalidRole { .. }
            | Self::InvalidDimensions { .. } => ErrorKind::InvalidInput,
            Self::TooManyRows { .. } => ErrorKind::Capacity,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::MissingRow { .. } | Self::Source { .. } => ErrorKind::Source,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }

    /// Wraps what a [`VectorSource`](crate::VectorSource) or a store said.
    ///
    /// ```
    /// use rekall_index::{Error, ErrorKind};
    /// let error = Error::from_source(std::io::Error::other("the disk is gone"));
    /// assert_eq!(error.kind(), ErrorKind::Source);
    /// ```
    pub fn from_source(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Source { source: source.into() }
    }
}
