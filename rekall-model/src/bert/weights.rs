//! The network's numbers, read from a safetensors file into the layout that the matrix product needs.
//!
//! Matrices are packed into memory of their own, once; the table of token vectors, half of a small model, is
//! used in the mapped file: only rows of tokens that occur are ever read.

use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use super::config::Config;
use crate::Error;
use crate::bytes::Bytes;
use crate::cpu::Packed;
use crate::tensors;

/// A linear layer.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) weight: Packed,
    pub(super) bias: Vec<f32>,
}

/// Scale and shift of a layer norm.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

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

/// Token vectors in the file's own precision.
#[derive(Debug)]
pub(super) struct Table {
    bytes: Bytes,
    dtype: Dtype,
    width: usize,
}

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) words: Table,
    /// Position vectors, with the one token type in use added.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Reads and checks every tensor of the network; others, such as a pooler's, are ignored.
    pub(super) fn read(path: &Path, file: &Bytes, config: &Config) -> Result<Self, Error> {
        let tensors = tensors::parse(path, file)?;
        let reader = Reader::new(path, file, &tensors);
        let hidden = config.hidden_size;
        let words = reader.table("embeddings.word_embeddings.weight", config.vocab_size, hidden)?;
        let mut positions = reader
            .numbers("embeddings.position_embeddings.weight", &[config.max_position_embeddings, hidden])?;
        // Sentence models read one text, whose tokens all have type 0.
        let types = reader.rows("embeddings.token_type_embeddings.weight", hidden)?;
        for row in positions.chunks_exact_mut(hidden) {
            for (x, t) in row.iter_mut().zip(&types[..hidden]) {
                *x += t;
            }
        }
        let norm = reader.norm("embeddings.LayerNorm", hidden)?;
        let layers = (0..config.num_hidden_layers).map(|i| reader.layer(i, config));
        Ok(Self { words, positions, norm, layers: layers.collect::<Result<_, _>>()? })
    }

    /// Heap held.
    pub(super) fn memory_bytes(&self) -> usize {
        let linear = |l: &Linear| l.weight.memory_bytes() + l.bias.len() * 4;
        let norm = |n: &Norm| (n.gamma.len() + n.beta.len()) * 4;
        let layer = |l: &Layer| {
            linear(&l.qkv)
                + linear(&l.attention)
                + linear(&l.up)
                + linear(&l.down)
                + norm(&l.attention_norm)
                + norm(&l.output_norm)
        };
        self.words.bytes.heap_bytes()
            + self.positions.len() * 4
            + norm(&self.norm)
            + self.layers.iter().map(layer).sum::<usize>()
    }
}

impl Table {
    /// Adds the vector of token `id` to `out`; false if there is none.
    pub(super) fn add_to(&self, id: u32, out: &mut [f32]) -> bool {
        let size = self.width * element_bytes(self.dtype);
        let start = id as usize * size;
        let Some(row) = self.bytes.get(start..start + size) else { return false };
        match self.dtype {
            Dtype::F16 => {
                for (x, b) in out.iter_mut().zip(row.as_chunks().0) {
                    *x += f16::from_le_bytes(*b).to_f32();
                }
            }
            Dtype::BF16 => {
                for (x, b) in out.iter_mut().zip(row.as_chunks().0) {
                    *x += bf16::from_le_bytes(*b).to_f32();
                }
            }
            _ => {
                for (x, b) in out.iter_mut().zip(row.as_chunks().0) {
                    *x += f32::from_le_bytes(*b);
                }
            }
        }
        true
    }
}

fn element_bytes(dtype: Dtype) -> usize {
    if dtype == Dtype::F32 { 4 } else { 2 }
}

