//! The layers of BERT: each part's output is added to its input, and then normalized.

use super::config::Config;
use super::weights::{Layer, Weights};
use crate::Error;
use crate::cpu::{Activation, add_layer_norm, layer_norm};
use crate::transformer::attention::Attention;
use crate::transformer::encoder::{Encoder, Sequence, linear, project_heads};
use crate::transformer::tensor_parallel::{Partition, Shard};
use crate::transformer::workspace::Workspace;

/// A BERT or RoBERTa network.
#[derive(Debug)]
pub(crate) struct Bert {
    pub(super) config: Config,
    pub(super) weights: Weights,
}

impl Encoder for Bert {
    fn width(&self) -> usize {
        self.config.hidden_size
    }

    fn heads(&self) -> usize {
        self.config.num_attention_heads
    }

    fn memory_bytes(&self) -> usize {
        self.weights.memory_bytes()
    }

    fn encode(
        &self,
        workspace: &mut Workspace,
        texts: &[Sequence<'_>],
        shard: &mut Shard,
    ) -> Result<bool, Error> {
        let Self { config, weights } = self;
        let width = config.hidden_size;
        let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
        let hidden = workspace.hidden.sized(tokens * width);
        let mut rows = hidden.chunks_exact_mut(width);
        for text in texts {
            for (token, ((&id, position), row)) in config.with_positions(text.ids).zip(&mut rows).enumerate()
            {
                let position = position * width;
                row.copy_from_slice(&weights.positions[position..position + width]);
                weights.words.add_to(id, row)?;
                if text.second.is_some_and(|second| token >= second) {
                    row.iter_mut().zip(&weights.second_type).for_each(|(x, more)| *x += more);
                }
            }
        }
        layer_norm(hidden, &weights.norm.gamma, &weights.norm.beta, config.layer_norm_eps as f32);
        Ok(weights.layers.iter().all(|layer| self.layer(workspace, layer, texts, tokens, shard)))
    }
}

impl Bert {
    /// False if a worker has to stop.
    fn layer(
        &self,
        workspace: &mut Workspace,
        layer: &Layer,
        texts: &[Sequence<'_>],
        tokens: usize,
        shard: &mut Shard,
    ) -> bool {
        let config = &self.config;
        let (width, inner_width) = (config.hidden_size, config.intermediate_size);
        let epsilon = config.layer_norm_eps as f32;
        let activation = if config.hidden_act == "relu" { Activation::Relu } else { Activation::Gelu };
        let Workspace { hidden, context, branch, inner, attention, .. } = workspace;
        let hidden = hidden.sized(tokens * width);

        let heads = config.num_attention_heads;
        let looks = Attention { width, heads, reach: None };
        let context = context.sized(tokens * width);
        let attended = shard.compute_and_gather(context, width, Partition::Heads(heads), |context, part| {
            let qkv = attention.qkv.sized(tokens * 3 * width);
            project_heads(hidden, tokens, &layer.qkv, part.clone(), heads, qkv);
            looks.attend(attention, texts, part, context);
        });
        if !attended {
            return false;
        }
        let branch = branch.sized(tokens * width);
        let go_on = shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
            linear(context, tokens, &layer.attention, Activation::None, out, columns);
        });
        let norm = &layer.attention_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);

        let inner = inner.sized(tokens * inner_width);
        let go_on = go_on
            && shard.compute_and_gather(inner, inner_width, Partition::Panels, |out, columns| {
                linear(hidden, tokens, &layer.up, activation, out, columns);
            })
            && shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
                linear(inner, tokens, &layer.down, Activation::None, out, columns);
            });
        let norm = &layer.output_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);
        go_on
    }
}
