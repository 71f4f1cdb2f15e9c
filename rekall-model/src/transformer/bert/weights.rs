//! The numbers of a BERT or RoBERTa network.

use std::path::Path;

use super::config::Config;
use crate::Error;
use crate::bytes::Bytes;
use crate::tensors;
use crate::transformer::kept::Matrices;
use crate::transformer::reader::{Linear, Norm, Part, Reader, Table};

/// The first tensor, by which the prefix of the others' names is found.
pub(crate) const WORDS: &str = "embeddings.word_embeddings.weight";

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value side by side: one product instead of three.
    pub(super) qkv: Linear,
    pub(super) attention: Linear,
    pub(super) attention_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) output_norm: Norm,
}

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) words: Table,
    /// Position vectors, with the first token type's added.
    pub(super) positions: Vec<f32>,
    /// What the second type's vector has more than the first one's; empty where there is one type only.
    pub(super) second_type: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Reads and checks every tensor of the network; others, such as a pooler's, are ignored.
    pub(super) fn read(
        path: &Path,
        file: &Bytes,
        config: &Config,
        matrices: &Matrices,
    ) -> Result<Self, Error> {
        let tensors = tensors::parse(path, file)?;
        let reader = Reader::new(path, file, &tensors, WORDS).with_matrices(matrices);
        let hidden = config.hidden_size;
        let words = reader.table(WORDS, config.vocab_size, hidden)?;
        let mut positions = reader
            .numbers("embeddings.position_embeddings.weight", &[config.max_position_embeddings, hidden])?;
        // A single text's tokens all have type 0, and so have those of the first of two.
        let types = reader.rows("embeddings.token_type_embeddings.weight", hidden)?;
        for row in positions.chunks_exact_mut(hidden) {
            for (x, t) in row.iter_mut().zip(&types[..hidden]) {
                *x += t;
            }
        }
        let second = types.chunks_exact(hidden).nth(1).unwrap_or_default();
        let second_type = second.iter().zip(&types).map(|(second, first)| second - first).collect();
        let norm = reader.norm("embeddings.LayerNorm", hidden, true)?;
        let layers = (0..config.num_hidden_layers).map(|index| Layer::read(&reader, index, config));
        Ok(Self { words, positions, second_type, norm, layers: layers.collect::<Result<_, _>>()? })
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.words.memory_bytes()
            + size_of_val(&*self.positions)
            + size_of_val(&*self.second_type)
            + self.norm.memory_bytes()
            + self.layers.iter().map(Layer::memory_bytes).sum::<usize>()
    }
}

impl Layer {
    fn read(reader: &Reader<'_>, index: usize, config: &Config) -> Result<Self, Error> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let linear = |part: &str, from, to| reader.linear(&[Part::whole(name(part), to)], from, true);
        let qkv = ["query", "key", "value"]
            .map(|part| Part::whole(name(&format!("attention.self.{part}")), hidden));
        Ok(Self {
            qkv: reader.linear(&qkv, hidden, true)?,
            attention: linear("attention.output.dense", hidden, hidden)?,
            attention_norm: reader.norm(&name("attention.output.LayerNorm"), hidden, true)?,
            up: linear("intermediate.dense", hidden, inner)?,
            down: linear("output.dense", inner, hidden)?,
            output_norm: reader.norm(&name("output.LayerNorm"), hidden, true)?,
        })
    }

    fn memory_bytes(&self) -> usize {
        let linear = [&self.qkv, &self.attention, &self.up, &self.down].map(Linear::memory_bytes);
        let norms = [&self.attention_norm, &self.output_norm].map(Norm::memory_bytes);
        linear.iter().chain(&norms).sum()
    }
}
