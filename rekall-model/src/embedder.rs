//! The contract between a model and its users.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

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
/// [`Error::Unembeddable`] rather than return a zero row, or one that says nothing because no word of the
/// text is known; block until done and leave no work behind.
///
/// A host's own model implements the methods without a default body:
///
/// ```
/// use rekall_model::{Embedder, Error, Fingerprint};
///
/// /// Counts letters: far from a good model, but a complete one.
/// struct Letters(Fingerprint);
///
/// impl Embedder for Letters {
///     fn fingerprint(&self) -> &Fingerprint {
///         &self.0
///     }
///     fn dimensions(&self) -> usize {
///         26
///     }
///     fn max_tokens(&self) -> Option<usize> {
///         None
///     }
///     fn count_tokens(&self, text: &str) -> Result<usize, Error> {
///         Ok(text.split_whitespace().count())
///     }
///     fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
///         let mut rows = Vec::new();
///         for (index, text) in texts.iter().enumerate() {
///             let mut row = [0.0_f32; 26];
///             let letters = text.bytes().map(|b| b.to_ascii_lowercase()).filter(u8::is_ascii_lowercase);
///             letters.for_each(|b| row[usize::from(b - b'a')] += 1.0);
///             let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
///             if length == 0.0 {
///                 return Err(Error::Unembeddable { index });
///             }
///             rows.extend(row.iter().map(|x| x / length));
///         }
///         Ok(rows)
///     }
///     fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
///         self.embed_documents(&[text])
///     }
///     fn memory_bytes(&self) -> usize {
///         0
///     }
/// }
///
/// let model = Letters(Fingerprint::external("letters", 26));
/// assert_eq!(model.embed_documents(&["ab", "c"])?.len(), 2 * 26);
/// assert_eq!(model.embed_query("Ab!")?, model.embed_query("ba")?);
/// # Ok::<(), Error>(())
/// ```
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
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// let text = "the server does not answer";
    /// assert!(model.max_tokens().is_some_and(|limit| model.count_tokens(text).is_ok_and(|n| n <= limit)));
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    fn count_tokens(&self, text: &str) -> Result<usize, Error>;

    /// One contiguous row-major matrix, `texts.len()` × [`dimensions`](Self::dimensions), unit rows,
    /// in input order.
    ///
    /// # Errors
    /// [`Error::Unembeddable`] with the position of the first text that has no vector;
    /// [`embed_documents_observed`](Self::embed_documents_observed) continues with the others instead.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// let rows = model.embed_documents(&["le serveur ne répond plus", "a recipe for bread"])?;
    /// let (first, second) = rows.split_at(model.dimensions());
    /// assert!((first.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    /// assert_eq!(first.len(), second.len());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error>;

    /// The unit vector of a question.
    ///
    /// # Errors
    /// [`Error::Unembeddable`] when the model knows nothing of it. What this crate's models know: pieces that
    /// hold a letter, a digit or an emoji; word borders and punctuation do not count. A static model must know
    /// a whole word or three letters of one, because it only adds up its pieces.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::Error;
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// assert_eq!(model.embed_query("which server is down?")?.len(), model.dimensions());
    /// assert!(matches!(model.embed_query(""), Err(Error::Unembeddable { index: 0 })));
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error>;

    /// How much of a text the model knows: the share, 0 to 1, of its letters, digits and emoji that stand in
    /// whole words or in parts of three letters or more (one character is enough where scripts have no
    /// alphabet). Text of the model's languages has nearly 1; base64, hashes and random letters are near 0,
    /// although the model has pieces for them, and a vector that says next to nothing. `None` when the model
    /// cannot tell, which is the default.
    ///
    /// Costs the same as [`count_tokens`](Self::count_tokens).
    ///
    /// # Errors
    /// [`Error::Tokenize`].
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// assert_eq!(model.known_share("the server does not answer")?, Some(1.0));
    /// assert_eq!(model.known_share("3f2a9c0b")?, Some(0.0));
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        let _ = text;
        Ok(None)
    }

    /// Bytes of heap the model holds; pages of a mapped file or of the executable do not count.
    fn memory_bytes(&self) -> usize;

    /// When another process last used this very model, which idle time counts from as well.
    #[doc(hidden)]
    fn used_elsewhere(&self) -> Option<Instant> {
        None
    }

    /// As [`embed_documents`](Self::embed_documents), with a report: which texts were cut, which have no
    /// vector (their rows are zero and must not be stored), how many tokens each had. `observe` is called
    /// between micro-batches, and may be called again before more texts are finished; it can stop the work.
    ///
    /// The default body embeds 64 texts at a time.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `observe` breaks; otherwise as `embed_documents`, without
    /// `Unembeddable`.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use std::ops::ControlFlow;
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// let report = model.embed_documents_observed(&["a server", "", "bread"], &mut |progress| {
    ///     println!("{} of {} texts", progress.texts, progress.total);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(report.unembeddable, [1], "an empty text has no vector");
    /// assert!(report.row(0).is_some() && report.row(1).is_none());
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
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
                result.known_shares[i] = self.known_share(text)?;
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
///
/// ```
/// use std::ops::ControlFlow;
/// use rekall_model::Progress;
///
/// /// Stops after a thousand texts.
/// fn observe(progress: Progress) -> ControlFlow<()> {
///     if progress.texts < 1_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// }
///
/// assert!(observe(Progress { texts: 64, total: 5_000, tokens: 900 }).is_continue());
/// ```
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
    /// How much of each text the model knows, see [`Embedder::known_share`].
    pub known_shares: Vec<Option<f32>>,
    /// Positions of texts that were cut at the model's limit, ascending.
    pub truncated: Vec<usize>,
    /// Positions of texts without a vector, ascending.
    pub unembeddable: Vec<usize>,
}

impl Embeddings {
    /// A report over `texts` texts with nothing in it yet.
    ///
    /// ```
    /// use rekall_model::Embeddings;
    ///
    /// let report = Embeddings::zeroed(2, 3);
    /// assert_eq!((report.rows.len(), report.token_counts.len()), (6, 2));
    /// ```
    pub fn zeroed(texts: usize, dimensions: usize) -> Self {
        Self {
            rows: vec![0.0; texts * dimensions],
            dimensions,
            token_counts: vec![0; texts],
            known_shares: vec![None; texts],
            ..Self::default()
        }
    }

    /// The vector of text `index`; `None` where there is none, or no such text.
    ///
    /// ```
    /// use rekall_model::Embeddings;
    ///
    /// let mut report = Embeddings::zeroed(2, 3);
    /// report.unembeddable.push(1);
    /// assert_eq!(report.row(0), Some(&[0.0; 3][..]));
    /// assert_eq!((report.row(1), report.row(2)), (None, None));
    /// ```
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
    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        (**self).known_share(text)
    }
    fn memory_bytes(&self) -> usize {
        (**self).memory_bytes()
    }
    fn used_elsewhere(&self) -> Option<Instant> {
        (**self).used_elsewhere()
    }
    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        (**self).embed_documents_observed(texts, observe)
    }
}
