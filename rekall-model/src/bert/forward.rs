//! From token ids to sentence vectors: the network, over several texts at once.
//!
//! The texts of a micro-batch are concatenated. Everything except the attention works row by row, so there is
//! no padding: the time depends on the number of tokens alone.

use std::ops::Range;

use super::config::{Config, Pooling};
use super::tensor_parallel::{Partition, Shard};
use super::weights::{Layer, Linear, Weights};
use crate::Error;
use crate::cpu::{
    Activation, Buffer, PackedView, Product, add_layer_norm, layer_norm, multiply, panel_width, softmax_rows,
};

/// The network: its settings and its numbers.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) config: Config,
    pub(super) pooling: Pooling,
    pub(super) weights: Weights,
}

impl Network {
    /// How many threads can work on one text: a head is not divided, and each part of a matrix consists of
    /// whole panels. A small network is done before another thread has woken up.
    pub(super) fn max_shards(&self) -> usize {
        let heads = self.config.num_attention_heads;
        let whole_panels = (self.config.hidden_size / heads).is_multiple_of(panel_width());
        if whole_panels && self.weights.memory_bytes() >= SHARDED_WEIGHTS_BYTES { heads } else { 1 }
    }
}

/// Weights from this size on take more than half a millisecond to read.
const SHARDED_WEIGHTS_BYTES: usize = 8 << 20;

/// A workspace larger than this is freed after the call.
const KEPT_BYTES: usize = 2 << 20;

/// The buffers of one thread; grown as needed, reused between micro-batches and calls.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    hidden: Buffer,
    qkv: Buffer,
    context: Buffer,
    branch: Buffer,
    inner: Buffer,
    keys: Buffer,
    values: Buffer,
    scores: Buffer,
}

/// Query rows scored at a time: enough for the product's tiles, few enough that the scores of long texts stay
/// in cache.
const QUERY_BLOCK: usize = 48;

impl Workspace {
    pub(super) fn memory_bytes(&self) -> usize {
        let Self { hidden, qkv, context, branch, inner, keys, values, scores } = self;
        let all = [hidden, qkv, context, branch, inner, keys, values, scores];
        all.map(Buffer::memory_bytes).iter().sum()
    }

    /// Frees buffers that only large batches need.
    pub(super) fn shrink(&mut self) {
        if self.memory_bytes() > KEPT_BYTES {
            *self = Self::default();
        }
    }

    /// Fills `rows[i]` with the pooled, not yet normalized, vector of `texts[i]`. A worker, which computes
    /// only a shard, passes no rows, and stops early if its result is no longer needed.
    ///
    /// # Errors
    /// [`Error::Compute`] for a token id without a vector, which no tokenizer of this model gives.
    pub(super) fn embed(
        &mut self,
        network: &Network,
        texts: &[&[u32]],
        rows: &mut [&mut [f32]],
        shard: &mut Shard,
    ) -> Result<(), Error> {
        let Network { config, pooling, weights } = network;
        let width = config.hidden_size;
        let epsilon = config.layer_norm_eps as f32;
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let hidden = self.hidden.sized(tokens * width);
        for ((&id, position), row) in
            texts.iter().flat_map(|text| config.with_positions(text)).zip(hidden.chunks_exact_mut(width))
        {
            let position = position * width;
            row.copy_from_slice(&weights.positions[position..position + width]);
            if !weights.words.add_to(id, row) {
                return Err(Error::Compute {
                    reason: format!("the tokenizer gave token {id}, which has no vector"),
                });
            }
        }
        layer_norm(hidden, &weights.norm.gamma, &weights.norm.beta, epsilon);
        for layer in &weights.layers {
            if !self.layer(config, layer, texts, tokens, shard) {
                return Ok(());
            }
        }
        let mut at = 0;
        for (text, row) in texts.iter().zip(rows) {
            pool(&self.hidden[at * width..][..text.len() * width], width, *pooling, row);
            at += text.len();
        }
        Ok(())
    }

