//! The layers of a Qwen3 or Gemma 3 network: each part gets its input normalized, and its output is added to the input as it was.

use super::config::Config;
use super::weights::{Layer, Weights};
use crate::Error;
use crate::cpu::{Activation, add_scaled, rms_norm};
use crate::transformer::attention::Attention;
use crate::transformer::encoder::{Encoder, FeedForward, Sequence, linear, project_heads};
use crate::transformer::heads::Heads;
use crate::transformer::rotary::Rotary;
use crate::transformer::tensor_parallel::{Partition, Shard};
use crate::transformer::wanted::Wanted;
use crate::transformer::workspace::Workspace;

/// A Qwen3 or Gemma 3 network.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(super) config: Config,
    pub(super) weights: Weights,
    /// The positions of layers that see the whole text, and of those that do not.
    pub(super) global: Rotary,
    pub(super) local: Rotary,
}

impl Encoder for Decoder {
    fn width(&self) -> usize {
        self.config.hidden_size
    }

    fn heads(&self) -> usize {
        self.config.heads
    }

    fn head_size(&self) -> usize {
        self.config.head_size
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
        let scale = if config.is_gemma { (width as f32).sqrt() } else { 1.0 };
        for (&id, row) in texts.iter().flat_map(|text| text.ids).zip(hidden.chunks_exact_mut(width)) {
            weights.words.add_to(id, row)?;
            row.iter_mut().for_each(|x| *x *= scale);
        }
        let layers = wanted.in_layers(&weights.layers).zip(&config.is_local);
        for ((layer, wanted), &is_local) in layers {
            if !self.layer(workspace, layer, is_local, texts, wanted, shard) {
                return Ok(false);
            }
        }
        let hidden = workspace.hidden.sized(wanted.count(texts) * width);
        rms_norm(hidden, width, 0..width, &weights.norm, config.epsilon as f32);
        Ok(true)
    }
}

impl Decoder {
    /// False if a worker has to stop.
    fn layer(
        &self,
        workspace: &mut Workspace,
        layer: &Layer,
        is_local: bool,
        texts: &[Sequence<'_>],
        wanted: Wanted,
        shard: &mut Shard,
    ) -> bool {
        let tokens = Wanted::All.count(texts);
        let config = &self.config;
        let width = config.hidden_size;
        let heads = Heads { count: config.heads, keys: config.key_heads, size: config.head_size };
        let epsilon = config.epsilon as f32;
        let (reach, rotary) = if is_local { (Some(config.reach), &self.local) } else { (None, &self.global) };
        let Workspace { hidden, normed, context, branch, inner, room, attention } = workspace;
        let (hidden, normed) = (hidden.sized(tokens * width), normed.sized(tokens * width));
        normed.copy_from_slice(hidden);
        rms_norm(normed, width, 0..width, &layer.input_norm, epsilon);

        let looks = Attention { heads, reach, is_causal: config.is_causal, bias: None, wanted };
        let (all, divided) = (heads.width(), Partition::Heads(heads.count));
        let context = context.sized(wanted.count(texts) * all);
        let attended = shard.compute_and_gather(context, all, divided, |context, part| {
            let qkv = attention.qkv.sized(tokens * heads.row());
            project_heads(normed, tokens, &layer.qkv, heads, part.clone(), qkv, room);
            let [queries, keys, _] = heads.columns(part.clone());
            rms_norm(qkv, heads.row(), queries, &layer.query_norm, epsilon);
            rms_norm(qkv, heads.row(), keys, &layer.key_norm, epsilon);
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
        if let Some(norm) = &layer.attention_norm {
            rms_norm(branch, width, 0..width, norm, epsilon);
        }
        add_scaled(hidden, 1.0, branch, 1.0);
        normed.copy_from_slice(hidden);
        rms_norm(normed, width, 0..width, &layer.inner_norm, epsilon);

        // What the model's files call the gate is what is bent here.
        let (up, gate) = (&layer.gate, Some(&layer.up));
        let forward = FeedForward { up, activation: config.activation, gate, down: &layer.down };
        let go_on = go_on && forward.run(normed, tokens, (inner, room), branch, shard);
        if let Some(norm) = &layer.output_norm {
            rms_norm(branch, width, 0..width, norm, epsilon);
        }
        add_scaled(hidden, 1.0, branch, 1.0);
        go_on
    }
}
