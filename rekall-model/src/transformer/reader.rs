//! A network's numbers, read from safetensors files into the layout that the matrix product needs.
//!
//! Matrices are packed once, into memory of their own or a file that later loads map; the table of token vectors, half of a small model, is
//! used in the mapped file: only rows of tokens that occur are ever read.

use std::ops::Range;

use half::{bf16, f16};
use safetensors::Dtype;

use super::kept::Matrices;
use super::quantization::Quantization;
use super::stored_weight::StoredWeight;
use super::weight_files::{Found, Tensors};
use crate::bytes::Bytes;
use crate::cpu::{Packed, PackedInt8};
use crate::tensors;
use crate::{Error, Precision};

/// A linear layer.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) weight: Matrix,
    pub(super) bias: Option<Vec<f32>>,
}

/// The weight of a linear layer, packed.
#[derive(Debug)]
pub(super) enum Matrix {
    F32(Packed),
    Int8(PackedInt8),
}

impl Matrix {
    fn zeros(precision: Precision, k: usize, n: usize) -> std::io::Result<Self> {
        Ok(match precision {
            Precision::F32 => Self::F32(Packed::zeros(k, n)?),
            Precision::Int8 => Self::Int8(PackedInt8::zeros(k, n)?),
        })
    }

    pub(super) fn set_columns(&mut self, first: usize, rows: &[f32]) {
        match self {
            Self::F32(matrix) => matrix.set_columns(first, rows),
            Self::Int8(matrix) => matrix.set_columns(first, rows),
        }
    }

    /// The same of rows of `k` rounded numbers, and what each row's are multiples of.
    pub(super) fn set_rounded(&mut self, first: usize, k: usize, rows: &[i8], scales: &[f32]) {
        match self {
            Self::F32(matrix) => {
                let of_rows = rows.chunks_exact(k).zip(scales);
                let numbers = of_rows.flat_map(|(row, scale)| row.iter().map(move |&x| f32::from(x) * scale));
                matrix.set_columns(first, &numbers.collect::<Vec<_>>());
            }
            Self::Int8(matrix) => matrix.set_rounded(first, rows, scales),
        }
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::F32(matrix) => matrix.view().n,
            Self::Int8(matrix) => matrix.view().n,
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::F32(matrix) => matrix.memory_bytes(),
            Self::Int8(matrix) => matrix.memory_bytes(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::F32(matrix) => size_of_val(matrix.view().panels),
            Self::Int8(matrix) => size_of_val(matrix.parts().0),
        }
    }
}

impl Linear {
    /// Bytes of the matrix, wherever it lies: those that are read for a text.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.weight.bytes()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.weight.memory_bytes() + self.bias.as_deref().map_or(0, size_of_val)
    }
}

/// Scale and shift of a layer norm.
#[derive(Debug)]
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    /// Zeros where the file has none.
    pub(super) beta: Vec<f32>,
}

impl Norm {
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.gamma) + size_of_val(&*self.beta)
    }
}

/// Some rows of a linear layer's weight in the file, `[out, in]`, and of its bias.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The layer's name.
    pub(super) name: String,
    pub(super) rows: Range<usize>,
    /// Rows in all.
    pub(super) of: usize,
}

impl Part {
    pub(super) fn whole(name: String, rows: usize) -> Self {
        Self { name, rows: 0..rows, of: rows }
    }

    /// What tells the matrix of these rows from others.
    fn key(&self) -> String {
        format!("{}[{}..{}]", self.name, self.rows.start, self.rows.end)
    }
}

/// Token vectors in the file's own precision.
#[derive(Debug)]
pub(super) struct Table {
    bytes: Bytes,
    dtype: Dtype,
    width: usize,
}

impl Table {
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.heap_bytes()
    }

    /// Adds the vector of token `id` to `out`.
    ///
    /// # Errors
    /// [`Error::Compute`] if there is none, which no tokenizer of this model asks for.
    pub(super) fn add_to(&self, id: u32, out: &mut [f32]) -> Result<(), Error> {
        let size = self.width * element_bytes(self.dtype);
        let start = id as usize * size;
        let Some(row) = self.bytes.get(start..start + size) else {
            return Err(Error::Compute {
                reason: format!("the tokenizer gave token {id}, which has no vector"),
            });
        };
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
        Ok(())
    }
}

pub(super) fn element_bytes(dtype: Dtype) -> usize {
    if dtype == Dtype::F32 { 4 } else { 2 }
}

pub(super) struct Reader<'a> {
    tensors: &'a Tensors<'a>,
    /// The prefix of the tensors' names in the file: empty, `bert.`, `roberta.`, `model.` …
    prefix: String,
    /// How matrices are made.
    matrices: Option<&'a Matrices>,
}

impl<'a> Reader<'a> {
    /// `first` is the name of a tensor that every file has, by which the prefix is found.
    pub(super) fn new(tensors: &'a Tensors<'a>, first: &str) -> Self {
        let prefix = tensors.names().find_map(|name| name.strip_suffix(first)).unwrap_or_default().to_owned();
        Self { tensors, prefix, matrices: None }
    }

    /// Makes matrices in this way; else they are in floats.
    pub(super) fn with_matrices(self, matrices: &'a Matrices) -> Self {
        Self { matrices: Some(matrices), ..self }
    }

