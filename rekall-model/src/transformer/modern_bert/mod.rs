//! ModernBERT: rotary positions, layers that look at a whole text and layers that look at what is near, gated units,
//! norms before each part. After Warner et al., "Smarter, Better, Faster, Longer" (2024).

mod config;
mod forward;
mod weights;

use super::kept::Matrices;
use super::rotary::Rotary;
use super::weight_files::Tensors;
use crate::Error;

pub(super) use config::Config;
pub(super) use forward::ModernBert;
pub(super) use weights::WORDS;

impl ModernBert {
    /// Reads and checks the weights. `limit`: the longest text, in tokens.
    pub(super) fn read(
        tensors: &Tensors<'_>,
        config: &Config,
        limit: usize,
        matrices: &Matrices,
    ) -> Result<Self, Error> {
        let weights = weights::Weights::read(tensors, config, matrices)?;
        let rotary = |is_global| Rotary::new(config.theta(is_global), config.head_size(), limit);
        Ok(Self { config: config.clone(), weights, global: rotary(true), local: rotary(false) })
    }
}
