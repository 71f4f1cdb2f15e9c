//! Vectors of texts.

use std::ops::ControlFlow;

use rekall_model::{Embedder, Embeddings};
use serde::{Deserialize, Serialize};

use crate::long_call::Watch;
use crate::{Error, LongCall, Rekall};

/// What a text is embedded for: some models treat the two differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To search with.
    Query,
    /// To be found.
    Document,
}

impl Rekall {
    /// The vector of a text as a query, or as a document: what the file's model makes of it.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Purpose, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// let query = rekall.embed("a cat", Purpose::Query)?;
    /// let near = rekall.embed("un chat", Purpose::Document)?;
    /// let far = rekall.embed("une facture", Purpose::Document)?;
    /// use rekall::index::similarity;
    /// assert!(similarity(&query, &near) > similarity(&query, &far));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Model`].
    pub fn embed(&self, text: &str, purpose: Purpose) -> Result<Vec<f32>, Error> {
        let lease = self.models.load().lease(None)?;
        Ok(match purpose {
            Purpose::Query => lease.embed_query(text)?,
            Purpose::Document => lease.embed_documents(&[text])?,
        })
    }

    /// The vectors of several texts as queries, or as documents: one row of length 1 a text, in the order of
    /// the texts. As documents they are embedded together, which is faster than one by one; each row is what
    /// [`embed`](Self::embed) gives for its text. Progress counts texts.
    ///
    /// A text of which the model knows no word has no row ([`Embeddings::row`] gives `None`), one that is
    /// longer than the model reads is embedded up to there and listed in [`Embeddings::truncated`].
    /// [`Embeddings::known_shares`] says how much of each text the model knows. What is embedded of an entry,
    /// [`EntryPassages`](crate::storage::EntryPassages) says; these texts are taken as they are.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Purpose, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// let made = rekall.embed_many(&["un chat", "", "a cat"], Purpose::Document).run()?;
    /// assert_eq!(made.rows.len(), 3 * made.dimensions);
    /// assert!(made.row(0).is_some() && made.row(1).is_none());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Model`], [`Error::Interrupted`].
    pub fn embed_many<'a>(&'a self, texts: &'a [&'a str], purpose: Purpose) -> LongCall<'a, Embeddings> {
        LongCall::new(move |watch| self.embed_watched(texts, purpose, watch))
    }

    fn embed_watched(
        &self,
        texts: &[&str],
        purpose: Purpose,
        watch: &mut Watch<'_>,
    ) -> Result<Embeddings, Error> {
        watch.check_cancelled()?;
        let lease = self.models.load().lease(None)?;
        let total = texts.len();
        match purpose {
            Purpose::Document => Ok(lease.embed_documents_observed(texts, &mut |progress| {
                watch.report(progress.texts, total);
                match watch.check_cancelled() {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?),
            Purpose::Query => as_queries(&*lease, texts, watch),
        }
    }
}

/// Models know queries one by one.
fn as_queries(model: &dyn Embedder, texts: &[&str], watch: &mut Watch<'_>) -> Result<Embeddings, Error> {
    let mut made = Embeddings::zeroed(texts.len(), model.dimensions());
    for (at, text) in texts.iter().enumerate() {
        watch.check_cancelled()?;
        match model.embed_query(text) {
            Ok(row) if row.len() == made.dimensions => {
                made.rows[at * made.dimensions..][..made.dimensions].copy_from_slice(&row);
            }
            Ok(row) => return Err(Error::VectorLength { expected: made.dimensions, got: row.len() }),
            Err(rekall_model::Error::Unembeddable { .. }) => made.unembeddable.push(at),
            Err(error) => return Err(error.into()),
        }
        made.known_shares[at] = model.known_share(text)?;
        let tokens = model.count_tokens(text)?;
        made.token_counts[at] = u32::try_from(tokens).unwrap_or(u32::MAX);
        if model.max_tokens().is_some_and(|limit| tokens > limit) {
            made.truncated.push(at);
        }
        watch.report(at + 1, texts.len());
    }
    Ok(made)
}
