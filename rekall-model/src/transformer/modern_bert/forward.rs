//! The layers of ModernBERT: each part gets its input normalized, and its output is added to the input as it was.

use super::config::Config;
use super::weights::{Layer, Weights};
use crate::Error;
use crate::cpu::{Activation, add_then_norm, layer_norm};
use crate::transformer::attention::Attention;
use crate::transformer::encoder::{Encoder, FeedForward, Sequence, linear, project_heads};
use crate::transformer::heads::Heads;
use crate::transformer::rotary::Rotary;
use crate::transformer::tensor_parallel::{Partition, Shard};
use crate::transformer::wanted::Wanted;
use crate::transformer::workspace::Workspace;

/// A ModernBERT network.
#[derive(Debug)]
pub(crate) struct ModernBert {
    pub(super) config: Config,
    pub(super) weights: Weights,
    /// The positions of layers that see the whole text, and of those that do not.
    pub(super) global: Rotary,
    pub(super) local: Rotary,
}

impl Encoder for ModernBert {
    fn width(&self) -> usize {
        self.config.hidden_size
    }

    fn heads(&self) -> usize {
        self.config.num_attention_heads
    }

    fn memory_bytes(&self) -> usize {
        self.weights.memory_bytes() + self.global.memory_bytes() + self.local.memory_bytes()
    }

    fn matrix_bytes(&self) -> usize {
        self.weights.matrix_bytes()
    }

    fn encode(
        &self,
        workspace: &mut Workspace,
        texts: &[Sequence<'_>],
        wanted: Wanted,
        shard: &mut Shard,
    ) -> Result<bool, Error> {
        let Self { config, weights, .. } = self;
        let width = config.hidden_size;
        let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
        let hidden = workspace.hidden.sized(tokens * width);
        hidden.fill(0.0);
        for (&id, row) in texts.iter().flat_map(|text| text.ids).zip(hidden.chunks_exact_mut(width)) {
            weights.words.add_to(id, row)?;
        }
        layer_norm(hidden, &weights.norm.gamma, &weights.norm.beta, config.norm_eps as f32);
        // The first layer gets them as they are.
        workspace.normed.sized(tokens * width).copy_from_slice(hidden);
        let go_on = wanted
            .in_layers(&weights.layers)
            .all(|(layer, wanted)| self.layer(workspace, layer, texts, wanted, shard));
        std::mem::swap(&mut workspace.hidden, &mut workspace.normed);
        Ok(go_on)
    }
}

impl ModernBert {
    /// False if a worker has to stop.
    fn layer(
        &self,
        workspace: &mut Workspace,
        layer: &Layer,
        texts: &[Sequence<'_>],
        wanted: Wanted,
        shard: &mut Shard,
    ) -> bool {
        let tokens = Wanted::All.count(texts);
        let config = &self.config;
        let width = config.hidden_size;
        let epsilon = config.norm_eps as f32;
        let activation = if config.hidden_activation == "silu" { Activation::Silu } else { Activation::Gelu };
        let (reach, rotary) =
            if layer.is_global { (None, &self.global) } else { (Some(config.reach()), &self.local) };
        let Workspace { hidden, normed, context, branch, inner, room, attention } = workspace;
        let (hidden, normed) = (hidden.sized(tokens * width), normed.sized(tokens * width));

        let heads = Heads::own(config.num_attention_heads, config.head_size());
        let looks = Attention { heads, reach, is_causal: false, bias: None, wanted };
        let context = context.sized(wanted.count(texts) * width);
        let attended =
            shard.compute_and_gather(context, width, Partition::Heads(heads.count), |context, part| {
                let qkv = attention.qkv.sized(tokens * heads.row());
                project_heads(normed, tokens, &layer.qkv, heads, part.clone(), qkv, room);
                rotary.turn(qkv, heads, texts, part.clone());
                looks.attend(attention, texts, part, context);
            });
        if !attended {
            return false;
        }
        wanted.gather(hidden, width, texts);
        let tokens = wanted.count(texts);
        let (hidden, normed) = (&mut hidden[..tokens * width], &mut normed[..tokens * width]);
        let branch = branch.sized(tokens * width);
        let go_on = shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
            linear(context, tokens, &layer.attention, Activation::None, out, columns, room);
        });
        let norm = &layer.inner_norm;
        add_then_norm(hidden, branch, normed, &norm.gamma, &norm.beta, epsilon);

        let forward = FeedForward { up: &layer.up, activation, gate: Some(&layer.gate), down: &layer.down };
        let go_on = go_on && forward.run(normed, tokens, (inner, room), branch, shard);
        let norm = &layer.next_norm;
        add_then_norm(hidden, branch, normed, &norm.gamma, &norm.beta, epsilon);
        go_on
    }
}
