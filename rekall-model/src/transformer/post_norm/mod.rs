//! Encoders after BERT's plan: each part's output is added to its input, and then normalized (post-norm). The families differ
//! in how positions enter, in whether the feed-forward part is gated, and in names; each has a file that makes a [`Form`] of
//! its `config.json`.

mod bert;
pub(super) mod distilbert;
mod form;
mod forward;
pub(super) mod gte;
pub(super) mod jina_bert;
pub(super) mod mpnet;
pub(super) mod nomic_bert;
mod weights;

use super::kept::Matrices;
use super::weight_files::Tensors;
use crate::Error;

pub(super) use bert::Config as BertConfig;
pub(super) use form::{Form, MAX_POSITIONS};
pub(super) use forward::PostNorm;
pub(super) use weights::WORDS;

impl PostNorm {
    /// Reads and checks the weights. `limit`: the longest text, in tokens.
    pub(super) fn read(
        tensors: &Tensors<'_>,
        form: Form,
        limit: usize,
        matrices: &Matrices,
    ) -> Result<Self, Error> {
        let weights = weights::Weights::read(tensors, &form, matrices)?;
        Ok(Self::new(form, weights, limit))
    }
}
