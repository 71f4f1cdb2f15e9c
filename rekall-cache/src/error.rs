//! The crate's error type.

/// An error of this crate. Storing and looking up single vectors cannot fail; asking for a matrix can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cached vector has another length than the matrix asked for.
    #[error("expected a vector of {expected} dimensions, got {got}, at key {index}")]
    DimensionMismatch {
        /// Position of the offending key among the keys given.
        index: usize,
        /// Dimensions asked for.
        expected: usize,
        /// Dimensions of the cached vector.
        got: usize,
    },
    /// A matrix of zero dimensions was asked for.
    #[error("expected at least 1 dimension, got 0")]
    ZeroDimensions,
}

/// The kind of an [`Error`], for code that decides by kind and never by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Vectors of different lengths met.
    DimensionMismatch,
    /// An argument is outside its range.
    InvalidArgument,
}

impl Error {
    /// The kind of this error.
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache, ErrorKind};
    ///
    /// let cache: EmbeddingCache<u64> = EmbeddingCache::new(CacheOptions::new());
    /// let error = cache.get_matrix(&[1], 0).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    /// assert_eq!(error.to_string(), "expected at least 1 dimension, got 0");
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DimensionMismatch { .. } => ErrorKind::DimensionMismatch,
            Self::ZeroDimensions => ErrorKind::InvalidArgument,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_expected_and_got_on_one_line() {
        let mismatch = Error::DimensionMismatch { index: 4, expected: 384, got: 3 };
        assert_eq!(mismatch.to_string(), "expected a vector of 384 dimensions, got 3, at key 4");
        assert_eq!(mismatch.kind(), ErrorKind::DimensionMismatch);
        assert_eq!(Error::ZeroDimensions.to_string(), "expected at least 1 dimension, got 0");
        assert_eq!(Error::ZeroDimensions.kind(), ErrorKind::InvalidArgument);
    }
}
