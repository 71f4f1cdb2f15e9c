//! What can go wrong while the index is read.

/// Errors of the index. What is damaged is derived: it can be dropped and made again from the entries.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// Bytes that no index wrote, or that have changed since.
    #[error("the word index is damaged: {place} should hold {expected}, got {got}")]
    Damaged {
        /// Which part of it.
        place: &'static str,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        got: String,
    },
    /// What holds the index failed, or the search was cancelled.
    #[error(transparent)]
    Storage(#[from] crate::Error),
}

impl IndexError {
    /// Damage found at `place`.
    pub(super) fn damaged(place: &'static str, expected: &'static str, got: impl ToString) -> Self {
        Self::Damaged { place, expected, got: got.to_string() }
    }
}

impl From<IndexError> for crate::Error {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Storage(error) => error,
            damaged @ IndexError::Damaged { .. } => Self::Corrupt { detail: damaged.to_string() },
        }
    }
}
