//! The numbers of a ModernBERT network.

use super::config::Config;
use crate::Error;
use crate::transformer::kept::Matrices;
use crate::transformer::reader::{Linear, Norm, Part, Reader, Table};
use crate::transformer::weight_files::Tensors;

/// The first tensor, by which the prefix of the others' names is found.
pub(crate) const WORDS: &str = "embeddings.tok_embeddings.weight";

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) is_global: bool,
    pub(super) qkv: Linear,
    pub(super) attention: Linear,
    pub(super) inner_norm: Norm,
    /// The two halves of the gated unit: what passes, and how much of it.
    pub(super) up: Linear,
    pub(super) gate: Linear,
    pub(super) down: Linear,
    /// The norm before what follows: the next layer, or the end.
    pub(super) next_norm: Norm,
}

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) words: Table,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Reads and checks every tensor of the network; others, such as a head for masked words, are ignored.
    pub(super) fn read(tensors: &Tensors<'_>, config: &Config, matrices: &Matrices) -> Result<Self, Error> {
        let reader = Reader::new(tensors, WORDS).with_matrices(matrices);
        let words = reader.table(WORDS, config.vocab_size, config.hidden_size)?;
        let norm = reader.norm("embeddings.norm", config.hidden_size, config.norm_bias)?;
        let layers = (0..config.num_hidden_layers).map(|index| Layer::read(&reader, index, config));
        Ok(Self { words, norm, layers: layers.collect::<Result<_, _>>()? })
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        let layers = self.layers.iter().map(Layer::memory_bytes).sum::<usize>();
        self.words.memory_bytes() + self.norm.memory_bytes() + layers
    }

    /// Bytes of the layers' matrices, wherever they lie.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.layers.iter().flat_map(Layer::linears).map(Linear::matrix_bytes).sum()
    }
}

impl Layer {
    fn read(reader: &Reader<'_>, index: usize, config: &Config) -> Result<Self, Error> {
        let Config { hidden_size: hidden, intermediate_size: inner, .. } = *config;
        let Config { attention_bias, mlp_bias, norm_bias, .. } = *config;
        let name = |part: &str| format!("layers.{index}.{part}");
        let linear =
            |part: &str, from, to, has_bias| reader.linear(&[Part::whole(name(part), to)], from, has_bias);
        // One matrix in the file.
        let half =
            |rows| reader.linear(&[Part { name: name("mlp.Wi"), rows, of: 2 * inner }], hidden, mlp_bias);
        let next_norm = match index + 1 {
            next if next < config.num_hidden_layers => format!("layers.{next}.attn_norm"),
            _ => "final_norm".into(),
        };
        Ok(Self {
            is_global: config.is_global(index),
            qkv: linear("attn.Wqkv", hidden, 3 * hidden, attention_bias)?,
            attention: linear("attn.Wo", hidden, hidden, attention_bias)?,
            inner_norm: reader.norm(&name("mlp_norm"), hidden, norm_bias)?,
            up: half(0..inner)?,
            gate: half(inner..2 * inner)?,
            down: linear("mlp.Wo", inner, hidden, mlp_bias)?,
            next_norm: reader.norm(&next_norm, hidden, norm_bias)?,
        })
    }

    fn linears(&self) -> [&Linear; 5] {
        [&self.qkv, &self.attention, &self.up, &self.gate, &self.down]
    }

    fn memory_bytes(&self) -> usize {
        let norms = [&self.inner_norm, &self.next_norm].map(Norm::memory_bytes);
        self.linears().into_iter().map(Linear::memory_bytes).chain(norms).sum()
    }
}
