//! What is searched for.

use std::borrow::Cow;

use super::options::Mode;
use crate::Error;

/// The longest text of a query (1 MiB): a whole document, far beyond what a model reads of it.
const MAX_QUERY_BYTES: usize = 1 << 20;

/// What is searched for: a text, a vector, or both. Made from either; texts and vectors are borrowed or
/// owned.
///
/// ```
/// # use rekall::{Query, Rekall};
/// # fn main() -> Result<(), rekall::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
/// # rekall.remember_with_vector(rekall::NewEntry::new("disk full"), &[0.6, 0.8])?;
/// let text = Query::from("disk full");
/// let vector = Query::from(vec![0.6, 0.8]);
/// let both = Query::with_vector("disk full", &[0.6, 0.8]);
/// let found = rekall.recall_batch([text, vector, both]).run()?;
/// assert!(found.iter().all(|found| found.len() == 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Query<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) vector: Option<Cow<'a, [f32]>>,
}

impl<'a> Query<'a> {
    /// A text whose vector the host has made with the file's model.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Query, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// let found = rekall.recall_batch([Query::with_vector("disk", vec![0.6, 0.8])]).run()?;
    /// assert!(found[0][0].explain.semantic.is_some() && found[0][0].explain.text.is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_vector(text: impl Into<Cow<'a, str>>, vector: impl Into<Cow<'a, [f32]>>) -> Self {
        Self { text: Some(text.into()), vector: Some(vector.into()) }
    }

    fn of_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: Some(text.into()), vector: None }
    }

    pub(super) fn of_vector(vector: impl Into<Cow<'a, [f32]>>) -> Self {
        Self { text: None, vector: Some(vector.into()) }
    }

    /// The mode that this query is searched in when `wanted` is asked for.
    pub(super) fn mode(&self, wanted: Mode) -> Mode {
        match (wanted, &self.text) {
            (Mode::Hybrid, None) => Mode::Semantic,
            _ => wanted,
        }
    }

    /// Refuses a query that cannot be searched in this mode, or whose hits could not be judged by its text.
    pub(super) fn validate(&self, mode: Mode, is_reranked: bool) -> Result<(), Error> {
        match &self.text {
            Some(text) if text.len() > MAX_QUERY_BYTES => {
                Err(Error::QueryTooLong { max: MAX_QUERY_BYTES, got: text.len() })
            }
            Some(text) if text.trim().is_empty() => Err(Error::EmptyQuery),
            None if mode == Mode::Text || is_reranked => Err(Error::EmptyQuery),
            _ => Ok(()),
        }
    }
}

impl<'a> From<&'a str> for Query<'a> {
    fn from(text: &'a str) -> Self {
        Self::of_text(text)
    }
}

impl<'a> From<&'a String> for Query<'a> {
    fn from(text: &'a String) -> Self {
        Self::of_text(text)
    }
}

impl From<String> for Query<'_> {
    fn from(text: String) -> Self {
        Self::of_text(text)
    }
}

impl<'a> From<&'a [f32]> for Query<'a> {
    fn from(vector: &'a [f32]) -> Self {
        Self::of_vector(vector)
    }
}

impl<'a> From<&'a Vec<f32>> for Query<'a> {
    fn from(vector: &'a Vec<f32>) -> Self {
        Self::of_vector(vector)
    }
}

impl From<Vec<f32>> for Query<'_> {
    fn from(vector: Vec<f32>) -> Self {
        Self::of_vector(vector)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Query<'a> {
    fn from(vector: &'a [f32; N]) -> Self {
        Self::of_vector(vector)
    }
}