struct Reader<'a> {
    path: &'a Path,
    file: &'a Bytes,
    tensors: &'a SafeTensors<'a>,
    /// The prefix of the tensors' names in the file: empty, `bert.`, `roberta.` …
    prefix: String,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, file: &'a Bytes, tensors: &'a SafeTensors<'a>) -> Self {
        const FIRST: &str = "embeddings.word_embeddings.weight";
        let names = tensors.names();
        let prefix = names.iter().find_map(|name| name.strip_suffix(FIRST)).unwrap_or_default().to_owned();
        Self { path, file, tensors, prefix }
    }

    fn bad(&self, expected: String, got: String) -> Error {
        Error::invalid_file(self.path, expected, got)
    }

    /// A tensor's bytes, type and shape.
    fn tensor(&self, name: &str) -> Result<(&'a [u8], Dtype, Vec<usize>), Error> {
        // Checkpoints converted from TensorFlow use the names gamma and beta.
        let old =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        let view = [name, &old]
            .into_iter()
            .find_map(|name| self.tensors.tensor(&format!("{}{name}", self.prefix)).ok());
        let Some(view) = view else {
            let expected = format!("a tensor `{}{name}`", self.prefix);
            return Err(self.bad(expected, format!("{} others", self.tensors.len())));
        };
        let dtype = view.dtype();
        if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(self.bad(format!("`{name}` in F32, F16 or BF16"), format!("{dtype:?}")));
        }
        Ok((view.data(), dtype, view.shape().to_vec()))
    }

    fn checked(&self, name: &str, shape: &[usize]) -> Result<(&'a [u8], Dtype), Error> {
        let (data, dtype, got) = self.tensor(name)?;
        if got != shape {
            return Err(self.bad(format!("`{name}` of shape {shape:?}"), format!("{got:?}")));
        }
        Ok((data, dtype))
    }

    /// The same, with finite numbers only.
    fn finite(&self, name: &str, shape: &[usize]) -> Result<(&'a [u8], Dtype), Error> {
        let (data, dtype) = self.checked(name, shape)?;
        tensors::check_finite(self.path, name, data, dtype)?;
        Ok((data, dtype))
    }

    fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let (data, dtype) = self.finite(name, shape)?;
        Ok(widened(data, dtype))
    }

    /// A matrix of any number of rows, at least one.
    fn rows(&self, name: &str, width: usize) -> Result<Vec<f32>, Error> {
        let (data, dtype, shape) = self.tensor(name)?;
        match *shape.as_slice() {
            [rows, columns] if rows > 0 && columns == width => {
                tensors::check_finite(self.path, name, data, dtype)?;
                Ok(widened(data, dtype))
            }
            ref other => {
                Err(self.bad(format!("`{name}` of shape [1 or more, {width}]"), format!("{other:?}")))
            }
        }
    }

    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Table, Error> {
        let (data, dtype) = self.finite(name, &[rows, width])?;
        let start = (data.as_ptr() as usize).wrapping_sub(self.file.as_ptr() as usize);
        let bytes = self.file.slice(start..start.wrapping_add(data.len()));
        let bytes =
            bytes.ok_or_else(|| self.bad(format!("`{name}` inside the file"), "it is outside".into()))?;
        Ok(Table { bytes, dtype, width })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, Error> {
        Ok(Norm {
            gamma: self.numbers(&format!("{name}.weight"), &[width])?,
            beta: self.numbers(&format!("{name}.bias"), &[width])?,
        })
    }

    /// Linear layers side by side, as one.
    fn linear(&self, names: &[String], from: usize, to: usize) -> Result<Linear, Error> {
        // Sizes come from the configuration; nothing is allocated until a tensor has confirmed them.
        for name in names {
            self.checked(&format!("{name}.weight"), &[to, from])?;
        }
        let memory = |error| Error::Compute { reason: format!("no memory for a matrix: {error}") };
        let mut weight = Packed::zeros(from, to * names.len()).map_err(memory)?;
        let mut bias = Vec::with_capacity(to * names.len());
        for (i, name) in names.iter().enumerate() {
            let (data, dtype) = self.finite(&format!("{name}.weight"), &[to, from])?;
            // A few rows at a time, so that the whole matrix never exists in both forms.
            let row_bytes = from * element_bytes(dtype);
            for (j, rows) in data.chunks(row_bytes * ROWS_AT_ONCE).enumerate() {
                weight.set_columns(i * to + j * ROWS_AT_ONCE, &widened(rows, dtype));
            }
            bias.extend(self.numbers(&format!("{name}.bias"), &[to])?);
        }
        Ok(Linear { weight, bias })
    }

    fn layer(&self, index: usize, config: &Config) -> Result<Layer, Error> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let qkv = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Layer {
            qkv: self.linear(&qkv, hidden, hidden)?,
            attention: self.linear(&[name("attention.output.dense")], hidden, hidden)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), hidden)?,
            up: self.linear(&[name("intermediate.dense")], hidden, inner)?,
            down: self.linear(&[name("output.dense")], inner, hidden)?,
            output_norm: self.norm(&name("output.LayerNorm"), hidden)?,
        })
    }
}

const ROWS_AT_ONCE: usize = 32;

fn widened(data: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F16 => data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        _ => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    }
}
