//! The layers of a post-norm network: each part's output is added to its input, and then normalized.

use super::form::{Distance, Form};
use super::weights::{Layer, Weights};
use crate::Error;
use crate::cpu::{Activation, add_layer_norm, layer_norm};
use crate::transformer::attention::Attention;
use crate::transformer::encoder::{Encoder, FeedForward, Sequence, linear, project_heads};
use crate::transformer::heads::Heads;
use crate::transformer::position_bias::PositionBias;
use crate::transformer::rotary::Rotary;
use crate::transformer::tensor_parallel::{Partition, Shard};
use crate::transformer::wanted::Wanted;
use crate::transformer::workspace::Workspace;

/// A network after BERT's plan.
#[derive(Debug)]
pub(crate) struct PostNorm {
    form: Form,
    weights: Weights,
    rotary: Option<Rotary>,
    bias: Option<PositionBias>,
}

impl Encoder for PostNorm {
    fn width(&self) -> usize {
        self.form.hidden_size
    }

    fn heads(&self) -> usize {
        self.form.heads
    }

    fn memory_bytes(&self) -> usize {
        self.weights.memory_bytes()
            + self.rotary.as_ref().map_or(0, Rotary::memory_bytes)
            + self.bias.as_ref().map_or(0, PositionBias::memory_bytes)
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
        let Self { form, weights, .. } = self;
        let width = form.hidden_size;
        let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
        let hidden = workspace.hidden.sized(tokens * width);
        let mut rows = hidden.chunks_exact_mut(width);
        for text in texts {
            let mut start = |token: usize, id: u32, position: usize| {
                let Some(row) = rows.next() else { return Ok(()) };
                row.copy_from_slice(&weights.positions[position * width..][..width]);
                weights.words.add_to(id, row)?;
                if text.second.is_some_and(|second| token >= second) {
                    row.iter_mut().zip(&weights.second_type).for_each(|(x, more)| *x += more);
                }
                Ok(())
            };
            match form.learned {
                Some(learned) => learned
                    .with_positions(text.ids)
                    .enumerate()
                    .try_for_each(|(token, (&id, position))| start(token, id, position))?,
                None => {
                    text.ids.iter().enumerate().try_for_each(|(token, &id)| start(token, id, 0))?;
                }
            }
        }
        layer_norm(hidden, &weights.norm.gamma, &weights.norm.beta, form.epsilon as f32);
        Ok(wanted
            .in_layers(&weights.layers)
            .all(|(layer, wanted)| self.layer(workspace, layer, texts, wanted, shard)))
    }
}

impl PostNorm {
    /// With the positions of texts of up to `limit` tokens.
    pub(super) fn new(form: Form, weights: Weights, limit: usize) -> Self {
        let size = form.hidden_size / form.heads;
        let rotary = form.rotary.map(|rope| Rotary::scaled(rope.theta, rope.factor, size, limit));
        let bias = form.distance.map(|distance| match distance {
            Distance::Buckets { .. } => PositionBias::of_buckets(&weights.buckets, form.heads, limit),
            Distance::Slopes => PositionBias::of_slopes(form.heads, limit),
        });
        Self { form, weights, rotary, bias }
    }

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
        let form = &self.form;
        let width = form.hidden_size;
        let (epsilon, activation) = (form.epsilon as f32, form.activation);
        let heads = Heads::own(form.heads, width / form.heads);
        let Workspace { hidden, context, branch, inner, room, attention, .. } = workspace;
        let hidden = hidden.sized(tokens * width);

        let looks = Attention { heads, reach: None, is_causal: false, bias: self.bias.as_ref(), wanted };
        let context = context.sized(wanted.count(texts) * width);
        let attended =
            shard.compute_and_gather(context, width, Partition::Heads(heads.count), |context, part| {
                let qkv = attention.qkv.sized(tokens * heads.row());
                project_heads(hidden, tokens, &layer.qkv, heads, part.clone(), qkv, room);
                if let Some(rotary) = &self.rotary {
                    rotary.turn(qkv, heads, texts, part.clone());
                }
                looks.attend(attention, texts, part, context);
            });
        if !attended {
            return false;
        }
        wanted.gather(hidden, width, texts);
        let tokens = wanted.count(texts);
        let hidden = &mut hidden[..tokens * width];
        let branch = branch.sized(tokens * width);
        let go_on = shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
            linear(context, tokens, &layer.attention, Activation::None, out, columns, room);
        });
        let norm = &layer.attention_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);

        let forward = FeedForward { up: &layer.up, activation, gate: layer.gate.as_ref(), down: &layer.down };
        let go_on = go_on && forward.run(hidden, tokens, (inner, room), branch, shard);
        let norm = &layer.output_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);
        go_on
    }
}
