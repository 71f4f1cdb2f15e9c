//! The contract between a model and its users.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::{Error, Fingerprint};

/// A model that turns text into unit vectors.
///
/// **A caller may rely on**: rows of length 1 (to `f32` rounding) without NaN or infinity, in input order;
/// the same text giving the same bits on every call, whatever its neighbors in the batch are, up to the
/// rounding an implementation documents; calls from many threads at once; no text changed or dropped without
/// a report. Documents and queries are separate because some models put different prefixes before them; never
/// compare a query with a vector made by `embed_query`.
///
/// **An implementer must**: keep `fingerprint`, `dimensions` and `max_tokens` constant for the life of
/// the value; put everything that changes a vector into the fingerprint; fail with
/// [`Error::Unembeddable`] rather than return a zero row; block until done and leave no work behind.
///
/// A host's own model implements the methods without a default body:
pub trait Embedder: Send + Sync {
    /// The identity of the vector space this model makes.
    fn fingerprint(&self) -> &Fingerprint;

    /// Length of a vector.
    fn dimensions(&self) -> usize;

    /// Longest text, in tokens as [`count_tokens`](Self::count_tokens) counts them, that is embedded
    /// without loss; `None` is no limit. Longer text is cut at its end: split it first.
    fn max_tokens(&self) -> Option<usize>;

    /// Tokens in a document before it is cut. Prefix and special tokens are not counted, and are already
    /// subtracted from [`max_tokens`](Self::max_tokens).
    ///
    /// # Errors
    /// [`Error::Tokenize`].
    fn count_tokens(&self, text: &str) -> Result<usize, Error>;

    /// One contiguous row-major matrix, `texts.len()` × [`dimensions`](Self::dimensions), unit rows,
    /// in input order.
    ///
    /// # Errors
    /// [`Error::Unembeddable`] with the position of the first text that has no vector;
    /// [`embed_documents_observed`](Self::embed_documents_observed) continues with the others instead.
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error>;

    /// The unit vector of a question.
    ///
    /// # Errors
    /// [`Error::Unembeddable`] when no token of it is known to the model.
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error>;

    /// Bytes of heap the model holds; pages of a mapped file or of the executable do not count.
    fn memory_bytes(&self) -> usize;

    /// As [`embed_documents`](Self::embed_documents), with a report: which texts were cut, which have no
    /// vector (their rows are zero and must not be stored), how many tokens each had. `observe` is called
    /// between micro-batches, and may be called again before more texts are finished; it can stop the work.
    ///
    /// The default body embeds 64 texts at a time.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `observe` breaks; otherwise as `embed_documents`, without
    /// `Unembeddable`.
    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        const MICRO_BATCH: usize = 64;
        let mut result = Embeddings::zeroed(texts.len(), self.dimensions());
        let mut tokens = 0;
        for first in (0..texts.len()).step_by(MICRO_BATCH) {
            let last = texts.len().min(first + MICRO_BATCH);
            // `pending` shrinks by every text the model cannot embed.
            let mut pending: Vec<usize> = (first..last).collect();
            let rows = loop {
                let batch: Vec<&str> = pending.iter().map(|&i| texts[i]).collect();
                match self.embed_documents(&batch) {
                    Ok(rows) => break rows,
                    Err(Error::Unembeddable { index }) if index < pending.len() => {
                        result.unembeddable.push(pending.remove(index));
                    }
                    Err(error) => return Err(error),
                }
            };
            result.place(&pending, &rows)?;
            for (i, text) in texts.iter().enumerate().take(last).skip(first) {
                let count = self.count_tokens(text)?;
                result.note_tokens(i, count, self.max_tokens());
                tokens = count.saturating_add(tokens);
            }
            let progress = Progress { texts: last, total: texts.len(), tokens };
            if observe(progress).is_break() {
                return Err(Error::Cancelled { done: last, total: texts.len() });
            }
        }
        result.unembeddable.sort_unstable();
        Ok(result)
    }
}

/// How far a batch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Texts finished.
    pub texts: usize,
    /// Texts asked for.
    pub total: usize,
    /// Tokens in the texts finished, before cutting.
    pub tokens: usize,
}

/// Vectors, and what happened to each text.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Embeddings {
    /// Row-major, texts × dimensions, in input order; zero rows where `unembeddable` says so.
    pub rows: Vec<f32>,
    /// Length of a row.
    pub dimensions: usize,
    /// Tokens of each text, before cutting.
    pub token_counts: Vec<u32>,
    /// Positions of texts that were cut at the model's limit, ascending.
    pub truncated: Vec<usize>,
    /// Positions of texts without a vector, ascending.
    pub unembeddable: Vec<usize>,
}

impl Embeddings {
    /// A report over `texts` texts with nothing in it yet.
    pub fn zeroed(texts: usize, dimensions: usize) -> Self {
        Self {
            rows: vec![0.0; texts * dimensions],
            dimensions,
            token_counts: vec![0; texts],
            ..Self::default()
        }
    }

    /// The vector of text `index`; `None` where there is none, or no such text.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        if self.unembeddable.binary_search(&index).is_ok() {
            return None;
        }
        let start = index.checked_mul(self.dimensions)?;
        self.rows.get(start..start.checked_add(self.dimensions)?)
    }

    pub(crate) fn note_tokens(&mut self, index: usize, count: usize, limit: Option<usize>) {
        self.token_counts[index] = u32::try_from(count).unwrap_or(u32::MAX);
        if limit.is_some_and(|limit| count > limit) {
            self.truncated.push(index);
        }
    }

    /// Copies a batch's rows to the positions they belong to.
    fn place(&mut self, positions: &[usize], rows: &[f32]) -> Result<(), Error> {
        let d = self.dimensions;
        if rows.len() != positions.len() * d {
            // A host's own model may return another shape than it declares.
            return Err(Error::InvalidInput {
                what: "vectors returned by the model",
                expected: format!("{} x {d} numbers", positions.len()),
                got: format!("{} numbers", rows.len()),
            });
        }
        for (&position, row) in positions.iter().zip(rows.chunks_exact(d.max(1))) {
            self.rows[position * d..][..d].copy_from_slice(row);
        }
        Ok(())
    }
}

impl<E: Embedder + ?Sized> Embedder for Arc<E> {
    fn fingerprint(&self) -> &Fingerprint {
        (**self).fingerprint()
    }
    fn dimensions(&self) -> usize {
        (**self).dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        (**self).max_tokens()
    }
    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        (**self).count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        (**self).embed_documents(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        (**self).embed_query(text)
    }
    fn memory_bytes(&self) -> usize {
        (**self).memory_bytes()
    }
    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        (**self).embed_documents_observed(texts, observe)
    }
}
