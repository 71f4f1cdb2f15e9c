//! Decoders as encoders: language models whose rows are pooled, Qwen3 and Gemma 3. Norms are by the root mean square and stand
//! before each part (in Gemma also after it), queries and keys are normalized head by head, positions are rotary, units gated,
//! and several heads may share keys and values. A token sees the ones before it, or both sides, as the file says.

mod config;
mod forward;
mod weights;

use super::kept::Matrices;
use super::rotary::Rotary;
use super::weight_files::Tensors;
use crate::Error;

pub(super) use config::Config;
pub(super) use forward::Decoder;
pub(super) use weights::WORDS;

impl Decoder {
    /// Reads and checks the weights. `limit`: the longest text, in tokens.
    pub(super) fn read(
        tensors: &Tensors<'_>,
        config: &Config,
        limit: usize,
        matrices: &Matrices,
    ) -> Result<Self, Error> {
        let weights = weights::Weights::read(tensors, config, matrices)?;
        let rotary = |theta| Rotary::new(theta, config.head_size, limit);
        let (global, local) = (rotary(config.theta), rotary(config.local_theta));
        Ok(Self { config: config.clone(), weights, global, local })
    }
}
