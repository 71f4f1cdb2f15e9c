//! The numbers of a Qwen3 or Gemma 3 network.

use super::config::Config;
use crate::Error;
use crate::transformer::kept::Matrices;
use crate::transformer::reader::{Linear, Part, Reader, Table};
use crate::transformer::weight_files::Tensors;

/// The first tensor, by which the prefix of the others' names is found.
pub(crate) const WORDS: &str = "embed_tokens.weight";

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) input_norm: Vec<f32>,
    /// Query, key and value side by side: one product instead of three.
    pub(super) qkv: Linear,
    /// With what the scores are to be scaled by beside the root of a head's size.
    pub(super) query_norm: Vec<f32>,
    pub(super) key_norm: Vec<f32>,
    pub(super) attention: Linear,
    /// Of what the attention gives; in Gemma alone.
    pub(super) attention_norm: Option<Vec<f32>>,
    pub(super) inner_norm: Vec<f32>,
    /// The two halves of the gated unit: what is activated, and what that is multiplied by.
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
    /// Of what the unit gives; in Gemma alone.
    pub(super) output_norm: Option<Vec<f32>>,
}

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) words: Table,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: Vec<f32>,
}

impl Weights {
    /// Reads and checks every tensor of the network; others, such as a language model's head, are ignored.
    pub(super) fn read(tensors: &Tensors<'_>, config: &Config, matrices: &Matrices) -> Result<Self, Error> {
        let reader = Reader::new(tensors, WORDS).with_matrices(matrices);
        let words = reader.table(WORDS, config.vocabulary, config.hidden_size)?;
        let layers = (0..config.layers).map(|index| Layer::read(&reader, index, config));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Self { words, layers, norm: scales(&reader, "norm", config.hidden_size, config)? })
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        let layers = self.layers.iter().map(Layer::memory_bytes).sum::<usize>();
        self.words.memory_bytes() + size_of_val(&*self.norm) + layers
    }

    /// Bytes of the layers' matrices, wherever they lie.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.layers.iter().flat_map(Layer::linears).map(Linear::matrix_bytes).sum()
    }
}

/// The scales of a norm.
fn scales(reader: &Reader<'_>, name: &str, width: usize, config: &Config) -> Result<Vec<f32>, Error> {
    let mut scales = reader.numbers(&format!("{name}.weight"), &[width])?;
    if config.is_gemma {
        scales.iter_mut().for_each(|scale| *scale += 1.0);
    }
    Ok(scales)
}

impl Layer {
    fn read(reader: &Reader<'_>, index: usize, config: &Config) -> Result<Self, Error> {
        let Config { hidden_size: hidden, inner_size: inner, heads, key_heads, head_size, .. } = *config;
        let name = |part: &str| format!("layers.{index}.{part}");
        let norm = |part: &str, width| scales(reader, &name(part), width, config);
        let linear =
            |part: &str, from, to, has_bias| reader.linear(&[Part::whole(name(part), to)], from, has_bias);
        let parts =
            [("self_attn.q_proj", heads), ("self_attn.k_proj", key_heads), ("self_attn.v_proj", key_heads)];
        let parts = parts.map(|(part, heads)| Part::whole(name(part), heads * head_size));
        let mut query_norm = norm("self_attn.q_norm", head_size)?;
        let factor = (head_size as f64 / config.query_scalar).sqrt() as f32;
        query_norm.iter_mut().for_each(|scale| *scale *= factor);
        let (attention_norm, inner_norm, output_norm) = if config.is_gemma {
            let after = norm("post_attention_layernorm", hidden)?;
            let output = norm("post_feedforward_layernorm", hidden)?;
            (Some(after), norm("pre_feedforward_layernorm", hidden)?, Some(output))
        } else {
            (None, norm("post_attention_layernorm", hidden)?, None)
        };
        Ok(Self {
            input_norm: norm("input_layernorm", hidden)?,
            qkv: reader.linear(&parts, hidden, config.attention_bias)?,
            query_norm,
            key_norm: norm("self_attn.k_norm", head_size)?,
            attention: linear("self_attn.o_proj", heads * head_size, hidden, config.attention_bias)?,
            attention_norm,
            inner_norm,
            gate: linear("mlp.gate_proj", hidden, inner, false)?,
            up: linear("mlp.up_proj", hidden, inner, false)?,
            down: linear("mlp.down_proj", inner, hidden, false)?,
            output_norm,
        })
    }

    fn linears(&self) -> [&Linear; 5] {
        [&self.qkv, &self.attention, &self.gate, &self.up, &self.down]
    }

    fn memory_bytes(&self) -> usize {
        let norms = [&self.input_norm, &self.query_norm, &self.key_norm, &self.inner_norm];
        let optional = [&self.attention_norm, &self.output_norm].into_iter().flatten();
        let norms = norms.into_iter().chain(optional).map(|norm| size_of_val(&**norm));
        self.linears().into_iter().map(Linear::memory_bytes).chain(norms).sum()
    }
}