    /// False if a worker has to stop.
    fn layer(
        &mut self,
        config: &Config,
        layer: &Layer,
        texts: &[&[u32]],
        tokens: usize,
        shard: &mut Shard,
    ) -> bool {
        let width = config.hidden_size;
        let inner_width = config.intermediate_size;
        let epsilon = config.layer_norm_eps as f32;
        let gelu = if config.hidden_act == "relu" { Activation::Relu } else { Activation::Gelu };

        let heads = Partition::Heads(config.num_attention_heads);
        // Taken out of `self` while its other buffers are in use.
        let mut context = std::mem::take(&mut self.context);
        let attended =
            shard.compute_and_gather(context.sized(tokens * width), width, heads, |context, heads| {
                self.attend(config, layer, texts, heads, context);
            });
        self.context = context;
        if !attended {
            return false;
        }
        let (context, hidden) = (&self.context[..tokens * width], self.hidden.sized(tokens * width));

        let branch = self.branch.sized(tokens * width);
        let go_on = shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
            linear(context, tokens, &layer.attention, Activation::None, out, columns);
        });
        let norm = &layer.attention_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);

        let inner = self.inner.sized(tokens * inner_width);
        let go_on = go_on
            && shard.compute_and_gather(inner, inner_width, Partition::Panels, |out, columns| {
                linear(hidden, tokens, &layer.up, gelu, out, columns);
            })
            && shard.compute_and_gather(branch, width, Partition::Panels, |out, columns| {
                linear(inner, tokens, &layer.down, Activation::None, out, columns);
            });
        let norm = &layer.output_norm;
        add_layer_norm(hidden, branch, &norm.gamma, &norm.beta, epsilon);
        go_on
    }

    /// Some heads of all texts, into the context's columns of those heads.
    fn attend(
        &mut self,
        config: &Config,
        layer: &Layer,
        texts: &[&[u32]],
        heads: Range<usize>,
        context: &mut [f32],
    ) {
        let width = config.hidden_size;
        let size = width / config.num_attention_heads;
        let tokens = context.len() / width;
        let qkv = self.qkv.sized(tokens * 3 * width);
        let mut project = |columns| linear(&self.hidden, tokens, &layer.qkv, Activation::None, qkv, columns);
        if heads.len() == config.num_attention_heads {
            project(0..3 * width);
        } else {
            for first in [0, width, 2 * width] {
                project(first + heads.start * size..first + heads.end * size);
            }
        }
        let mut at = 0;
        for text in texts {
            for head in heads.clone() {
                self.attend_head(config, at, text.len(), head, context);
            }
            at += text.len();
        }
    }

    /// One head of one text: softmax(Q Kᵀ / √d) V, into the context's columns of that head.
    fn attend_head(
        &mut self,
        config: &Config,
        first: usize,
        length: usize,
        head: usize,
        context: &mut [f32],
    ) {
        let width = config.hidden_size;
        let size = width / config.num_attention_heads;
        let panel = panel_width();
        let stride = 3 * width;
        let row_of = |token: usize, part: usize| (first + token) * stride + part * width + head * size;

        // Keys as the columns of a packed matrix of `size` rows, values as a packed matrix of
        // `length` rows; padding stays zero.
        let padded = length.div_ceil(panel) * panel;
        let keys = self.keys.sized(padded * size);
        for (token, lane) in (0..padded).map(|token| (token, token % panel)) {
            let target = &mut keys[token / panel * panel * size..];
            for t in 0..size {
                target[t * panel + lane] = if token < length { self.qkv[row_of(token, 1) + t] } else { 0.0 };
            }
        }
        let panels = size.div_ceil(panel);
        let values = self.values.sized(panels * panel * length);
        for token in 0..length {
            let row = &self.qkv[row_of(token, 2)..][..size];
            for (index, part) in row.chunks(panel).enumerate() {
                let target = &mut values[(index * length + token) * panel..][..panel];
                target[..part.len()].copy_from_slice(part);
                target[part.len()..].fill(0.0);
            }
        }

        let scores = self.scores.sized(QUERY_BLOCK.min(length) * padded);
        let scale = 1.0 / (size as f32).sqrt();
        for block in (0..length).step_by(QUERY_BLOCK) {
            let rows = QUERY_BLOCK.min(length - block);
            let scores = &mut scores[..rows * padded];
            multiply(Product {
                a: &self.qkv[row_of(block, 0)..],
                a_stride: stride,
                rows,
                b: PackedView { panels: keys, k: size, n: padded },
                bias: None,
                activation: Activation::None,
                out: scores,
                out_stride: padded,
            });
            softmax_rows(scores, padded, length, scale);
            multiply(Product {
                a: scores,
                a_stride: padded,
                rows,
                b: PackedView { panels: values, k: length, n: size },
                bias: None,
                activation: Activation::None,
                out: &mut context[(first + block) * width + head * size..],
                out_stride: width,
            });
        }
    }
}

/// The given columns of a linear layer's output, at their places in whole rows.
fn linear(
    a: &[f32],
    rows: usize,
    layer: &Linear,
    activation: Activation,
    out: &mut [f32],
    columns: Range<usize>,
) {
    let b = layer.weight.view();
    multiply(Product {
        a,
        a_stride: b.k,
        rows,
        b: b.columns(columns.clone()),
        bias: Some(&layer.bias[columns.clone()]),
        activation,
        out_stride: b.n,
        out: &mut out[columns.start..],
    });
}

fn pool(tokens: &[f32], width: usize, pooling: Pooling, out: &mut [f32]) {
    match pooling {
        // A shortened vector is the beginning of the whole one.
        Pooling::Cls => out.copy_from_slice(&tokens[..out.len()]),
        Pooling::Max => {
            out.fill(f32::NEG_INFINITY);
            for token in tokens.chunks_exact(width) {
                for (x, &y) in out.iter_mut().zip(token) {
                    *x = x.max(y);
                }
            }
        }
        Pooling::Mean => {
            out.fill(0.0);
            for token in tokens.chunks_exact(width) {
                for (x, &y) in out.iter_mut().zip(token) {
                    *x += y;
                }
            }
            let count = (tokens.len() / width) as f32;
            out.iter_mut().for_each(|x| *x /= count);
        }
    }
}
