//! The contract of a model that judges how well passages answer a query.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::{Error, Progress};

/// A model that reads a query and a passage together and says how well they fit, which is more exact than comparing two
/// vectors, and costs a run of the network for each passage: for the best few hits of a search.
///
/// ```
/// use rekall_model::{Error, Reranker};
///
/// /// Counts common words.
/// struct CommonWords;
///
/// impl Reranker for CommonWords {
///     fn model(&self) -> &str {
///         "common words"
///     }
///     fn max_tokens(&self) -> Option<usize> {
///         None
///     }
///     fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, Error> {
///         let common = |passage: &&str| query.split(' ').filter(|word| passage.contains(word)).count() as f32;
///         Ok(passages.iter().map(common).collect())
///     }
///     fn memory_bytes(&self) -> usize {
///         0
///     }
/// }
///
/// let scores = CommonWords.scores("server down", &["the server is down", "a recipe"])?;
/// assert!(scores[0] > scores[1]);
/// # Ok::<(), Error>(())
/// ```
pub trait Reranker: Send + Sync {
    /// The model's short human name.
    fn model(&self) -> &str;

    /// The most tokens of a query and a passage together that are read, special ones left out; `None`: no limit.
    fn max_tokens(&self) -> Option<usize>;

    /// The score of each passage, in their order: any finite number, greater is better. Scores of one model can be compared
    /// between queries as far as its training goes; those of two models cannot.
    ///
    /// # Errors
    /// What the tokenizer or the network fails with, as of an [`Embedder`](crate::Embedder).
    fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, Error>;

    /// As [`scores`](Self::scores), and says how many passages are done; `observe` is called on the calling thread, now
    /// and then, and may stop the work.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when it did; as [`scores`](Self::scores).
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// use rekall_model::{LoadOptions, load_reranker};
    ///
    /// let model = load_reranker(&"hub:cross-encoder/ms-marco-MiniLM-L6-v2".parse()?, &LoadOptions::new())?;
    /// let scores = model.scores_observed("server down", &["the server is down"], &mut |progress| {
    ///     println!("{} of {}", progress.texts, progress.total);
    ///     ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    fn scores_observed(
        &self,
        query: &str,
        passages: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, Error> {
        let total = passages.len();
        let mut scores = Vec::with_capacity(total);
        for (done, passage) in passages.iter().enumerate() {
            if observe(Progress { texts: done, total, tokens: 0 }).is_break() {
                return Err(Error::Cancelled { done, total });
            }
            scores.extend(self.scores(query, &[passage])?);
        }
        Ok(scores)
    }

    /// Heap the model holds, in bytes.
    fn memory_bytes(&self) -> usize;

    /// When another process last used this very model, which idle time counts from as well.
    #[doc(hidden)]
    fn used_elsewhere(&self) -> Option<Instant> {
        None
    }
}
