//! From token ids to sentence vectors: an encoder over several texts at once, and the pooling on top.
//!
//! The texts of a micro-batch are concatenated. Everything except the attention works row by row, so there is
//! no padding: the time depends on the number of tokens alone.

use std::fmt::Debug;
use std::ops::Range;

use super::dense::Dense;
use super::heads::Heads;
use super::pooling::Pooling;
use super::reader::{Linear, Matrix};
use super::tensor_parallel::{Partition, Shard};
use super::wanted::Wanted;
use super::workspace::Workspace;
use crate::Error;
use crate::cpu::{Activation, Buffer, Product, multiply, multiply_int8, panel_width};

/// What a network reads: a text, or two behind one another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence<'a> {
    pub(super) ids: &'a [u32],
    /// Where the tokens of the other type begin, in networks that tell two texts apart by types.
    pub(super) second: Option<usize>,
}

impl<'a> Sequence<'a> {
    /// A single text.
    pub(super) fn of(ids: &'a [u32]) -> Self {
        Self { ids, second: None }
    }
}

/// A network that makes rows of tokens.
pub(super) trait Encoder: Debug + Send + Sync {
    /// Numbers of a row.
    fn width(&self) -> usize;

    fn heads(&self) -> usize;

    /// Numbers of one head.
    fn head_size(&self) -> usize {
        self.width() / self.heads()
    }

    /// Heap held.
    fn memory_bytes(&self) -> usize;

    /// Bytes of the layers' matrices, whether in memory or in a mapped file.
    fn matrix_bytes(&self) -> usize;

    /// Fills `workspace.hidden` with a row for each token that is wanted, text after text. False if a worker, which computes a shard,
    /// has to stop because its result is no longer needed.
    ///
    /// # Errors
    /// [`Error::Compute`] for a token id without a vector, which no tokenizer of this model gives.
    fn encode(
        &self,
        workspace: &mut Workspace,
        texts: &[Sequence<'_>],
        wanted: Wanted,
        shard: &mut Shard,
    ) -> Result<bool, Error>;
}

/// An encoder, and what is made of its rows.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) pooling: Pooling,
    /// What the pooled row goes through.
    pub(super) dense: Vec<Dense>,
}

/// Weights from this size on take more than half a millisecond to read.
const SHARDED_WEIGHTS_BYTES: usize = 8 << 20;

impl Network {
    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.encoder.memory_bytes() + self.dense.iter().map(Dense::memory_bytes).sum::<usize>()
    }

    /// How many threads can work on one text: a head is not divided, and each part of a matrix consists of
    /// whole panels. A small network is done before another thread has woken up.
    pub(super) fn max_shards(&self) -> usize {
        let heads = self.encoder.heads();
        let whole_panels = self.encoder.head_size().is_multiple_of(panel_width());
        if whole_panels && self.encoder.matrix_bytes() >= SHARDED_WEIGHTS_BYTES { heads } else { 1 }
    }

    /// Fills `rows[i]` with the pooled, not yet normalized, vector of `texts[i]`. A worker, which computes
    /// only a shard, passes no rows, and stops early if its result is no longer needed.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub(super) fn embed(
        &self,
        workspace: &mut Workspace,
        texts: &[Sequence<'_>],
        rows: &mut [&mut [f32]],
        shard: &mut Shard,
    ) -> Result<(), Error> {
        let wanted = self.pooling.wanted();
        if !self.encoder.encode(workspace, texts, wanted, shard)? {
            return Ok(());
        }
        let width = self.encoder.width();
        let mut at = 0;
        for (text, row) in texts.iter().zip(rows) {
            let length = wanted.of(text.ids.len()).len();
            let tokens = &workspace.hidden[at * width..][..length * width];
            if self.dense.is_empty() {
                self.pooling.pool(tokens, width, row);
            } else {
                let mut pooled = vec![0.0; width];
                self.pooling.pool(tokens, width, &mut pooled);
                let made = self.dense.iter().fold(pooled, |pooled, dense| dense.apply(&pooled));
                row.copy_from_slice(&made[..row.len()]);
            }
            at += length;
        }
        Ok(())
    }
}

/// The second part of a layer: each token's row made wider, bent, multiplied by a gate where there is one, and brought back.
pub(super) struct FeedForward<'a> {
    pub(super) up: &'a Linear,
    pub(super) activation: Activation,
    pub(super) gate: Option<&'a Linear>,
    pub(super) down: &'a Linear,
}

impl FeedForward<'_> {
    /// Fills `out` from the rows of `tokens` tokens. False if a worker has to stop.
    pub(super) fn run(
        &self,
        input: &[f32],
        tokens: usize,
        (inner, room): (&mut Buffer, &mut Buffer),
        out: &mut [f32],
        shard: &mut Shard,
    ) -> bool {
        let (wide, narrow) = (self.up.weight.width(), self.down.weight.width());
        let inner = inner.sized(tokens * wide);
        shard.compute_and_gather(inner, wide, Partition::Panels, |out, columns| {
            linear(input, tokens, self.up, self.activation, out, columns.clone(), room);
            if let Some(gate) = self.gate {
                linear(input, tokens, gate, Activation::Gate, out, columns, room);
            }
        }) && shard.compute_and_gather(out, narrow, Partition::Panels, |out, columns| {
            linear(inner, tokens, self.down, Activation::None, out, columns, room);
        })
    }
}

/// The given columns of a linear layer's output, at their places in whole rows. `room`: for rows as the product reads them.
pub(super) fn linear(
    a: &[f32],
    rows: usize,
    layer: &Linear,
    activation: Activation,
    out: &mut [f32],
    columns: Range<usize>,
    room: &mut Buffer,
) {
    let room = Some(room);
    let bias = layer.bias.as_ref().map(|bias| &bias[columns.clone()]);
    let out_stride = layer.weight.width();
    let out = &mut out[columns.start..];
    match &layer.weight {
        Matrix::F32(matrix) => {
            let b = matrix.view();
            let (a_stride, b) = (b.k, b.columns(columns));
            multiply(Product { a, a_stride, rows, b, bias, activation, out, out_stride, room });
        }
        Matrix::Int8(matrix) => {
            let b = matrix.view();
            let (a_stride, b) = (b.k, b.columns(columns));
            multiply_int8(Product { a, a_stride, rows, b, bias, activation, out, out_stride, room });
        }
    }
}

/// The queries of some of the heads, and the keys and values that they look at, at their places in whole rows; `layer` makes
/// all three.
pub(super) fn project_heads(
    a: &[f32],
    rows: usize,
    layer: &Linear,
    heads: Heads,
    part: Range<usize>,
    out: &mut [f32],
    room: &mut Buffer,
) {
    if part.len() == heads.count {
        return linear(a, rows, layer, Activation::None, out, 0..heads.row(), room);
    }
    for columns in heads.columns(part) {
        linear(a, rows, layer, Activation::None, out, columns, room);
    }
}
