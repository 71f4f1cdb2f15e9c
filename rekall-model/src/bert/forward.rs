//! From token ids to sentence vectors: the network, over several texts at once.
//!
//! The texts of a micro-batch are laid end to end. All but the attention works row by row, so there
//! is no padding: a micro-batch costs what its tokens cost.

use super::config::{Config, Pooling};
use super::weights::{Layer, Linear, Weights};
use crate::Error;
use crate::cpu::{
    Activation, PackedView, Product, add_layer_norm, layer_norm, multiply, panel_width, softmax_rows,
};

/// The buffers of one thread; grown as needed, reused between micro-batches and calls.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    hidden: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    branch: Vec<f32>,
    inner: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

/// Rows of queries scored at a time: enough for the product's tiles, few enough that the scores of
/// long texts stay in cache.
const QUERY_BLOCK: usize = 48;

impl Workspace {
    pub(super) fn memory_bytes(&self) -> usize {
        let Self { hidden, qkv, context, branch, inner, keys, values, scores } = self;
        [hidden, qkv, context, branch, inner, keys, values, scores].map(Vec::capacity).iter().sum::<usize>()
            * 4
    }

    /// Fills `rows[i]` with the pooled, not yet normalised, vector of `texts[i]`.
    ///
    /// # Errors
    /// [`Error::Compute`] for a token id without a vector, which no tokenizer of this model gives.
    pub(super) fn embed(
        &mut self,
        config: &Config,
        weights: &Weights,
        pooling: Pooling,
        texts: &[&[u32]],
        rows: &mut [&mut [f32]],
    ) -> Result<(), Error> {
        let width = config.hidden_size;
        let epsilon = config.layer_norm_eps as f32;
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let hidden = sized(&mut self.hidden, tokens * width);
        for ((position, &id), row) in
            texts.iter().flat_map(|text| text.iter().enumerate()).zip(hidden.chunks_exact_mut(width))
        {
            let position = (config.first_position() + position) * width;
            row.copy_from_slice(&weights.positions[position..position + width]);
            if !weights.words.add_to(id, row) {
                return Err(Error::Compute {
                    reason: format!("the tokenizer gave token {id}, which has no vector"),
                });
            }
        }
        layer_norm(hidden, &weights.norm.gamma, &weights.norm.beta, epsilon);
        for layer in &weights.layers {
            self.layer(config, layer, texts, tokens);
        }
        let mut at = 0;
        for (text, row) in texts.iter().zip(rows) {
            pool(&self.hidden[at * width..][..text.len() * width], width, pooling, row);
            at += text.len();
        }
        Ok(())
    }

    fn layer(&mut self, config: &Config, layer: &Layer, texts: &[&[u32]], tokens: usize) {
        let width = config.hidden_size;
        let inner_width = config.intermediate_size;
        let epsilon = config.layer_norm_eps as f32;
        let gelu = if config.hidden_act == "relu" { Activation::Relu } else { Activation::Gelu };

        let qkv = sized(&mut self.qkv, tokens * 3 * width);
        linear(&self.hidden, tokens, &layer.qkv, Activation::None, qkv);
        sized(&mut self.context, tokens * width);
        let mut at = 0;
        for text in texts {
            for head in 0..config.num_attention_heads {
                self.attend(config, at, text.len(), head);
            }
            at += text.len();
        }
        let branch = sized(&mut self.branch, tokens * width);
        linear(&self.context, tokens, &layer.attention, Activation::None, branch);
        let norm = &layer.attention_norm;
        add_layer_norm(&mut self.hidden[..tokens * width], branch, &norm.gamma, &norm.beta, epsilon);

        let inner = sized(&mut self.inner, tokens * inner_width);
        linear(&self.hidden, tokens, &layer.up, gelu, inner);
        linear(inner, tokens, &layer.down, Activation::None, branch);
        let norm = &layer.output_norm;
        add_layer_norm(&mut self.hidden[..tokens * width], branch, &norm.gamma, &norm.beta, epsilon);
    }

    /// One head of one text: softmax(Q Kᵀ / √d) V, into the context's columns of that head.
    fn attend(&mut self, config: &Config, first: usize, length: usize, head: usize) {
        let width = config.hidden_size;
        let size = width / config.num_attention_heads;
        let panel = panel_width();
        let stride = 3 * width;
        let row_of = |token: usize, part: usize| (first + token) * stride + part * width + head * size;

        // Keys as the columns of a packed matrix of `size` rows, values as a packed matrix of
        // `length` rows; padding stays zero.
        let padded = length.div_ceil(panel) * panel;
        let keys = sized(&mut self.keys, padded * size);
        for (token, lane) in (0..padded).map(|token| (token, token % panel)) {
            let target = &mut keys[token / panel * panel * size..];
            for t in 0..size {
                target[t * panel + lane] = if token < length { self.qkv[row_of(token, 1) + t] } else { 0.0 };
            }
        }
        let panels = size.div_ceil(panel);
        let values = sized(&mut self.values, panels * panel * length);
        for token in 0..length {
            let row = &self.qkv[row_of(token, 2)..][..size];
            for (index, part) in row.chunks(panel).enumerate() {
                let target = &mut values[(index * length + token) * panel..][..panel];
                target[..part.len()].copy_from_slice(part);
                target[part.len()..].fill(0.0);
            }
        }

        let scores = sized(&mut self.scores, QUERY_BLOCK.min(length) * padded);
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
                out: &mut self.context[(first + block) * width + head * size..],
                out_stride: width,
            });
        }
    }
}

fn linear(a: &[f32], rows: usize, layer: &Linear, activation: Activation, out: &mut [f32]) {
    let b = layer.weight.view();
    multiply(Product {
        a,
        a_stride: b.k,
        rows,
        b,
        bias: Some(&layer.bias),
        activation,
        out_stride: b.n,
        out,
    });
}

/// The first `length` numbers of a buffer; what they hold is stale.
fn sized(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    // Never shortened: growing it again would write zeros that nobody reads.
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

fn pool(tokens: &[f32], width: usize, pooling: Pooling, out: &mut [f32]) {
    match pooling {
        // A vector cut short is the front of the whole one.
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
