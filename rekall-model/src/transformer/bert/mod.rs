//! BERT, and its descendants that differ in positions and tokenizers only: RoBERTa, XLM-RoBERTa, CamemBERT.

mod config;
mod forward;
mod weights;

use std::path::Path;

use super::kept::Matrices;
use crate::Error;
use crate::bytes::Bytes;

pub(super) use config::Config;
pub(super) use forward::Bert;
pub(super) use weights::WORDS;

impl Bert {
    /// Reads and checks the weights.
    pub(super) fn read(
        path: &Path,
        file: &Bytes,
        config: &Config,
        matrices: &Matrices,
    ) -> Result<Self, Error> {
        Ok(Self { config: config.clone(), weights: weights::Weights::read(path, file, config, matrices)? })
    }
}