    /// For tensors that stand beside the network's.
    pub(super) fn without_prefix(&self) -> Reader<'a> {
        Self { prefix: String::new(), ..*self }
    }

    /// How the linear layers are stored.
    pub(super) fn quantization(&self) -> Quantization {
        self.tensors.quantization
    }

    /// A tensor, if there is one of that name.
    pub(super) fn find(&self, name: &str) -> Option<Found<'a>> {
        // Checkpoints converted from TensorFlow use the names gamma and beta.
        let old =
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        [name, &old].into_iter().find_map(|name| self.tensors.find(&format!("{}{name}", self.prefix)))
    }

    /// The same, where there has to be one.
    pub(super) fn existing(&self, name: &str) -> Result<Found<'a>, Error> {
        self.find(name).ok_or_else(|| {
            let expected = format!("a tensor `{}{name}`", self.prefix);
            let got = format!("{} others", self.tensors.names().count());
            Error::invalid_file(self.tensors.named_by, expected, got)
        })
    }

    /// A tensor of floats.
    fn tensor(&self, name: &str) -> Result<Found<'a>, Error> {
        let found = self.existing(name)?;
        let dtype = found.view.dtype();
        if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(found.bad(format!("`{name}` in F32, F16 or BF16"), format!("{dtype:?}")));
        }
        Ok(found)
    }

    pub(super) fn checked(&self, name: &str, shape: &[usize]) -> Result<Found<'a>, Error> {
        let found = self.tensor(name)?;
        found.has_shape(name, shape)?;
        Ok(found)
    }

    /// The same, with finite numbers only.
    fn finite(&self, name: &str, shape: &[usize]) -> Result<Found<'a>, Error> {
        let found = self.checked(name, shape)?;
        tensors::check_finite(found.path, name, found.view.data(), found.view.dtype())?;
        Ok(found)
    }

    pub(super) fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let view = self.finite(name, shape)?.view;
        Ok(widened(view.data(), view.dtype()))
    }

    /// A matrix of any number of rows, at least one.
    pub(super) fn rows(&self, name: &str, width: usize) -> Result<Vec<f32>, Error> {
        let found = self.tensor(name)?;
        match *found.view.shape() {
            [rows, columns] if rows > 0 && columns == width => self.numbers(name, &[rows, columns]),
            ref other => {
                Err(found.bad(format!("`{name}` of shape [1 or more, {width}]"), format!("{other:?}")))
            }
        }
    }

    pub(super) fn table(&self, name: &str, rows: usize, width: usize) -> Result<Table, Error> {
        let found = self.finite(name, &[rows, width])?;
        let data = found.view.data();
        let start = (data.as_ptr() as usize).wrapping_sub(found.bytes.as_ptr() as usize);
        let bytes = found.bytes.slice(start..start.wrapping_add(data.len()));
        let bytes =
            bytes.ok_or_else(|| found.bad(format!("`{name}` inside the file"), "it is outside".into()))?;
        Ok(Table { bytes, dtype: found.view.dtype(), width })
    }

    pub(super) fn norm(&self, name: &str, width: usize, has_beta: bool) -> Result<Norm, Error> {
        let gamma = self.numbers(&format!("{name}.weight"), &[width])?;
        let beta = match has_beta {
            true => self.numbers(&format!("{name}.bias"), &[width])?,
            false => vec![0.0; width],
        };
        Ok(Norm { gamma, beta })
    }

    /// Linear layers, or parts of them, side by side, as one.
    pub(super) fn linear(&self, parts: &[Part], from: usize, has_bias: bool) -> Result<Linear, Error> {
        // Sizes come from the configuration; nothing is allocated until a tensor has confirmed them.
        let stored = |part: &Part| StoredWeight::of(self, &part.name, part.of, from);
        let stored: Vec<_> = parts.iter().map(stored).collect::<Result<_, _>>()?;
        let memory = |error| Error::Compute { reason: format!("no memory for a matrix: {error}") };
        let columns = parts.iter().map(|part| part.rows.len()).sum();
        let key = parts.iter().map(Part::key).collect::<Vec<_>>().join(" ");
        // What was kept was made of these very weights, which were found to be finite then.
        let kept = self.matrices.and_then(|matrices| matrices.find(&key, from, columns));
        let is_kept = kept.is_some();
        let precision = self.matrices.map_or(Precision::F32, |matrices| matrices.precision);
        let mut weight = match kept {
            Some(kept) => kept,
            None => Matrix::zeros(precision, from, columns).map_err(memory)?,
        };
        let mut bias = has_bias.then(|| Vec::with_capacity(columns));
        let mut column = 0;
        for (Part { name, rows, of }, stored) in parts.iter().zip(&stored) {
            if let Some(bias) = &mut bias {
                bias.extend(&self.numbers(&format!("{name}.bias"), &[*of])?[rows.clone()]);
            }
            if !is_kept {
                stored.write(rows.clone(), &mut weight, column)?;
            }
            column += rows.len();
        }
        if let Some(matrices) = self.matrices.filter(|_| !is_kept) {
            matrices.keep(&key, &weight);
        }
        Ok(Linear { weight, bias })
    }
}

pub(super) fn widened(data: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F16 => data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        _ => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    }
}
